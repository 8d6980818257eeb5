from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from fairkd.data.blocks import Blocks
from fairkd.data.dataset import Dataset
from fairkd.errors import StoreError
from fairkd.reporting.dataset.facts import facts_of
from fairkd.reporting.dataset.tracked import metrics, note, tables, write_folder

Build = Callable[..., Dataset]


def test_metrics(dataset: Build) -> None:
    found = metrics(facts_of(dataset(), 0.2))
    assert found["rows"] == 400
    assert found["rows/test"] == 100
    assert found["base_rate/sex.f"] == 0.2
    assert found["base_rate_difference/sex"] == pytest.approx(0.3)
    assert found["base_rate_difference/sex_high"] > 0.3
    assert 0 < found["certifiable/selection_rate/sex"] < 1


def test_a_folder_of_tables_and_the_picture(dataset: Build, tmp_path: Path) -> None:
    write_folder(facts_of(dataset(), 0.2), b"png", tmp_path / "new")
    assert (tmp_path / "new/data.png").read_bytes() == b"png"
    columns = pd.read_csv(tmp_path / "new/columns.csv")
    assert columns["column"].tolist() == ["sex", "pay", "id", "hired"]
    groups = pd.read_csv(tmp_path / "new/groups/sex.csv", index_col="group")
    assert groups["rows"].tolist() == [100, 296]
    missing = pd.read_csv(tmp_path / "new/missing.csv", index_col="column")
    assert missing.loc["pay", "sex=f"] == 0.3


def test_a_folder_that_cannot_be_written_is_told(dataset: Build, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"file/new cannot be written .* hydra\.run\.dir"):
        write_folder(facts_of(dataset(), 0.2), b"png", tmp_path / "file/new")


def test_names_from_the_data_stay_text(dataset: Build) -> None:
    data = replace(dataset(), blocks=Blocks.of({"../sex": ("<script>", "a|b")}))
    facts = facts_of(data, 0.2)
    assert "<script>" not in note(facts, "1")
    assert "a\\|b" in note(facts, "1")
    assert not any(".." in path for path in tables(facts))
