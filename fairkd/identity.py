"""Under which keys a job's parts are kept: what each of them depends on, and nothing more."""

import contextlib
import glob
import hashlib
import importlib.metadata
import importlib.util
import sysconfig
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from fairkd.data.fetch import sha256_of
from fairkd.data.imperfect import GROUP_FLAWS, Imperfect
from fairkd.data.splitting import Splitting
from fairkd.store import content_key

Section = Mapping[str, Any]

# Raised by hand when a producer's results change for the same configuration.
REVISIONS = {
    "teacher": 2,
    "control": 2,
    "student": 3,
    "compressed": 1,
    "certificate": 1,
    "baseline": 1,
    "outputs": 1,
    "evaluation": 2,
    "job": 5,
}

_COMPRESSING = ("onnx", "onnxruntime", "onnxscript", "torch-pruning")
_ADJUSTING = ("fairlearn", "scikit-learn", "scipy")
_ANSWERING = ("onnxruntime", "scikit-learn")
_NOT_OF_ANSWERS = ("path", "allow_pickle")
_NOT_IDENTITY = {
    # The content is identified by its fingerprint.
    "data": ("cache", "path", "sha256", "memory_gib"),
    "trainer": ("progress", "accelerator"),  # shown, not computed; the device's kind stands for it
}


@dataclass(frozen=True)
class Surroundings:
    """What a result depends on beside its configuration.

    Attributes:
        fingerprint: of the data's content.
        device: the kind of device that trains control and student.
        teacher_device: the kind of device that trains the teacher.
        devices_above: of the teacher's own teacher, and of that one's, and so on.
    """

    fingerprint: str
    device: str
    teacher_device: str
    devices_above: tuple[str, ...] = ()


@dataclass(frozen=True)
class JobKeys:
    """The keys of a job and of its parts.

    Attributes:
        teacher: of the teacher's weights.
        control: of the control's weights: the student's architecture, data, seed and trainer.
        student: of the student's weights.
        job: of the whole job.
        without_seeds: of the job but for its seeds, shared by the repetitions of one configuration.
        compressed: of what compression makes of the student, by name.
        baseline: of a baseline's decisions; ``None`` without one.
        above: of the teacher's own teacher, and of that one's, and so on.
    """

    teacher: str
    control: str
    student: str
    job: str
    without_seeds: str
    compressed: Mapping[str, str] = field(default_factory=dict)
    baseline: str | None = None
    above: tuple[str, ...] = ()


def is_given(teacher: Section) -> bool:
    """Whether a teacher is not trained here: its weights are given, or what it says."""
    return bool(teacher.get("weights")) or "given" in teacher


FITTED_AT_ONCE = "fairkd.models.classifier.Classifier"
"""A teacher that is not trained by steps, so that its trainer has no part in it."""

LEARNERS = (
    "fairkd.baselines.exponentiated_gradient.ExponentiatedGradient",
    "fairkd.baselines.grid_search.GridSearch",
)
"""Baselines that train learners of their own, and look at none of the job's models."""


def job_keys(config: Section, around: Surroundings) -> JobKeys:
    """The keys of a resolved job configuration.

    Args:
        config: the job as plain values; sections that do not change results are ignored.
        around: the data's fingerprint and the device.
    """
    fingerprint = {"fingerprint": around.fingerprint}
    data = {"data": _without("data", config["data"]), **fingerprint}
    groupless = {"data": _without("data", _without_group_flaws(config["data"])), **fingerprint}
    # Exact kernels train alike in a stack and alone: they need no mention.
    kernels = {} if config["stack"]["kernels"] == "exact" else {"stack": config["stack"]}
    chain = list(_chain(config["teacher"]))
    devices = (around.teacher_device, *around.devices_above)
    teacher, *above = (
        _key(
            "teacher",
            {
                **(data if _reads_groups(section) else groupless),
                **kernels,
                "teacher": _as_trained(section),
                **_devices(devices[place:]),
            },
        )
        for place, section in enumerate(chain)
    )
    training = {
        **kernels,
        "student": _model(config["student"]),
        "trainer": _without("trainer", config["trainer"]),
        "callbacks": config["callbacks"],
        "seed": config["seed"],
        "device": around.device,
    }
    control = _key("control", {**groupless, **training})
    distilled = {
        **data,
        **training,
        "distillation": config["distillation"],
        "constraint": _constraints(config),
        **_mitigations(config),
        # A student that looks at no teacher is the same beside every teacher.
        "teacher": [teacher, REVISIONS["outputs"]] if _uses_teacher(config) else None,
    }
    student = _key("student", distilled)
    compressed = _compressed(config["compression"]["steps"], student)
    models = {"teacher": teacher, "student": student, **compressed}
    baseline = _baseline(config, data, models)
    whole = {
        "teacher": teacher,
        "control": control,
        "student": student,
        "compressed": compressed,
        "baseline": baseline,
        "evaluation": config["evaluation"],
        "measuring": REVISIONS["evaluation"],
    }
    return JobKeys(
        teacher,
        control,
        student,
        _key("job", whole),
        _without_seeds(config, around),
        compressed,
        baseline,
        tuple(above),
    )


def _reads_groups(teacher: Section) -> bool:
    """Whether a teacher's training looks at the groups of its rows."""
    balanced = (teacher.get("balance") or {}).get("by") is not None
    return not is_given(teacher) and (balanced or "teacher" in teacher)


def _without_group_flaws(data: Section) -> Section:
    """The data as whoever learns from labels alone sees it."""
    if not data.get("imperfect"):
        return data
    kept = {name: v for name, v in data["imperfect"].items() if name not in GROUP_FLAWS}
    return {**data, "imperfect": kept}


def _chain(teacher: Section) -> Iterator[Section]:
    """A teacher, its own teacher, and so on."""
    yield teacher
    if "teacher" in teacher and not is_given(teacher):
        yield from _chain(teacher["teacher"])


def _devices(devices: Sequence[str]) -> dict[str, Any]:
    """That of a teacher, and those of the chain above it."""
    device, *above = devices
    return {"device": device} | ({"devices_above": above} if above else {})


def _compressed(steps: Section, student: str) -> dict[str, str]:
    """Each step's key: it starts from what the one before it made."""
    keys: dict[str, str] = {}
    before = student
    for name, step in steps.items():
        parts = {"from": before, "step": step, "libraries": _versions(*_COMPRESSING)}
        before = keys[name] = _key("compressed", parts)
    return keys


def _baseline(config: Section, data: Section, models: Mapping[str, str]) -> str | None:
    """The key of a baseline's decisions, if there is one."""
    if config["baseline"].get("_target_") is None:
        return None
    parts = {**data, "baseline": _on_block(config, config["baseline"])}
    if parts["baseline"]["_target_"] not in LEARNERS:
        final = list(models)[-1]
        parts |= {
            "teacher": models["teacher"],
            "final": [final, models[final]],
            "outputs": REVISIONS["outputs"],
            # A row of unknown group is decided as its model decides it.
            "threshold": config["evaluation"].get("threshold"),
        }
    return _key("baseline", {**parts, "libraries": _versions(*_ADJUSTING)})


def _without_seeds(config: Section, around: Surroundings) -> str:
    """The key of what all repetitions of a configuration share."""
    sections = (
        "data",
        "teacher",
        "student",
        "trainer",
        "callbacks",
        "evaluation",
        "distillation",
        "compression",
        "stack",
    )
    parts = {name: config[name] for name in sections}
    parts["data"] = _without("data", config["data"], "seed")
    parts["teacher"] = _seedless(_as_trained(config["teacher"]))
    parts["trainer"] = _without("trainer", config["trainer"])
    parts["constraint"] = _constraints(config)
    parts |= _mitigations(config)
    baseline = _on_block(config, config["baseline"])
    if baseline.get("seed") == config["seed"]:  # it follows the student's
        del baseline["seed"]
    parts["baseline"] = baseline
    parts["compression"] = {**config["compression"], "order": list(config["compression"]["steps"])}
    devices = [around.device, around.teacher_device]
    return _key(
        "job",
        {"configuration": parts, "fingerprint": around.fingerprint, "devices": devices}
        | {"revisions": REVISIONS},
    )


def _seedless(teacher: Section) -> dict[str, Any]:
    kept = {name: value for name, value in teacher.items() if name != "seed"}
    return kept | ({"teacher": _seedless(kept["teacher"])} if "teacher" in kept else {})


def _key(producer: str, parts: Section) -> str:
    return content_key(
        {
            "producer": producer,
            "revision": REVISIONS[producer],
            "parts": parts,
            "torch": _torch_version(),
            "sources": dict(_own_sources(parts)),
        }
    )


@cache
def _torch_version() -> str:
    return importlib.metadata.version("torch")  # reads and parses a long file


@cache
def _versions(*libraries: str) -> dict[str, str]:
    """Of those that are installed."""
    found = {}
    for library in libraries:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[library] = importlib.metadata.version(library)
    return found


def _uses_teacher(config: Section) -> bool:
    distillation = config["distillation"]
    return bool(distillation["terms"]) or distillation["init"] == "teacher"


def _mitigations(config: Section) -> dict[str, Any]:
    """The student's mitigations; without any, results stay under the keys that they had."""
    terms = config["mitigation"]["terms"]
    found = {name: _on_block(config, term) for name, term in terms.items()}
    return {"mitigation": found} if found else {}


def _constraints(config: Section) -> dict[str, Any]:
    """The constraints by name, each with its block by name: no block means the data's first."""
    terms = config["constraint"]["terms"]
    found = {name: _on_block(config, term) for name, term in terms.items()}
    confidence = config["constraint"].get("confidence")
    if confidence is None:
        return found
    certified = {
        "confidence": confidence,
        "tighten": config["constraint"]["tighten"],
        "threshold": config["evaluation"].get("threshold"),
        "revision": REVISIONS["certificate"],
    }
    return {**found, "": certified}  # no constraint has an empty name


def _on_block(config: Section, section: Section) -> dict[str, Any]:
    """A section with the name of its group block: none means the data's first."""
    if section.get("by") is not None:
        return dict(section)
    return {**section, "by": config["data"]["groups"][0]}


def _as_trained(teacher: Section) -> dict[str, Any]:
    """What a teacher's training depends on; its own teacher's included."""
    if teacher.get("weights"):
        return {"model": teacher["model"], "weights": _content(Path(teacher["weights"]))}
    if "given" in teacher:
        return _as_given(teacher["given"])
    kept = {name: value for name, value in _model(teacher).items() if name != "weights"}
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
        kept["libraries"] = _versions(*fitting)
    if "teacher" in teacher:
        kept["teacher"] = _as_trained(teacher["teacher"])
        kept["outputs"] = REVISIONS["outputs"]  # of that teacher, which it learns from
    return kept


def _as_given(source: Section) -> dict[str, Any]:
    """What a teacher's answers depend on: the content of its files, wherever they lie."""
    kept = {name: value for name, value in source.items() if name not in _NOT_OF_ANSWERS}
    path = source.get("path")
    if path is not None:
        kept["content"] = [_content(file) for file in _files(path)]
    return {"given": kept, "libraries": _versions(*_ANSWERING)}


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


def _without(section: str, values: Section, *more: str) -> dict[str, Any]:
    left_out = {*_NOT_IDENTITY[section], *more}
    if not values.get("augmentation"):
        left_out.add("augmentation")  # results from before there was any stay under their keys
    if values.get("certify_fraction") is None:
        left_out.add("certify_fraction")
    if Imperfect.of(values.get("imperfect")).idle:
        left_out.add("imperfect")  # likewise
    if Splitting.of(values.get("split")).idle:
        left_out.add("split")
    return {name: value for name, value in values.items() if name not in left_out}


def _model(section: Section) -> dict[str, Any]:
    """A model's section, with the trainer inside it reduced to what changes results."""
    return {
        name: _without("trainer", value) if name == "trainer" else value
        for name, value in section.items()
    }


def _own_sources(value: object) -> Iterator[tuple[str, str]]:
    """For every ``_target_`` in the user's own code, the hash of the source that it may depend on.

    That is every Python file of its package, or the one file of a module outside any package.
    """
    if isinstance(value, Mapping):
        target = value.get("_target_")
        if isinstance(target, str) and (files := _source_files(target)):
            digest = hashlib.sha256()
            for file in files:
                digest.update(file.name.encode() + b"\0" + file.read_bytes())
            yield target, digest.hexdigest()
        for item in value.values():
            yield from _own_sources(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _own_sources(item)


def _source_files(target: str) -> list[Path]:
    """The user's files behind a target; none for fairkd and for what is installed or built in."""
    package = target.split(".")[0]
    if package == "fairkd":
        return []
    try:
        spec = importlib.util.find_spec(package)
    except (ImportError, ValueError):
        return []
    if spec is None or spec.origin is None or not spec.has_location:
        return []
    origin = Path(spec.origin)
    installed = [Path(sysconfig.get_path(name)) for name in ("purelib", "platlib", "stdlib")]
    if any(origin.is_relative_to(folder) for folder in installed):
        return []
    return sorted(origin.parent.rglob("*.py")) if spec.submodule_search_locations else [origin]
