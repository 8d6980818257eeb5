"""Under which keys a job's parts are kept: what each of them depends on, and nothing more."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from fairkd.identity.producers import REVISIONS, Section, producer_key, versions
from fairkd.identity.sections import (
    constraints,
    mitigations,
    model_section,
    on_block,
    reduced,
    without_group_flaws,
)
from fairkd.identity.teachers import as_trained, chain_of, devices_from, reads_groups, seedless

_COMPRESSING = ("onnx", "onnxruntime", "onnxscript", "torch-pruning")
_ADJUSTING = ("fairlearn", "scikit-learn", "scipy")


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
    data = {"data": reduced("data", config["data"]), **fingerprint}
    groupless = {"data": reduced("data", without_group_flaws(config["data"])), **fingerprint}
    # Exact kernels train alike in a stack and alone: they need no mention.
    kernels = {} if config["stack"]["kernels"] == "exact" else {"stack": config["stack"]}
    chain = list(chain_of(config["teacher"]))
    devices = (around.teacher_device, *around.devices_above)
    teacher, *above = (
        producer_key(
            "teacher",
            {
                **(data if reads_groups(section) else groupless),
                **kernels,
                "teacher": as_trained(section),
                **devices_from(devices[place:]),
            },
        )
        for place, section in enumerate(chain)
    )
    training = {
        **kernels,
        "student": model_section(config["student"]),
        "trainer": reduced("trainer", config["trainer"]),
        "callbacks": config["callbacks"],
        "seed": config["seed"],
        "device": around.device,
    }
    control = producer_key("control", {**groupless, **training})
    distilled = {
        **data,
        **training,
        "distillation": config["distillation"],
        "constraint": constraints(config),
        **mitigations(config),
        # A student that looks at no teacher is the same beside every teacher.
        "teacher": [teacher, REVISIONS["outputs"]] if _uses_teacher(config) else None,
    }
    student = producer_key("student", distilled)
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
        producer_key("job", whole),
        _without_seeds(config, around),
        compressed,
        baseline,
        tuple(above),
    )


def _compressed(steps: Section, student: str) -> dict[str, str]:
    """Each step's key: it starts from what the one before it made."""
    keys: dict[str, str] = {}
    before = student
    for name, step in steps.items():
        parts = {"from": before, "step": step, "libraries": versions(*_COMPRESSING)}
        before = keys[name] = producer_key("compressed", parts)
    return keys


def _baseline(config: Section, data: Section, models: Mapping[str, str]) -> str | None:
    """The key of a baseline's decisions, if there is one."""
    if config["baseline"].get("_target_") is None:
        return None
    parts = {**data, "baseline": on_block(config, config["baseline"])}
    if parts["baseline"]["_target_"] not in LEARNERS:
        final = list(models)[-1]
        parts |= {
            "teacher": models["teacher"],
            "final": [final, models[final]],
            "outputs": REVISIONS["outputs"],
            # A row of unknown group is decided as its model decides it.
            "threshold": config["evaluation"].get("threshold"),
        }
    return producer_key("baseline", {**parts, "libraries": versions(*_ADJUSTING)})


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
    parts["data"] = reduced("data", config["data"], "seed")
    parts["teacher"] = seedless(as_trained(config["teacher"]))
    parts["trainer"] = reduced("trainer", config["trainer"])
    parts["constraint"] = constraints(config)
    parts |= mitigations(config)
    baseline = on_block(config, config["baseline"])
    if baseline.get("seed") == config["seed"]:  # it follows the student's
        del baseline["seed"]
    parts["baseline"] = baseline
    parts["compression"] = {**config["compression"], "order": list(config["compression"]["steps"])}
    devices = [around.device, around.teacher_device]
    return producer_key(
        "job",
        {"configuration": parts, "fingerprint": around.fingerprint, "devices": devices}
        | {"revisions": REVISIONS},
    )


def _uses_teacher(config: Section) -> bool:
    distillation = config["distillation"]
    return bool(distillation["terms"]) or distillation["init"] == "teacher"
