"""Under which keys a job's parts are kept: what each of them depends on, and nothing more."""

import hashlib
import importlib.metadata
import importlib.util
import sysconfig
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fairkd.store import content_key

Section = Mapping[str, Any]

# Raised by hand when a producer's results change for the same configuration.
REVISIONS = {"teacher": 1, "control": 1, "student": 1, "outputs": 1, "evaluation": 1, "job": 1}

_NOT_IDENTITY = {
    "data": ("cache", "path"),  # the content is identified by its fingerprint
    "trainer": ("progress", "accelerator"),  # shown, not computed; the device's kind stands for it
}


@dataclass(frozen=True)
class Surroundings:
    """What a result depends on beside its configuration.

    Attributes:
        fingerprint: of the data's content.
        device: the kind of device that trains.
    """

    fingerprint: str
    device: str


@dataclass(frozen=True)
class JobKeys:
    """The keys of a job and of its parts.

    Attributes:
        teacher: of the teacher's weights.
        control: of the control's weights: the student's architecture, data, seed and trainer.
        student: of the student's weights.
        job: of the whole job.
        without_seeds: of the job but for its seeds, shared by the repetitions of one configuration.
    """

    teacher: str
    control: str
    student: str
    job: str
    without_seeds: str


def job_keys(config: Section, around: Surroundings) -> JobKeys:
    """The keys of a resolved job configuration.

    Args:
        config: the job as plain values; sections that do not change results are ignored.
        around: the data's fingerprint and the device.
    """
    data = {"data": _without("data", config["data"])}
    teacher = {**data, "teacher": _model(config["teacher"])}
    training = {
        "student": _model(config["student"]),
        "trainer": _without("trainer", config["trainer"]),
        "callbacks": config["callbacks"],
        "seed": config["seed"],
    }
    student = {
        **teacher,
        **training,
        "distillation": config["distillation"],
        "constraint": config["constraint"],
    }
    whole = {**student, "evaluation": config["evaluation"]}
    return JobKeys(
        teacher=_key("teacher", teacher, around),
        control=_key("control", {**data, **training}, around),
        student=_key("student", student, around),
        job=_key("job", whole, around),
        without_seeds=_key("job", _seedless(whole), around),
    )


def _key(producer: str, parts: Section, around: Surroundings) -> str:
    return content_key(
        {
            "producer": producer,
            "revision": REVISIONS[producer],
            "configuration": parts,
            "fingerprint": around.fingerprint,
            "device": around.device,
            "torch": importlib.metadata.version("torch"),
            "sources": dict(_own_sources(parts)),
        }
    )


def _without(section: str, values: Section) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in _NOT_IDENTITY[section]}


def _model(section: Section) -> dict[str, Any]:
    """A model's section, with the trainer inside it reduced to what changes results."""
    return {
        name: _without("trainer", value) if name == "trainer" else value
        for name, value in section.items()
    }


def _seedless(parts: Section) -> dict[str, Any]:
    """The configuration without its three seeds; other keys of that name (the bootstrap's) stay."""
    data, teacher = dict(parts["data"]), dict(parts["teacher"])
    data.pop("seed", None)
    teacher.pop("seed", None)
    rest = {name: value for name, value in parts.items() if name != "seed"}
    return {**rest, "data": data, "teacher": teacher}


def _own_sources(value: object) -> Iterator[tuple[str, str]]:
    """For every ``_target_`` in the user's own code, its module and the hash of its source."""
    if isinstance(value, Mapping):
        target = value.get("_target_")
        if isinstance(target, str) and (source := _source_file(target)) is not None:
            yield target, hashlib.sha256(source.read_bytes()).hexdigest()
        for item in value.values():
            yield from _own_sources(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _own_sources(item)


def _source_file(target: str) -> Path | None:
    """The file that defines a target, unless it belongs to fairkd or an installed package."""
    if target.split(".")[0] == "fairkd":
        return None
    module = target
    while "." in module:
        module = module.rpartition(".")[0]
        try:
            spec = importlib.util.find_spec(module)
        except (ImportError, ValueError):
            continue
        if spec is None or spec.origin is None:
            continue
        if not spec.has_location:  # built into the interpreter, or frozen
            return None
        file = Path(spec.origin)
        installed = [Path(sysconfig.get_path(name)) for name in ("purelib", "platlib", "stdlib")]
        return None if any(file.is_relative_to(folder) for folder in installed) else file
    return None
