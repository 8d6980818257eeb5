"""Everything that one job needs, built and checked."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fairkd.baselines.baseline import Baseline
from fairkd.data.dataset import Dataset
from fairkd.evaluation.bound import Bound
from fairkd.evaluation.settings import EvaluationSettings
from fairkd.identity import JobKeys
from fairkd.record import Headline
from fairkd.training.compress import Compression
from fairkd.training.distil import Distillation, Recipe

FORCES: Mapping[str, tuple[str, ...]] = {
    "none": (),
    "student": ("student", "compressed", "baseline", "job"),
    "all": (
        *("teacher", "outputs", "control", "evaluation"),
        *("student", "compressed", "baseline", "job"),
    ),
}
"""What each value of ``force`` computes anew."""


@dataclass(frozen=True)
class SweepPlace:
    """Which sweep a job is part of, if any.

    Attributes:
        id: of the sweep; ``None`` for a job on its own.
        parent: the id of the sweep's tracked run; ``None`` where there is none.
    """

    id: str | None = None
    parent: str | None = None


@dataclass(frozen=True)
class Job:
    """Everything one job needs, already built and checked.

    Attributes:
        name: readable, for lists of runs.
        config: the resolved configuration, as plain values.
        keys: under which its parts are kept.
        dataset: prepared splits.
        teacher: how the teacher is made and trained.
        student: how the student, and the control, are made and trained.
        distillation: what the student is trained for.
        compression: what is made of the student then, by name; each starts from the one before it.
        baseline: what would be tried instead, decided beside them; ``None`` for nothing.
        evaluation: how models are measured.
        headline: what ``test/disparity`` is.
        bounds: what the constraints are to keep, by name.
        force: a key of `FORCES`.
        output: the job's folder.
        sweep: which sweep it is part of.
        words: the overrides that compose its configuration, without those that a sweep adds.
    """

    name: str
    config: Mapping[str, Any]
    keys: JobKeys
    dataset: Dataset
    teacher: Recipe
    student: Recipe
    distillation: Distillation
    compression: Mapping[str, Compression]
    evaluation: EvaluationSettings
    headline: Headline
    bounds: Mapping[str, Bound]
    force: str
    output: Path
    sweep: SweepPlace = SweepPlace()
    baseline: Baseline | None = None
    words: tuple[str, ...] = ()
