import csv
import math
import stat
from pathlib import Path

import pandas as pd
import pytest

from fairkd.errors import StoreError
from fairkd.record import Headline
from fairkd.sweeps.outcome import Failure
from fairkd.sweeps.summary import summarise
from fairkd.sweeps.table import frame, jobs_frame, parent_metrics, write_csv


@pytest.fixture
def outcomes(make):
    return [
        make(2 * n + s, 0.8 + n / 10, 0.1 + n / 5 + s / 10, seed=s, varied={"constraint.weight": w})
        for n, w in enumerate((0.5, None))
        for s in range(2)
    ]


def test_the_headings_are_those_that_are_documented(outcomes):
    stems = [
        *(
            f"{split}/{model}{measure}"
            for split in ("test", "validation")
            for model in ("", "control/", "teacher/")
            for measure in ("accuracy", "disparity")
        ),
        "test/minus_control/accuracy",
        "test/minus_control/disparity",
    ]
    ends = ("mean", "sd", "low", "high", "interval", "defined", "of")
    assert list(frame(summarise(outcomes)).columns) == [
        *("rank", "on_front", "constraint.weight", "repetitions", "repetitions_vary"),
        *(f"{stem}_{end}" for stem in stems for end in ends),
        *("comparison", "disparity", "configuration", "job_numbers", "job_names", "run_ids"),
    ]


def test_a_row_a_configuration_best_first(outcomes):
    table = frame(summarise(outcomes))
    # 0.8 - 0.15 is more than 0.9 - 0.35, both on the front.
    assert table["constraint.weight"].tolist() == [0.5, "null"]
    assert table["rank"].tolist() == [1, 1]
    assert table["test/disparity_mean"].tolist() == pytest.approx([0.15, 0.35])
    assert table["test/minus_control/disparity_mean"].tolist() == pytest.approx([-0.02, 0.18])
    assert table["run_ids"].tolist() == ["run0 run1", "run2 run3"]
    assert table["disparity"].tolist() == ["demographic_parity_difference/sex"] * 2


def test_an_unranked_row_has_no_rank(make):
    table = frame(summarise([make(0, 0.8, math.nan)]))
    assert table["rank"].isna().tolist() == [True]
    assert (table["test/disparity_defined"][0], table["test/disparity_of"][0]) == (0, 1)


def test_a_row_a_job(outcomes):
    failures = [
        Failure(0, ("constraint.weight=-1",), "constraint.weight=-1 is out of range.", "refused"),
        Failure(9, (), "The disk is full.", "failed"),
    ]
    table = jobs_frame(outcomes[1:][::-1], failures)
    assert table["job"].tolist() == [0, 1, 2, 3, 9]
    assert table["status"].tolist() == ["refused", "done", "done", "done", "failed"]
    assert table["seed"].tolist() == [pd.NA, 1, 0, 1, pd.NA]
    assert table["overrides"].tolist() == ["constraint.weight=-1", "", "", "", ""]
    assert table["test/control/disparity"].tolist()[1:4] == [0.17] * 3
    assert math.isnan(table["test/accuracy"].tolist()[0])
    assert list(table.columns) == list(jobs_frame(outcomes, []).columns)


def test_no_jobs_no_rows():
    assert frame(summarise([])).empty
    assert jobs_frame([], []).empty
    assert len(jobs_frame([], [Failure(0, (), "No.", "failed")])) == 1


def test_what_is_written_is_read_again(outcomes, tmp_path):
    path = tmp_path / "new" / "sweep.csv"
    table = frame(summarise(outcomes))
    write_csv(table, path)
    again = pd.read_csv(path, keep_default_na=False, na_values=["NaN"])
    floats = table.select_dtypes("float").columns
    assert len(floats) > 50
    pd.testing.assert_frame_equal(again[floats], table[floats], check_exact=True)
    assert again["constraint.weight"].tolist() == ["0.5", "null"]
    assert again["on_front"].tolist() == [True, True]


def test_undefined_is_written_as_nan(make, tmp_path):
    write_csv(frame(summarise([make(0)])), tmp_path / "sweep.csv")
    with (tmp_path / "sweep.csv").open() as file:
        (line,) = csv.DictReader(file)
    assert (line["test/accuracy_mean"], line["test/accuracy_sd"]) == ("0.8", "NaN")


def test_a_table_that_cannot_be_written_leaves_the_old_one(outcomes, tmp_path, monkeypatch):
    path = tmp_path / "sweep.csv"
    path.write_text("old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(StoreError, match=r"No space left on device.*hydra\.sweep\.dir"):
        write_csv(frame(summarise(outcomes)), path)
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["sweep.csv"]


def test_a_folder_that_is_a_file_is_a_sentence(outcomes, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be written"):
        write_csv(frame(summarise(outcomes)), tmp_path / "file" / "sweep.csv")


def test_others_may_read_the_table_as_any_file(outcomes, tmp_path):
    (tmp_path / "plain").write_text("")
    write_csv(frame(summarise(outcomes)), tmp_path / "sweep.csv")
    modes = {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("plain", "sweep.csv")}
    assert len(modes) == 1


def test_the_numbers_of_the_parent_run(outcomes):
    found = parent_metrics(summarise(outcomes))
    assert found["sweep/jobs"] == 4
    assert found["sweep/configurations"] == 2
    assert found["sweep/front"] == 2
    assert (found["sweep/repetitions_min"], found["sweep/repetitions_max"]) == (2, 2)
    assert found["best/test/disparity_mean"] == pytest.approx(0.15)
    assert found["best/test/control/disparity_mean"] == pytest.approx(0.17)
    assert found["best/test/disparity_high"] == pytest.approx(0.15 + 12.7062 * 0.05, rel=1e-4)


def test_no_best_across_comparisons_or_without_a_rank(make):
    odds = Headline("equalized_odds_difference", "sex")
    two = [make(0, varied={"a": 0}), make(1, varied={"a": 1}, headline=odds)]
    for jobs in (two, [make(0, 0.8, math.nan)], []):
        found = parent_metrics(summarise(jobs))
        assert not any(name.startswith("best/") for name in found)
        assert found["sweep/jobs"] == len(jobs)
