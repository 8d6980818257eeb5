import json
import math
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from mlflow.tracking import MlflowClient

from fairkd.errors import TrackingError
from fairkd.tracking.mlflow_run import TrackedRun
from fairkd.tracking.mlflow_tracking import MlflowTracking
from fairkd.tracking.mlflow_values import shown

Rows = Callable[..., list[tuple[Any, ...]]]


@pytest.fixture
def run(tracking: MlflowTracking) -> Iterator[TrackedRun]:
    with tracking.start("run", {}, {}) as started:
        yield started


@pytest.fixture
def folder(tmp_path: Path, run: TrackedRun) -> Path:
    return tmp_path / "mlartifacts" / run.run_id / "artifacts"


def test_parameters_are_what_the_user_typed(run: TrackedRun, rows: Rows) -> None:
    params = {
        "distillation.temperature": 4,
        "distillation.alpha": 1.0,
        "constraint.weight": 0.3,
        "lr": 1e-05,
        "on": True,
        "none": None,
        "name": "mlp",
        "empty": "",
        "by": ["sex", "race"],
        "odd@key": 1,
    }
    run.log_params(params)
    written = dict(rows("select key, value from params"))
    odd = next(key for key in written if key.startswith("odd"))
    assert written == {
        "distillation.temperature": "4",
        "distillation.alpha": "1.0",
        "constraint.weight": "0.3",
        "lr": "1e-05",
        "on": "true",
        "none": "null",
        "name": "mlp",
        "empty": "",
        "by": '["sex", "race"]',
        odd: "1",
    }


def test_many_parameters_and_tags_fit(run: TrackedRun, rows: Rows) -> None:
    run.log_params({f"p{number}": number for number in range(250)})
    run.set_tags({f"t{number}": number for number in range(250)})
    run.flush()
    assert dict(rows("select key, value from params")) == {f"p{n}": str(n) for n in range(250)}
    assert rows("select count(*) from tags where key glob 't[0-9]*'") == [(250,)]


def test_long_values_are_cut_and_stay_distinct(run: TrackedRun, rows: Rows) -> None:
    run.log_params({"a": "é" * 7000, "b": "é" * 6999 + "e", "c": "x" * 6000})
    written = dict(rows("select key, value from params"))
    assert len(written["a"]) == len(written["b"]) == 6000
    assert "(7000 characters, sha256 " in written["a"]
    assert written["a"] != written["b"]
    assert written["c"] == "x" * 6000


def test_a_parameter_cannot_change(run: TrackedRun) -> None:
    run.log_params({"a": 1})
    run.log_params({"a": 1})
    with pytest.raises(TrackingError, match="Could not write a run's parameters"):
        run.log_params({"a": 2})


def test_metrics_keep_nan_and_do_not_invent_numbers(tracking: MlflowTracking, rows: Rows) -> None:
    with tracking.start("run", {}, {}) as run:
        run.log_metrics({"a": 0.1, "b": math.nan, "c": math.inf, "d": -math.inf}, step=3)
    metrics = MlflowClient(tracking.uri).get_run(run.run_id).data.metrics
    assert metrics["a"] == 0.1
    assert all(math.isnan(metrics[name]) for name in "bcd")
    assert rows("select distinct step from metrics") == [(3,)]
    experiment = tracking._store.experiment_id
    found = MlflowClient(tracking.uri).search_runs([experiment], "metrics.b < 1")
    assert found == []  # an undefined disparity never looks small


def test_groups_whose_names_mlflow_refuses_stay_distinct(run: TrackedRun, rows: Rows) -> None:
    run.log_metrics({"test/student/accuracy/age<25": 0.25, "test/student/accuracy/age>25": 0.75})
    run.flush()
    written = dict(rows("select key, value from latest_metrics"))
    assert len(written) == 2
    assert all(key.startswith("test/student/accuracy/age_25-") for key in written)
    assert sorted(written.values()) == [0.25, 0.75]


def test_history_is_written_whole_by_epoch(run: TrackedRun, rows: Rows) -> None:
    history = [{"epoch": e, "val/loss": 1 / (e + 1), "val/acc": e / 10} for e in range(700)]
    run.log_history(history)
    run.flush()
    assert dict(rows("select step, value from metrics where key = 'val/loss'")) == {
        row["epoch"]: row["val/loss"] for row in history
    }
    assert rows("select count(*) from metrics") == [(1400,)]
    assert rows("select value, step from latest_metrics where key = 'val/acc'") == [(69.9, 699)]


def test_artifacts(run: TrackedRun, folder: Path, tmp_path: Path) -> None:
    table = pd.DataFrame({"rate": [0.1 + 0.2, math.nan]}, index=pd.Index(["F", "é<"], name="sex"))
    run.log_table(table, "tables/groups.csv")
    run.log_table(pd.DataFrame({"x": [1]}), "plain.csv")
    run.log_text("é", "notes/a b.txt")
    run.log_json({"x": [math.nan, 1.5, (math.inf, "é")], 1: None}, "record.json")
    (tmp_path / "model.onnx").write_bytes(b"\0\1")
    run.log_file(tmp_path / "model.onnx", "student")
    run.log_file(tmp_path / "model.onnx")
    (tmp_path / "model.onnx").unlink()  # a copy was taken
    run.flush()
    text = (folder / "tables" / "groups.csv").read_text("utf-8")
    assert text == "sex,rate\nF,0.30000000000000004\né<,NaN\n"
    assert (folder / "plain.csv").read_text() == "x\n1\n"
    assert (folder / "notes" / "a b.txt").read_text("utf-8") == "é"
    written = json.loads((folder / "record.json").read_text(), parse_constant=pytest.fail)
    assert written == {"x": [None, 1.5, [None, "é"]], "1": None}
    assert (folder / "student" / "model.onnx").read_bytes() == b"\0\1"
    assert (folder / "model.onnx").is_file()


def test_a_missing_file_is_a_sentence(run: TrackedRun, tmp_path: Path) -> None:
    with pytest.raises(TrackingError, match=r"Could not write the artifact absent\.txt"):
        run.log_file(tmp_path / "absent.txt")


def test_a_data_set_is_an_input_with_its_fingerprint(tracking: MlflowTracking) -> None:
    fingerprint = "0123456789abcdef" * 4
    with tracking.start("run", {}, {}) as run:
        run.log_input("adult", fingerprint, "train", 30000, source="UCI")
    (given,) = MlflowClient(tracking.uri).get_run(run.run_id).inputs.dataset_inputs
    assert (given.dataset.name, given.dataset.digest) == ("adult", fingerprint[:36])
    assert json.loads(given.dataset.source) == {"source": "UCI", "fingerprint": fingerprint}
    assert json.loads(given.dataset.profile) == {"num_rows": 30000}
    assert [(tag.key, tag.value) for tag in given.tags] == [("mlflow.data.context", "train")]


def test_many_writers_at_once_lose_nothing(tracking: MlflowTracking, rows: Rows) -> None:
    tracking.prepare()
    errors: list[BaseException] = []

    def write(name: str) -> None:
        try:
            with tracking.start(name, {"n": name}, {}) as run:
                for epoch in range(5):
                    run.log_metrics({f"m{i}": i for i in range(20)}, step=epoch)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=write, args=(str(n),)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
    assert rows("select count(*) from metrics") == [(400,)]
    assert rows("select status, count(*) from runs group by status") == [("FINISHED", 4)]


def test_shown_cuts_at_the_limit() -> None:
    assert shown("x" * 100, 100) == "x" * 100
    assert len(shown("x" * 101, 100)) == 100
    assert shown(2.0, 100) == "2.0"
    assert shown({"a": {"b": Path("x")}}, 100) == '{"a": {"b": "x"}}'


def test_a_whole_job_takes_few_calls(tracking: MlflowTracking, rows: Rows) -> None:
    class Counting(MlflowClient):
        calls = 0

        def log_batch(self, *args: Any, **kwargs: Any) -> Any:
            self.calls += 1
            return super().log_batch(*args, **kwargs)

    client = Counting(tracking.uri)
    with tracking.start("run", {}, {}) as opened:
        run = TrackedRun(client, tracking.uri, opened.run_id)
        run.log_history([{"epoch": e, **dict.fromkeys("abcde", 0.5)} for e in range(250)])
        run.log_metrics({f"m{i}": i for i in range(300)})
        run.set_tags({"x": 1})
        assert (client.calls, rows("select count(*) from metrics")) == (0, [(0,)])
        run.flush()
    assert rows("select count(*) from metrics") == [(1550,)]
    assert client.calls == 1


def test_a_job_that_takes_its_time_shows_its_curves(tracking: MlflowTracking, rows: Rows) -> None:
    with tracking.start("run", {}, {}) as opened:
        run = TrackedRun(MlflowClient(tracking.uri), tracking.uri, opened.run_id, every=0.05)
        run.log_history([{"epoch": 0, "a": 1.0}])
        assert rows("select count(*) from metrics") == [(0,)]
        time.sleep(0.06)
        run.log_history([{"epoch": 1, "a": 2.0}])
        assert rows("select step, value from metrics order by step") == [(0, 1.0), (1, 2.0)]
        run.log_history([{"epoch": 2, "a": 3.0}])
        assert rows("select count(*) from metrics") == [(2,)]


def test_what_a_failed_job_measured_is_written(tracking: MlflowTracking, rows: Rows) -> None:
    def work(run: TrackedRun) -> None:
        run.log_metrics({"a": 1.0})
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), tracking.start("run", {}, {}) as run:
        work(run)
    assert rows("select key, value from metrics") == [("a", 1.0)]
    assert rows("select status from runs") == [("FAILED",)]


def test_a_run_with_anything_unwritten_is_not_finished(
    tracking: MlflowTracking, rows: Rows, tmp_path: Path
) -> None:
    def write() -> None:
        with tracking.start("run", {"p": 1}, {}) as run:
            run.log_metrics({"a": 1.0})
            run.log_text("x", "x.txt")

    tracking.prepare()
    (tmp_path / "mlartifacts").write_text("in the way")
    with pytest.raises(TrackingError, match="Could not write into a run in sqlite"):
        write()
    assert rows("select status from runs") == [("FAILED",)]
    assert rows("select key, value from metrics") == [("a", 1.0)]
    ((error,),) = rows("select value from tags where key = 'fairkd.error'")
    assert "TrackingError: Could not write into a run" in error


@pytest.mark.parametrize("path", ["../x.txt", "/etc/x.txt", "a/../../x.txt", "a//b"])
def test_artifacts_stay_among_the_artifacts(run: TrackedRun, path: str) -> None:
    with pytest.raises(TrackingError, match="cannot be an artifact"):
        run.log_text("x", path)


def test_nothing_is_left_in_the_temporary_folder(
    tracking: MlflowTracking, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))

    def write() -> None:
        with tracking.start("run", {}, {}) as run:
            run.log_text("x", "a/x.txt")
            assert list(temporary.iterdir()) == []  # a process that is killed now leaves nothing

    write()
    shutil.rmtree(tmp_path / "mlartifacts")
    (tmp_path / "mlartifacts").touch()
    with pytest.raises(TrackingError, match="Could not write into a run"):
        write()
    assert list(temporary.iterdir()) == []


def test_tables_that_mlflows_pages_show(run: TrackedRun, folder: Path, rows: Rows) -> None:
    table = pd.DataFrame({"group": ["f", "age<25"], "accuracy": [0.75, math.nan], "rows": [3, 4]})
    run.show_table(table, "groups/sex.json")
    run.show_table(table[["group"]], "groups/age.json")
    run.flush()
    assert json.loads((folder / "groups" / "sex.json").read_text()) == {
        "columns": ["group", "accuracy", "rows"],
        "data": [["f", 0.75, 3], ["age<25", None, 4]],
    }
    ((told,),) = rows("select value from tags where key = 'mlflow.loggedArtifacts'")
    assert json.loads(told) == [
        {"path": "groups/sex.json", "type": "table"},
        {"path": "groups/age.json", "type": "table"},
    ]
