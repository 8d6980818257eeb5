"""``fairkd export``: a run's student for other programs, checked to say what it said."""

import shutil
from collections.abc import Callable, Mapping, Sequence
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
)
from fairkd.commands.chosen_run import FOLDER_HELP, STUDENT_KEYS, StudentFiles, student_files
from fairkd.commands.places import check_free
from fairkd.errors import ConfigError

if TYPE_CHECKING:
    from fairkd.serving.agreement import Agreement
    from fairkd.serving.student import Student

USAGE = f"""\
fairkd export run=ID format=onnx out=student.onnx

A run's student as a file for other programs. Before it gets its name, both score the same raw rows.

{RUNS_HELP}{FOLDER_HELP}{THRESHOLD_HELP}{UNFINISHED_HELP}{STORE_HELP}
As what
  format=onnx                 a file that takes raw columns: preparation, network and decision
  format=torchscript          a folder: the network, for features; beside it what prepares rows
  format=mlflow               a folder that mlflow models serve -m FOLDER serves
  out=PATH                    where
  overwrite=true              write over an earlier export
"""
_KEYS = (*STUDENT_KEYS, "format", "out", "overwrite")
_RUN, _JOB, _VERSIONS = "fairkd.run_id", "fairkd.job_key", "fairkd.versions"


def export(words: Sequence[str]) -> int:
    """Run ``fairkd export ...`` and return the exit code.

    Raises:
        UsageError: the words are not what the command accepts.
        FairkdError: there is no such student, or it cannot be written so.
    """
    if {"-h", "--help"} & set(words):
        print(USAGE, end="")
        return 0
    values = asked(words, _KEYS)
    form = choice_of(values, "format", tuple(_FORMATS))
    overwrite = choice_of(values, "overwrite", ("false", "true")) == "true"
    if "out" not in values:
        raise UsageError("No place is given; write out=PATH.")
    out = Path(values["out"]).expanduser()
    with student_files(values) as files:
        check_free(out, overwrite)
        found, student = _written(files, form, out)
    print(f"written  {out.absolute()}")
    print(f"of       {files.told}: its {student.description.serves}")
    if files.chosen:
        print(f"chosen   on validation it is {files.chosen}")
    for line in _told(form, student, out):
        print(line)
    print(f"checked  {_checked(found, student)}")
    return 0


def _written(files: StudentFiles, form: str, out: Path) -> "tuple[Agreement, Student]":
    from fairkd.files import writing_whole
    from fairkd.serving.student import Student

    student = Student.load(files.folder)
    try:
        with writing_whole(out) as partial:
            found = _FORMATS[form](student, files, partial)
            _check_replaceable(out, partial)
    except OSError as error:
        raise ConfigError(
            f"out={out} cannot be written ({error.strerror or error}); give another place as out."
        ) from error
    return found, student


def _onnx(student: "Student", files: StudentFiles, partial: Path) -> "Agreement":
    from fairkd.serving.exporting import checking_rows, write_onnx
    from fairkd.tracking.mlflow_model import kept_example

    rows = checking_rows(student, kept_example(files.folder))
    return write_onnx(student, rows, _known(files), partial)


def _torchscript(student: "Student", files: StudentFiles, partial: Path) -> "Agreement":
    from fairkd.serving.exporting import checking_rows, write_torchscript
    from fairkd.tracking.mlflow_model import kept_example

    return write_torchscript(student, checking_rows(student, kept_example(files.folder)), partial)


def _mlflow(student: "Student", files: StudentFiles, partial: Path) -> "Agreement":
    from fairkd.data.dataset import PREPARATION
    from fairkd.job_folder import weights_file
    from fairkd.serving.agreement import Scored, agreement
    from fairkd.serving.exporting import checking_rows
    from fairkd.tracking.mlflow_model import kept_example, model_files, model_probabilities

    rows = checking_rows(student, kept_example(files.folder), typed=True)
    run_id = None if files.run is None else files.run.run_id
    partial.mkdir()
    for name, text in model_files("student", run_id, student.description, rows[:2]).items():
        (partial / name).write_text(text, encoding="utf-8")
    weights = weights_file(student.description.serves)
    shutil.copyfile(files.folder / weights, partial / weights)
    student.description.save(partial)
    if student.preparation is not None:
        student.preparation.save(partial / PREPARATION)
    return agreement(student, lambda some: Scored(model_probabilities(partial, some)), rows)


_FORMATS: dict[str, Callable[["Student", StudentFiles, Path], "Agreement"]] = {
    "onnx": _onnx,
    "torchscript": _torchscript,
    "mlflow": _mlflow,
}


def _known(files: StudentFiles) -> Mapping[str, str]:
    """What the run says of itself, for the file's metadata."""
    from fairkd.tracking.interface import JOB_KEY
    from fairkd.tracking.reading import VERSIONS

    if files.run is None:
        return {}
    tags = {_JOB: JOB_KEY, _VERSIONS: VERSIONS}
    told = {name: files.run.tags[tag] for name, tag in tags.items() if tag in files.run.tags}
    return {_RUN: files.run.run_id, **told}


def _check_replaceable(out: Path, made: Path) -> None:
    """Refuse to write over a folder that holds anything else than a new one would."""
    mine = {file.name for file in made.iterdir()} if made.is_dir() else set()
    there = {out.name} if made.is_dir() and out.exists() else set()
    if out.is_dir():
        there = {file.name for file in out.iterdir()}
    if there - mine:
        raise ConfigError(
            f"out={out} is there, with what no export of this format writes "
            f"({min(there - mine)}); give another out."
        )


def _told(form: str, student: "Student", out: Path) -> list[str]:
    from fairkd.serving.line import serve_line

    if form == "mlflow":
        return [f"serve    {serve_line(str(out.absolute()))}"]
    if form == "torchscript":
        if student.preparation is None:
            return ["takes    arrays of the shape " + _shape(student)]
        return ["takes    prepared features, as text cannot go in: preparation/ makes them"]
    if student.preparation is None:
        return ["takes    rows, of the shape " + _shape(student)]
    return [f"takes    raw columns: {', '.join(student.preparation.columns)}"]


def _shape(student: "Student") -> str:
    return f"[rows, {', '.join(map(str, student.description.shape))}]"


def _checked(found: "Agreement", student: "Student") -> str:
    from fairkd.serving.probe_rows import MADE

    kept = f"{found.rows - MADE} rows of the training data and " if found.rows > MADE else ""
    made = "made from its preparation, with values missing and unknown"
    if student.preparation is None:
        made = "drawn at random"
    return f"on {kept}{MADE} rows {made}: probabilities differ by at most {found.largest:.1e}"
