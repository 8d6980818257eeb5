"""``fairkd predict``: what a run's student says of new rows."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fairkd.commands.asking import (
    RUNS_HELP,
    STORE_HELP,
    THRESHOLD_HELP,
    UNFINISHED_HELP,
    UsageError,
    asked,
    choice_of,
    names_of,
)
from fairkd.commands.chosen_run import FOLDER_HELP, STUDENT_KEYS, StudentFiles, student_files
from fairkd.commands.places import check_free
from fairkd.commands.predict_images import score_images
from fairkd.commands.predict_shown import check_kept, decided, listed, progress, told
from fairkd.errors import ConfigError, DataError, first_line, unknown_name

if TYPE_CHECKING:
    from fairkd.data.reading import Reading
    from fairkd.data.table_batches import TableBatches
    from fairkd.serving.student import Student

USAGE = f"""\
fairkd predict run=ID data.path=new.csv out=scores.parquet

Each row's probability of every class, and the decided class, beside the columns to keep. Columns
are found by their names, in any order; of those that the student does not need, it is told.

{RUNS_HELP}{FOLDER_HELP}{THRESHOLD_HELP}{UNFINISHED_HELP}{STORE_HELP}
Of what
  data.path=PATH              CSV (also compressed), Parquet, a folder of Parquet files, or a URL;
                              for a student of arrays, a .npy file; for one of images, a manifest
                              or a folder of images
  data.file=COLUMN            the column of paths in a manifest of images
  data.delimiter, .encoding, .decimal, .lower_case, .missing=[unknown]
                              how a CSV file is read, as for data=table
  unknown=refuse              refuse a category that training rows did not have; else it counts as
                              none of those known, and is told
As what
  out=PATH                    a .csv or .parquet file
  keep=[id]                   columns to stand beside the scores
  overwrite=true              write over what is there
"""
_READING = ("data.delimiter", "data.encoding", "data.decimal", "data.lower_case", "data.missing")
_KEYS = (*STUDENT_KEYS, "data.path", "data.file", *_READING, "unknown", "out", "keep", "overwrite")
_ROWS = 65_536


def predict(words: Sequence[str]) -> int:
    """Run ``fairkd predict ...`` and return the exit code.

    Raises:
        UsageError: the words are not what the command accepts.
        FairkdError: there is no such student, or the rows cannot be scored or written.
    """
    if {"-h", "--help"} & set(words):
        print(USAGE, end="")
        return 0
    values = asked(words, _KEYS)
    overwrite = choice_of(values, "overwrite", ("false", "true")) == "true"
    choice_of(values, "unknown", ("accept", "refuse"))
    names_of(values, "keep")
    for key in ("data.path", "out"):
        if key not in values:
            raise UsageError(f"No {key} is given; write {key}=PATH.")
    out = Path(values["out"]).expanduser()
    with student_files(values) as files:
        from fairkd.serving.scores_file import check_format

        check_format(out)
        check_free(out, overwrite)
        _check_apart(out, values["data.path"])
        _predict(files, values, out)
    return 0


def _predict(files: StudentFiles, values: Mapping[str, str], out: Path) -> None:
    from fairkd.serving.student import Student

    student = Student.load(files.folder)
    try:
        lines = _scored(student, values, out)
    except OSError as error:
        problem = error.strerror or first_line(error)
        if error.filename is None or Path(error.filename).parent == out.parent:
            raise ConfigError(
                f"out={out} cannot be written ({problem}); give another place as out."
            ) from error
        raise DataError(f"{error.filename} cannot be read ({problem}).") from error
    print(f"scores   {out.absolute()}")
    print(f"by       {files.told}: its {student.description.serves}")
    if files.chosen:
        print(f"chosen   on validation it is {files.chosen}")
    for line in lines:
        print(line)


def _scored(student: "Student", values: Mapping[str, str], out: Path) -> list[str]:
    """Score rows of the kind that the student takes."""
    if student.description.images is not None and not values["data.path"].endswith(".npy"):
        return score_images(student, values, _reading(values), out)
    if "data.file" in values:
        raise ConfigError(
            f"data.file={values['data.file']} is of a manifest of images, and the rows are others; "
            "leave it out."
        )
    if student.preparation is None:
        return _arrays(student, values, out)
    return _table(student, values, out)


def _table(student: "Student", values: Mapping[str, str], out: Path) -> list[str]:
    from fairkd.data.table_batches import TableBatches
    from fairkd.files import writing_whole
    from fairkd.serving.scores_file import scores_file
    from fairkd.serving.scoring import Scoring

    table = TableBatches.open(values["data.path"], _reading(values))
    keep = names_of(values, "keep")
    needed = {column.name: column.type for column in student.description.columns}
    _check_columns(student, table, keep)
    numbers = [name for name, kind in needed.items() if kind in ("integer", "number")]
    scoring = Scoring(student, keep, refuse_unknown=values.get("unknown") == "refuse")
    with (
        writing_whole(out) as partial,
        scores_file(partial, out.suffix) as file,
        progress() as bar,
    ):
        shown = bar.add_task("scoring", total=table.rows)
        for frame in table.frames(needed, numbers, keep):
            file.write(scoring.score(frame))
            bar.advance(shown, len(frame))
        if not scoring.rows:
            raise DataError(f"{table.origin} has columns and no rows; name another in data.path.")
    others = [name for name in table.names if name and name not in {*needed, *keep}]
    return [*told(student, scoring, table.origin), *listed("unused", others)]


def _arrays(student: "Student", values: Mapping[str, str], out: Path) -> list[str]:
    import numpy as np

    from fairkd.data.location import located
    from fairkd.files import writing_whole
    from fairkd.serving.scores_file import scores_file
    from fairkd.serving.scoring import scored

    others = [key for key in (*_READING, "keep", "unknown") if key in values]
    if others:
        raise ConfigError(f"{others[0]} is of tables, and this student takes arrays; leave it out.")
    place = located(values["data.path"], key="data.path")
    try:
        rows = np.load(place, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError) as error:
        shape = ", ".join(map(str, student.description.shape))
        raise DataError(
            f"{place} is no array, and this student takes arrays of the shape [rows, {shape}]; "
            "write them with numpy.save, and name that file in data.path."
        ) from error
    with (
        writing_whole(out) as partial,
        scores_file(partial, out.suffix) as file,
        progress() as bar,
    ):
        for start in bar.track(range(0, len(rows), _ROWS), description="scoring"):
            file.write(scored(student, np.asarray(rows[start : start + _ROWS])))
        if not len(rows):
            raise DataError(f"{place} has no rows; name another in data.path.")
    return [f"rows     {len(rows):,} of {place}", decided(student)]


def _check_columns(student: "Student", table: "TableBatches", keep: Sequence[str]) -> None:
    from fairkd.data.values import require_names

    for name in keep:
        if name not in table.names:
            raise ConfigError(unknown_name("column in keep", name, filter(None, table.names)))
    check_kept(student, keep)
    needed = [column.name for column in student.description.columns]
    require_names(table.names, needed, f"{table.origin} has")


def _reading(values: Mapping[str, str]) -> "Reading":
    from fairkd.data.reading import Reading

    given: dict[str, object] = {
        key.removeprefix("data."): values[key] for key in _READING if key in values
    }
    if "lower_case" in given:
        given["lower_case"] = choice_of(values, "data.lower_case", ("false", "true")) == "true"
    if "missing" in given:
        given["missing"] = ["", *names_of(values, "data.missing")]
    if given.get("delimiter") == "\\t":
        given["delimiter"] = "\t"
    return Reading.of(given)


def _check_apart(out: Path, path: str) -> None:
    if out.is_dir():
        raise ConfigError(f"out={out} is a folder; give a file as out.")
    place = Path(path).expanduser()
    if out.suffix == ".parquet" and place.resolve() in out.resolve().parents:
        raise ConfigError(
            f"out={out} lies in data.path={path}, whose part it would become; give another out."
        )
    if place.exists() and out.exists() and place.samefile(out):
        raise ConfigError(f"out={out} is data.path itself; give another out.")
