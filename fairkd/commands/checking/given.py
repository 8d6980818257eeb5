"""Refuse a teacher that only answers, and cannot."""

from collections.abc import Callable, Mapping
from pathlib import Path

from fairkd import checks
from fairkd.commands.checking.values import Section
from fairkd.errors import ConfigError
from fairkd.models.given.trust import check_trusted

HOLDS = ("probabilities", "logits")
_GRAPH = ".onnx"


def check_given(prefix: str, teacher: Section) -> None:
    """Check where a teacher's answers come from.

    Args:
        prefix: the teacher's key.
        teacher: its section, with a section ``given``.

    Raises:
        ConfigError: naming the key, the value and what is accepted.
    """
    if teacher.get("weights") is not None:
        raise ConfigError(
            f"{prefix}.weights={teacher['weights']} gives weights to a teacher that only answers; "
            f"leave it null, or choose the teacher that they belong to."
        )
    check = _CHECKS.get(str(teacher["given"].get("_target_")))
    if check is not None:  # else it is the user's own
        check(prefix, teacher)


def _outputs(prefix: str, teacher: Section) -> None:
    checks.choice(f"{prefix}.holds", teacher["holds"], HOLDS)
    columns = teacher["columns"]
    if columns is not None and not (
        isinstance(columns, list) and columns and all(isinstance(name, str) for name in columns)
    ):
        raise ConfigError(
            f"{prefix}.columns={checks.as_typed(columns)} is no list of columns; accepted: one for "
            f"each class, in their order, as in {prefix}.columns=[p_no,p_yes], or the positive "
            "class's alone."
        )
    if teacher["path"] is not None:
        _check_file(prefix, teacher["path"])
    elif columns is None:
        raise ConfigError(
            f"{prefix}=outputs needs outputs; give {prefix}.path=FILE, or {prefix}.columns=[...] "
            "for columns of the data."
        )
    elif teacher["key"] is not None:
        raise ConfigError(
            f"{prefix}.key={teacher['key']} has no effect without {prefix}.path: the columns are "
            "the data's own; leave it null."
        )


def _graph(prefix: str, teacher: Section) -> None:
    if teacher["holds"] is not None:
        checks.choice(f"{prefix}.holds", teacher["holds"], HOLDS)
    path = _needed(prefix, teacher["path"], "a model (.onnx)")
    if Path(path).suffix != _GRAPH:
        raise ConfigError(f"{prefix}.path={path} is no ONNX model; accepted: a file {_GRAPH}.")
    _check_file(prefix, path)


def _classifier(prefix: str, teacher: Section) -> None:
    allowed = teacher["allow_pickle"]
    if not isinstance(allowed, bool):
        raise ConfigError(
            f"{prefix}.allow_pickle={checks.as_typed(allowed)} is not known; accepted: true, false."
        )
    path = _needed(prefix, teacher["path"], "a fitted classifier (.skops, .pkl)")
    check_trusted(path, allowed, prefix)
    _check_file(prefix, path)


def _needed(prefix: str, path: object, what: str) -> str:
    if path is None:
        raise ConfigError(f"{prefix}.path is null; give the file of {what}.")
    return str(path)


def _check_file(prefix: str, path: object) -> None:
    if not Path(str(path)).expanduser().is_file():
        raise ConfigError(f"{prefix}.path={path} is no file; give one that is here.")


_CHECKS: Mapping[str, Callable[[str, Section], None]] = {
    "fairkd.models.given.recorded_outputs.RecordedOutputs": _outputs,
    "fairkd.models.given.onnx_file.OnnxFile": _graph,
    "fairkd.models.given.estimator_file.EstimatorFile": _classifier,
}
