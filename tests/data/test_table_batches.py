"""A table read in parts is the table read at once."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fairkd.data.reading import Reading
from fairkd.data.table_batches import TableBatches
from fairkd.errors import DataError

ROWS = 5_000


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    random = np.random.default_rng(0)
    code = [f"{number:04d}" for number in range(ROWS)]
    amount = np.where(np.arange(ROWS) % 9 == 0, np.nan, random.normal(size=ROWS))
    town = np.array(["Bø", "two\nlines", None], dtype=object)[np.arange(ROWS) % 3]
    return pd.DataFrame({"code": code, "amount": amount, "town": town, "more": 1})


def parts(file: Path, table: pd.DataFrame) -> list[pd.DataFrame]:
    batches = TableBatches.open(file, Reading())
    assert batches.names == tuple(table.columns)
    return list(batches.frames(["town", "amount", "code"], ["amount"]))


def check(found: list[pd.DataFrame], table: pd.DataFrame) -> None:
    assert len(found) > 2
    whole = pd.concat(found, ignore_index=True)
    assert whole.columns.tolist() == ["code", "amount", "town"]
    np.testing.assert_array_equal(whole["amount"], table["amount"])
    for name in ("code", "town"):
        assert whole[name].fillna("-").tolist() == table[name].fillna("-").tolist()


def test_csv(tmp_path: Path, table: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fairkd.data.table_csv._BLOCK", 2**15)
    for name in ("table.csv", "table.csv.gz"):
        table.to_csv(tmp_path / name, index=False)
        check(parts(tmp_path / name, table), table)


def test_parquet(tmp_path: Path, table: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fairkd.data.table_batches.ROWS", 1_000)
    table.to_parquet(tmp_path / "table.parquet")
    check(parts(tmp_path / "table.parquet", table), table)
    assert TableBatches.open(tmp_path / "table.parquet", Reading()).rows == ROWS


def test_what_breaks_late_is_told(
    tmp_path: Path, table: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fairkd.data.table_csv._BLOCK", 2**15)
    file = tmp_path / "table.csv"
    for line, sentence in {
        "9,much,Bø,1\n": r"holds 'much' in the column 'amount', which is no number; correct it",
        "9,1.5,Bø\n": r"has 3 fields in the row that ends in line \d+, and 4 columns",
    }.items():
        file.write_text(table.to_csv(index=False) + line)
        read = TableBatches.open(file, Reading()).frames(["amount", "code"], ["amount"])
        assert len(next(read)) > 100
        with pytest.raises(DataError, match=sentence):
            list(read)


def test_kept_columns_stay_as_they_stand(tmp_path: Path) -> None:
    """A missing value turns no whole number into a float, and no name of a country is missing."""
    (tmp_path / "t.csv").write_text("age,town,country\n 1 , Bø ,NA\n NA , ?,  De \n")
    reading = Reading.of({"lower_case": True})
    (found,) = TableBatches.open(tmp_path / "t.csv", reading).frames(
        ["age", "town"], ["age"], ["country", "town"]
    )
    assert found.columns.tolist() == ["age", "town", "country"]
    assert found["country"].tolist() == ["NA", "  De "]
    assert (found["town"][0], found["town"].isna()[1]) == ("bø", True)
    np.testing.assert_array_equal(found["age"], [1.0, np.nan])
    ids = pd.array([2**53 + 1, None, 7], dtype="Int64")
    kinds = pd.Series(["a", "b", "a"], dtype="category")
    rows = pd.DataFrame({"id": ids, "kind": kinds, "age": [1, 2, 3]})
    rows.to_parquet(tmp_path / "t.parquet")
    (found,) = TableBatches.open(tmp_path / "t.parquet", reading).frames(
        ["age"], [], ["id", "kind"]
    )
    assert found["id"].tolist() == [2**53 + 1, pd.NA, 7]
    assert found["kind"].tolist() == ["a", "b", "a"]
