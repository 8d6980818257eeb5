"""Tables as people have them, and what becomes of each: the right values, or one exact sentence."""

import gzip
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fairkd.data.dataset import Dataset
from fairkd.data.own_table import load_table
from fairkd.errors import FairkdError

ROWS = 60
PLACE = np.arange(ROWS)
FEATURES = ("age", "score", "city")


def people(**columns: Any) -> pd.DataFrame:
    """Sixty people; columns are replaced, or come last."""
    base = {
        "age": 20 + PLACE * 7 % 30,
        "gender": np.where(PLACE % 2, "f", "m"),
        "score": PLACE * 11 % 13 / 2,
        "city": np.array(["Rome", "Oslo", "Bern"])[PLACE * 5 % 7 % 3],
        "hired": np.where(PLACE**2 % 7 > 2, "yes", "no"),
    }
    return pd.DataFrame({**base, **columns})


PEOPLE = people()
TEXT = PEOPLE.to_csv(index=False)
LINES = TEXT.splitlines()


def at(rows: Any, value: object, column: str) -> dict[str, Any]:
    """The column with another value in some rows."""
    return {column: PEOPLE[column].astype(object).mask(rows, value)}


def loaded(path: Path, **given: Any) -> Dataset:
    return load_table(**{"path": path, "label": "hired", "groups": ["gender"], "seed": 0, **given})


def raw(data: Dataset) -> pd.DataFrame:
    """All rows as they were read, in the order of the file."""
    rows = np.concatenate([data.rows[name] for name in data.splits])
    return pd.concat([data.raw[name] for name in data.splits]).iloc[rows.argsort()]


def written(folder: Path, content: "pd.DataFrame | str | bytes", name: str = "people.csv") -> Path:
    path = folder / name
    if isinstance(content, pd.DataFrame):
        content.to_csv(path, index=False)
    else:
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


# What is to be read right: the content, keys, and what has to be so.

Check = Callable[[Dataset], bool]


def is_as_written(data: Dataset) -> bool:
    """Every value of the sixty people, and the features that a model sees."""
    assert data.preparation is not None
    pd.testing.assert_frame_equal(
        raw(data).reset_index(drop=True), PEOPLE, check_dtype=False, check_column_type=False
    )
    return (*data.preparation.numeric, *data.preparation.categorical) == FEATURES


def features(*names: str) -> Check:
    return lambda data: data.preparation is not None and set(data.preparation.columns) == set(names)


def left_out(name: str, reason: str) -> Check:
    def check(data: Dataset) -> bool:
        return f"{name} is left out: {reason}" in data.told and features(*FEATURES)(data)

    return check


def tells(line: str) -> Check:
    return lambda data: line in data.told


def column(name: str, expected: Any) -> Check:
    return lambda data: raw(data)[name].tolist() == list(expected)


WHOLE: dict[str, tuple[Any, dict[str, Any], Check]] = {
    "as it should be": (TEXT, {}, is_as_written),
    "a byte order mark": (b"\xef\xbb\xbf" + TEXT.encode(), {}, is_as_written),
    "line ends of Windows": (TEXT.replace("\n", "\r\n"), {}, is_as_written),
    "blank lines": (TEXT.replace("\n", "\n\n"), {}, is_as_written),
    "semicolons": (TEXT.replace(",", ";"), {}, is_as_written),
    "tabs": (TEXT.replace(",", "\t"), {}, is_as_written),
    "decimal commas": (
        PEOPLE.to_csv(index=False, sep=";", decimal=","),
        {"decimal": ","},
        is_as_written,
    ),
    "decimal commas unsaid": (
        PEOPLE.to_csv(index=False, sep=";", decimal=","),
        {},
        tells(
            "score: numbers with decimal commas are taken for categories; data.decimal=',' makes "
            "them numbers"
        ),
    ),
    "UTF-16, named": (TEXT.encode("utf-16"), {"encoding": "utf-16"}, is_as_written),
    "Latin 1, named": (
        people(city="Zürich").to_csv(index=False).encode("latin-1"),
        {"encoding": "latin-1", "keep": ["city"]},
        column("city", ["Zürich"] * ROWS),
    ),
    "spaces around names and values": (
        "\n".join(" , ".join(line.split(",")) for line in LINES),
        {},
        is_as_written,
    ),
    "a column of row numbers without a name": (PEOPLE.to_csv(), {}, is_as_written),
    "delimiters at the ends of lines": (TEXT.replace("\n", ",,\n"), {}, is_as_written),
    "words for missing values": (
        people(**at(PLACE % 3 == 0, "?", "city")),
        {},
        lambda data: raw(data)["city"].isna().tolist() == (PLACE % 3 == 0).tolist(),
    ),
    "codes that begin with 0": (
        people(code=[f"0{1000 + place % 5}" for place in PLACE]),
        {},
        column("code", [f"0{1000 + place % 5}" for place in PLACE]),
    ),
    "a quoted field over two lines": (
        people(**at(PLACE == 3, 'R\n"o", me', "city")),
        {},
        lambda data: raw(data)["city"].iloc[3] == 'R\n"o", me',
    ),
    "an all-missing column": (people(extra=""), {}, left_out("extra", "no value in any row")),
    "a constant column": (people(extra=1), {}, left_out("extra", "the same value in every row")),
    "an identifier": (
        people(mail=[f"p{place}@example.org" for place in PLACE]),
        {},
        left_out("mail", "an identifier: 60 different values in 60 rows"),
    ),
    "dates": (
        people(since=pd.date_range("2024-01-01", periods=ROWS).strftime("%Y-%m-%d")),
        {},
        left_out("since", "a date; data.types={since: date} makes it days since 1970"),
    ),
    "dates as features": (
        people(since=pd.date_range("2024-01-01", periods=ROWS).strftime("%Y-%m-%d")),
        {"types": {"since": "date"}},
        column("since", 19_723.0 + PLACE),
    ),
    "mixed types": (
        people(**at(PLACE % 20 == 0, "low", "score")),
        {},
        tells("score: 3 of 60 values are no numbers, such as 'low': read as categories"),
    ),
    "huge integers": (
        people(code=2**60 + PLACE % 7),
        {},
        tells("code: whole numbers above 2^53, which would lose digits as numbers: read as "
              "categories"),
    ),
    "huge integers of which some are missing": (
        people(code=[str(2**60 + place % 7) if place % 3 else "" for place in PLACE]),
        {},
        column("code", [str(2**60 + place % 7) if place % 3 else np.nan for place in PLACE]),
    ),
    "more digits than an integer has": (
        people(code=[str(10**20 + int(place) % 7) for place in PLACE]),
        {},
        column("code", [str(10**20 + int(place) % 7) for place in PLACE]),
    ),
    "codes that look like powers of ten": (
        people(code=[f"{1 + place % 5}E2" for place in PLACE]),
        {},
        column("code", [f"{1 + place % 5}E2" for place in PLACE]),
    ),
    "codes that look hexadecimal": (
        people(code=[f"0x{10 + place % 5}" for place in PLACE]),
        {},
        column("code", [f"0x{10 + place % 5}" for place in PLACE]),
    ),
    "a time of day": (
        people(shift=np.where(PLACE % 3, "6:00", "14:30")),
        {},
        column("shift", np.where(PLACE % 3, "6:00", "14:30")),
    ),
    "commas between thousands": (
        people(pay=[f"{1 + place % 5},500" for place in PLACE]),
        {},
        tells("pay: numbers with commas, such as '1,500', are taken for categories; write them "
              "without commas between thousands, or with decimal points"),
    ),
    "percent signs": (
        people(share=[f"{place * 3 % 17}%" for place in PLACE]),
        {},
        tells("share: numbers with signs, such as '0%', are taken for categories; write the "
              "numbers alone"),
    ),
    "dates of which the month is unknown": (
        people(since=[f"0{1 + place % 9}/0{1 + place % 7}/2024" for place in PLACE]),
        {},
        tells("since: not all are dates, or whether the day or the month comes first is not known"),
    ),
    "dates with the day first": (
        people(since=[f"{1 + place % 28}/02/2024" for place in PLACE]),
        {"types": {"since": "date"}},
        column("since", 19_754.0 + PLACE % 28),
    ),
    "dates with slashes": (
        people(since=[f"2024/02/{1 + place % 28:02}" for place in PLACE]),
        {"types": {"since": "date"}},
        column("since", 19_754.0 + PLACE % 28),
    ),
    "a category that goes by a word for missing": (
        people(**at(PLACE % 3 == 0, "None", "city")),
        {},
        tells("taken for missing: 'None' in city (20); data.missing names the words"),
    ),
    "a category of two spellings that look alike": (
        people(city=np.where(PLACE % 3, "Ro me", "Ro\u00a0me")),
        {},
        tells(r"city: 'Ro me' and 'Ro\xa0me' look alike and are taken for different values"),
    ),
    "rows twice": (
        pd.concat([people(pay=PLACE * 1.5 + 0.25), people(pay=PLACE * 1.5 + 0.25)[:2]]),
        {},
        tells("2 rows equal an earlier one in every column; if the same cases were entered twice, "
              "remove them, since training and test rows share them"),
    ),
    "labels with spaces at their ends": (
        people(hired=np.where(PLACE**2 % 7 > 2, "yes ", "no\t")),
        {},
        is_as_written,
    ),
    "delimiters in quotes": (
        people(city=np.where(PLACE % 3, "Rome, Lazio; Italy", "Oslo")),
        {},
        column("city", np.where(PLACE % 3, "Rome, Lazio; Italy", "Oslo")),
    ),
    "truth values of which some are missing": (
        people(member=np.array(["true", "false", ""])[PLACE % 3]),
        {},
        column("member", np.array(["true", "false", np.nan], dtype=object)[PLACE % 3]),
    ),
    "cases of a feature": (
        people(**at(PLACE % 4 == 0, "rome", "city")),
        {},
        tells("city: 'Rome' and 'rome' differ in case alone and are taken for different values; "
              "data.lower_case=true makes them one"),
    ),
    "cases of a group, made one": (
        people(**at(PLACE % 4 == 0, "M", "gender")),
        {"lower_case": True},
        lambda data: data.blocks["gender"].cells == ("f", "m"),
    ),
    "a label of three values": (
        people(**at(PLACE % 5 == 0, "maybe", "hired")),
        {},
        lambda data: data.classes == ("maybe", "no", "yes"),
    ),
    "a label of 0 and 1 with a fraction": (
        people(hired=(PLACE**2 % 7 > 2).astype(float)),
        {},
        lambda data: data.classes == ("0", "1"),
    ),
    "a group that some rows lack": (
        people(**at(PLACE % 3 == 0, "", "gender")),
        {},
        lambda data: sum(float(rows.group.sum()) for rows in data.splits.values()) == 40.0,
    ),
    "a number in groups, by edges": (
        PEOPLE,
        {"groups": ["age"], "bins": {"age": [25, 40]}},
        lambda data: raw(data)["age"].value_counts().to_dict()
        == {"<25": 10, "25-40": 30, ">=40": 20},
    ),
    "nearly the label": (
        people(outcome=(PLACE**2 % 7 > 2) ^ (PLACE == 0)),
        {},
        lambda data: any(line.startswith("warning: 'outcome' alone tells") for line in data.told),
    ),
    "markup and formulas": (
        people(**at(PLACE % 3 == 0, "=1+<b>", "gender")),
        {},
        lambda data: data.blocks["gender"].cells == ("=1+<b>", "f", "m"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WHOLE)
def test_right_results(name: str, tmp_path: Path) -> None:
    content, given, holds = WHOLE[name]
    assert holds(loaded(written(tmp_path, content), **given))


# What cannot be used: the content, keys, and the sentence; {path} stands for the file's path.

NO_LABELS = (
    "several labels a row (a multi-label target) cannot be learned here; name a column with one "
    "class a row in data.label."
)
BROKEN: dict[str, tuple[Any, dict[str, Any], str]] = {
    "empty": ("", {}, "{path} is empty; name another file in data.path."),
    "blank": (" \n\n", {}, "{path} is empty; name another file in data.path."),
    "a header only": (LINES[0], {}, "{path} has columns and no rows (age, gender, score, city, "
                                    "hired)."),
    "a row too short": (
        "\n".join([*LINES[:4], "33,f", *LINES[4:]]),
        {},
        "{path} has 2 fields in the row that ends in line 5, and 5 columns; correct that row, or "
        "name what stands between fields in data.delimiter.",
    ),
    "a row too long": (
        f"{TEXT}33,f,1.5,Rome,yes,no\n",
        {},
        "{path} has 6 fields in the row that ends in line 62, and 5 columns; correct that row, or "
        "name what stands between fields in data.delimiter.",
    ),
    "a quote left open": (
        f'{TEXT}"33,f,1.5,Rome,yes\n',
        {},
        "{path} has 1 fields in the row that ends in line 62, and 5 columns; correct that row, or "
        "name what stands between fields in data.delimiter.",
    ),
    "duplicate columns": (
        TEXT.replace("score", " age "),
        {},
        "{path} has the column 'age' twice, as its columns 1 and 3; rename one of them.",
    ),
    "a column without a name": (
        TEXT.replace("city", ""),
        {},
        "{path} has no name for its column 4, which holds 'Rome'; name it in the header.",
    ),
    "another encoding": (
        TEXT.replace("Oslo", "Malmö").encode("latin-1"),
        {},
        "{path} is not UTF-8 (byte 0xf6 in line 5); set data.encoding, mostly latin-1 or cp1252.",
    ),
    "another encoding than named": (
        TEXT.replace("Oslo", "Malmö").encode("latin-1"),
        {"encoding": "ascii"},
        "{path} is not in the encoding data.encoding=ascii; name another, or null for UTF-8.",
    ),
    "UTF-16": (
        TEXT.encode("utf-16"),
        {},
        "{path} is not UTF-8 but UTF-16; set data.encoding=utf-16.",
    ),
    "no text": (
        bytes(range(256)),
        {},
        "{path} is not a text file; accepted: CSV (also gz, bz2, xz, or zip with one file inside), "
        "Parquet, or a folder of Parquet files.",
    ),
    "another delimiter than named": (
        TEXT,
        {"delimiter": ";"},
        "{path} has one column with data.delimiter=';', and 5 with ','; leave the key null.",
    ),
    "half of a gz": (
        gzip.compress(TEXT.encode())[:-20],
        {},
        "{path} cannot be decompressed (Compressed file ended before the end-of-stream marker was "
        "reached); copy or fetch it again.",
    ),
    "Zstandard": (
        b"\x28\xb5\x2f\xfd....",
        {},
        "{path} is compressed with Zstandard; accepted: gz, bz2, xz, or zip with one file inside.",
    ),
    "another checksum": (
        TEXT,
        {"sha256": "0" * 64},
        f"{{path}} has the sha256 {hashlib.sha256(TEXT.encode()).hexdigest()}, and data.sha256 is "
        f"{'0' * 64}; correct the key, or name the right file.",
    ),
    "too large": (
        TEXT,
        {"memory_gib": 1e-6},
        "{path} would take about 5.9e-06 GiB (2e-06 GiB of values, and 3 copies of them until they "
        "are prepared), and 1e-06 GiB are allowed by data.memory_gib; read fewer columns with "
        "data.columns=[...], name a file with a sample of the rows, or use a machine with more "
        "memory. If the estimate is wrong, set data.memory_gib.",
    ),
    "no such label": (
        PEOPLE,
        {"label": "hird"},
        "Unknown column in data.label 'hird'; did you mean 'hired'? Accepted: age, city, gender, "
        "hired, score.",
    ),
    "no label named": (
        PEOPLE,
        {"label": None},
        "data.label is null; name the column of classes, one of: age, gender, score, city, hired.",
    ),
    "many dates as groups": (
        people(since=pd.date_range("2024-01-01", periods=ROWS).strftime("%Y-%m-%d")),
        {"groups": ["since"]},
        "The column 'since' in data.groups holds 60 different dates; set 'data.types={since: "
        "date}', which makes them days since 1970, and name ranges of those in data.bins, or name "
        "another column.",
    ),
    "several labels": (
        PEOPLE,
        {"label": ["hired", "city"]},
        f"data.label=[hired,city] names several columns: {NO_LABELS}",
    ),
    "several labels a row": (
        people(**at(PLACE % 5 == 0, "yes;no", "hired")),
        {},
        "The label column 'hired' holds 'yes;no', which reads as several labels with ';' between "
        f"them: {NO_LABELS}",
    ),
    "a quantity": (
        people(hired=PLACE * 1.5),
        {},
        "The label column 'hired' holds 60 different numbers, from 0 to 88.5: a quantity (a "
        "regression target), and fairkd learns classes. Name a column of classes in data.label, or "
        "make one of ranges of these numbers.",
    ),
    "one class only": (
        people(hired="yes"),
        {},
        "The label column 'hired' has only the class 'yes'; at least two classes are needed.",
    ),
    "rows without a label": (
        people(**at(PLACE < 4, "", "hired")),
        {},
        "{path} has 4 rows without a value in the label column 'hired'; remove those rows.",
    ),
    "points between thousands": (
        people(pay=[f"{1 + place % 5}.500" for place in PLACE]).to_csv(sep=";", index=False),
        {"decimal": ","},
        "{path} holds '1.500' in the column 'pay', and beside data.decimal=',' a point stands "
        "between thousands; write the numbers without it, or call the column a category in "
        "data.types.",
    ),
    "UTF-8 called something else": (
        people(**at(PLACE == 1, "Malm\u00f6", "city")).to_csv(index=False),
        {"encoding": "latin-1"},
        "{path} is UTF-8, which data.encoding=latin-1 would read as other letters; leave the key "
        "null.",
    ),
    "groups that look alike": (
        people(**at(PLACE % 4 == 0, "m\u200b", "gender")),
        {},
        r"The column 'gender' in data.groups holds 'm' and 'm\u200b', which look alike and are "
        "written differently; give them one spelling.",
    ),
    "cases of the label": (
        people(**at(PLACE % 5 == 0, "Yes", "hired")),
        {},
        "The column 'hired' in data.label holds 'Yes' and 'yes', which differ in case alone; set "
        "data.lower_case=true to read all text in lower case, or give them one spelling.",
    ),
    "cases of a group": (
        people(**at(PLACE % 4 == 0, "M", "gender")),
        {},
        "The column 'gender' in data.groups holds 'M' and 'm', which differ in case alone; set "
        "data.lower_case=true to read all text in lower case, or give them one spelling.",
    ),
    "one group only": (
        people(gender="f"),
        {},
        "The group block 'gender' has only the cell 'f' in the training rows, so there is nothing "
        "to compare; choose another block in data.groups or a lower data.rare_groups.limit.",
    ),
    "a group of one row": (
        people(**at(PLACE == 1, "x", "gender")),
        {},
        "The value 'x' of the group block 'gender' was never seen in the training rows; known "
        "cells: f, m. Correct it, leave it empty for a missing group, or merge rare cells with "
        "data.rare_groups when training.",
    ),
    "the label as a group": (
        PEOPLE,
        {"groups": ["hired"]},
        "'hired' in data.groups is the label itself; name another column.",
    ),
    "a number as a group": (
        PEOPLE,
        {"groups": ["age"]},
        "'age' in data.groups is a number with 30 different values; name the edges of ranges, as "
        "in 'data.bins={age: [25,45,65]}', or how many ranges of equally many rows, "
        "'data.bins={age: 4}'.",
    ),
    "bins of another column": (
        PEOPLE,
        {"bins": {"age": [25]}},
        "data.bins.age has no effect: 'age' is not in data.groups; name it there, or leave the key "
        "out.",
    ),
    "infinities": (
        people(**at(PLACE == 4, np.inf, "score")),
        {},
        "The column 'score' holds 1 infinite number, the first in row 5; correct them, leave them "
        "empty if they are missing, or leave the column out with data.drop=[score].",
    ),
    "the label in other words": (
        people(outcome=(PLACE**2 % 7 > 2).astype(int)),
        {},
        "The column 'outcome' is the label 'hired' in other words: values and classes go together "
        "one to one. Leave out what is known only with the label: data.drop=[outcome].",
    ),
    "too few rows": (
        PEOPLE[:4],
        {},
        "The class 'yes' has 1 of the 4 rows to be split, too few for every class to appear in "
        "every split; use more rows, or change data.validation_fraction or data.test_fraction.",
    ),
    "the label dropped": (
        PEOPLE,
        {"drop": ["hired"]},
        "'hired' in data.drop is the label, which is no feature anyway; take it out of data.drop.",
    ),
    "no feature left": (
        PEOPLE,
        {"columns": []},
        "No column is left as a feature once the columns of data.groups are taken out; name fewer "
        "groups, or set data.use_groups_as_features=true.",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_exact_sentences(name: str, tmp_path: Path) -> None:
    content, given, sentence = BROKEN[name]
    path = written(tmp_path, content)
    with pytest.raises(FairkdError) as refused:
        loaded(path, **given)
    assert str(refused.value) == sentence.replace("{path}", str(path))


def test_there_are_at_least_thirty_broken_tables() -> None:
    assert len(BROKEN) >= 30
