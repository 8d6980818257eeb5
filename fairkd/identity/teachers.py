"""What a teacher depends on: its training and the teachers above it, or the files it comes from."""

import glob
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from fairkd.data.fetch import sha256_of
from fairkd.identity.producers import REVISIONS, Section, versions
from fairkd.identity.sections import model_section

_ANSWERING = ("onnxruntime", "scikit-learn")
_NOT_OF_ANSWERS = ("path", "allow_pickle")

FITTED_AT_ONCE = "fairkd.models.classifier.Classifier"
"""A teacher that is not trained by steps, so that its trainer has no part in it."""


def is_given(teacher: Section) -> bool:
    """Whether a teacher is not trained here: its weights are given, or what it says."""
    return bool(teacher.get("weights")) or "given" in teacher


def reads_groups(teacher: Section) -> bool:
    """Whether a teacher's training looks at the groups of its rows."""
    balanced = (teacher.get("balance") or {}).get("by") is not None
    return not is_given(teacher) and (balanced or "teacher" in teacher)


def chain_of(teacher: Section) -> Iterator[Section]:
    """A teacher, its own teacher, and so on."""
    yield teacher
    if "teacher" in teacher and not is_given(teacher):
        yield from chain_of(teacher["teacher"])


def devices_from(devices: Sequence[str]) -> dict[str, Any]:
    """That of a teacher, and those of the chain above it."""
    device, *above = devices
    return {"device": device} | ({"devices_above": above} if above else {})


def as_trained(teacher: Section) -> dict[str, Any]:
    """What a teacher's training depends on; its own teacher's included."""
    if teacher.get("weights"):
        return {"model": teacher["model"], "weights": _content(Path(teacher["weights"]))}
    if "given" in teacher:
        return _as_given(teacher["given"])
    kept = {name: value for name, value in model_section(teacher).items() if name != "weights"}
    fitting = []
    if (teacher.get("balance") or {}).get("by") is None:
        kept.pop("balance", None)
    else:
        fitting.append("scikit-learn")
    if teacher["model"].get("_target_") == FITTED_AT_ONCE:
        kept.pop("trainer", None)
        fitting.append("scikit-learn")
    if teacher["model"].get("weights") == "learned":
        fitting.append("scipy")
    if fitting:
        kept["libraries"] = versions(*fitting)
    if "teacher" in teacher:
        kept["teacher"] = as_trained(teacher["teacher"])
        kept["outputs"] = REVISIONS["outputs"]  # of that teacher, which it learns from
    return kept


def seedless(teacher: Section) -> dict[str, Any]:
    """A teacher without its seed and without those of the teachers above it."""
    kept = {name: value for name, value in teacher.items() if name != "seed"}
    return kept | ({"teacher": seedless(kept["teacher"])} if "teacher" in kept else {})


def _as_given(source: Section) -> dict[str, Any]:
    """What a teacher's answers depend on: the content of its files, wherever they lie."""
    kept = {name: value for name, value in source.items() if name not in _NOT_OF_ANSWERS}
    path = source.get("path")
    if path is not None:
        kept["content"] = [_content(file) for file in _files(path)]
    return {"given": kept, "libraries": versions(*_ANSWERING)}


def _files(path: str) -> list[Path]:
    """The file, and beside a graph of ONNX those of its weights, whose names begin with its own."""
    file = Path(path).expanduser()
    if file.suffix != ".onnx":
        return [file]
    return sorted(file.parent.glob(f"{glob.escape(file.name)}*"))


def _content(file: Path) -> str:
    status = file.stat()
    return _digest(file.absolute(), status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=64)
def _digest(file: Path, size: int, changed: int) -> str:  # noqa: ARG001
    """Of a file's bytes, read once for all jobs of a process as long as it does not change."""
    return sha256_of(file)
