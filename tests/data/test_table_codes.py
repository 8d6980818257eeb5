"""Text that parsing would change stays as the file has it, wherever in the file it stands."""

from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from fairkd.data.reading import Reading
from fairkd.data.table_batches import TableBatches
from fairkd.data.table_codes import holds_codes
from fairkd.data.table_file import read_table


@pytest.mark.parametrize("late", ["0123456", "1234567890123456789012"])
def test_a_code_far_below_the_first_rows_makes_a_column_text(late: str, tmp_path: Path) -> None:
    file = tmp_path / "codes.csv"
    file.write_text("code,size\n" + "1234567,1\n" * 120_000 + f"{late},2\n")
    frame = read_table(file).frame
    assert frame["code"].iloc[0] == "1234567"
    assert frame["code"].iloc[-1] == late
    assert frame["size"].sum() == 120_002


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["12", "0", "0.5", "-0.25", None], False),
        (["1234567890123456.5", "1e300"], False),
        (["007"], True),
        ([" -07 "], True),
        (["0x1F"], True),
        (["12345678901234567890"], True),
    ],
)
def test_codes_are_told_from_numbers(texts: list[str | None], expected: bool) -> None:
    assert holds_codes(pa.array(texts, pa.string())) is expected


def test_text_kept_in_training_is_the_text_of_rows_to_be_scored(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text("at,member\n6:00,true\n14:30,\n6:00,false\n")
    (scored,) = TableBatches.open(file, Reading()).frames(["at", "member"], [])
    trained = read_table(file).frame
    assert trained.fillna("").to_dict("list") == scored.fillna("").to_dict("list")


def test_folders_of_codes_keep_their_zeros(tmp_path: Path) -> None:
    for code in ("01234", "94110"):
        (tmp_path / f"zip={code}").mkdir()
        parquet.write_table(pa.table({"a": [1]}), tmp_path / f"zip={code}" / "part.parquet")
    assert read_table(tmp_path).frame["zip"].tolist() == ["01234", "94110"]


@pytest.mark.parametrize(
    "column",
    [
        pa.array([2**60 + 1, None, 2**60 + 2]),
        pa.array([Decimal(2**60 + 1), None, Decimal(2**60 + 2)], pa.decimal128(30, 0)),
        pa.array([str(2**60 + 1).encode(), None, str(2**60 + 2).encode()]),
    ],
    ids=["integers", "decimals", "bytes"],
)
def test_large_whole_numbers_of_parquet_keep_their_digits(column: pa.Array, tmp_path: Path) -> None:
    parquet.write_table(pa.table({"id": column}), tmp_path / "ids.parquet")
    read = read_table(tmp_path / "ids.parquet").frame["id"]
    assert read.dropna().tolist() == ["1152921504606846977", "1152921504606846978"]


def test_words_for_missing_values_are_found_before_text_is_lowered(tmp_path: Path) -> None:
    file = tmp_path / "words.csv"
    file.write_text("a,y\n NA ,1\nNamibia,2\nNULL,3\n")
    found = read_table(file, reading=Reading(lower_case=True))
    assert found.frame["a"].tolist()[1] == "namibia"
    assert found.frame["a"].isna().tolist() == [True, False, True]
    assert found.notes == (
        "taken for missing: 'NA' in a (1), 'NULL' in a (1); data.missing names the words",
    )
