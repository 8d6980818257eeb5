"""What a job of a sweep left: numbers under its configuration and seeds, or why there are none."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from fairkd.evaluation.certificate import Certificate
from fairkd.record import Headline, JobRecord
from fairkd.tracking.slug import metric_name

Model = Literal["student", "control", "teacher"]
Split = Literal["validation", "test"]
Measure = Literal["accuracy", "disparity"]

MODELS: tuple[Model, ...] = ("student", "control", "teacher")
SPLITS: tuple[Split, ...] = ("validation", "test")
MEASURES: tuple[Measure, ...] = ("accuracy", "disparity")

SEED_KEYS = ("data.seed", "teacher.seed", "seed")
TARGET = "._target_"

_NOT_VARIED = (*SEED_KEYS, "replicate")
_DRAWN = "baseline.seed"  # a seed like the student's where it follows that
_ABOVE = ("teacher.teacher.", "teacher.distillation.")
_CHAIN = re.compile(r"(teacher\.)+seed")  # a teacher's own teacher


@dataclass(frozen=True)
class Outcome:
    """One finished job of a sweep.

    Attributes:
        number: Hydra's job number.
        name: readable (``adult·T4·w0.3·s1``).
        configuration: the key of everything but the seeds: what repetitions share.
        varied: the dotted keys that differ within the sweep, without seeds, and their values here.
        seeds: ``data.seed``, ``teacher.seed`` and ``seed``.
        metrics: `fairkd.record.JobRecord.metrics`.
        headline: which disparity ``test/disparity`` is.
        control_validation: the control's ``accuracy`` and ``disparity`` on validation.
        teacher_validation: the teacher's.
        run_id: of its tracked run.
        reused: whether the store had it.
        final: the model that stands in the student's place: the student itself, what compression
            made of it last, or the baseline.
        certificate: what certifying rows say of the student; ``None`` where none was asked for.
    """

    number: int
    name: str
    configuration: str
    varied: Mapping[str, object]
    seeds: Mapping[str, int]
    metrics: Mapping[str, float]
    headline: Headline
    control_validation: Mapping[str, float]
    teacher_validation: Mapping[str, float]
    run_id: str
    reused: bool
    final: str = "student"
    certificate: Certificate | None = None

    def value(self, model: Model, split: Split, measure: Measure) -> float:
        """One model's accuracy or headline disparity on one split; NaN where undefined."""
        if model == "student":
            return self.metrics[f"{split}/{measure}"]
        if split == "validation":
            on_validation = {"control": self.control_validation, "teacher": self.teacher_validation}
            return on_validation[model][measure]
        if measure == "accuracy":
            return self.metrics[metric_name("test", model, "accuracy")]
        return self.metrics[metric_name("test", model, self.headline.metric, self.headline.block)]


@dataclass(frozen=True)
class Failure:
    """A job that did not finish.

    Attributes:
        number: Hydra's job number.
        words: its overrides.
        sentence: why, for the user.
        kind: refused before anything trained, or failed on the way.
    """

    number: int
    words: tuple[str, ...]
    sentence: str
    kind: Literal["refused", "failed"]


def outcome_of(
    number: int,
    name: str,
    configuration: str,
    varied: Mapping[str, object],
    seeds: Mapping[str, int],
    record: JobRecord,
    run_id: str,
    reused: bool,
) -> Outcome:
    """A finished job's outcome from its record; the arguments are the attributes of `Outcome`."""

    def on_validation(model: str) -> dict[str, float]:
        accuracy = record.trio.validation[model]["accuracy"]
        return {"accuracy": accuracy, "disparity": record.disparity(model, "validation")}

    return Outcome(
        number=number,
        name=name,
        configuration=configuration,
        varied=dict(varied),
        seeds=dict(seeds),
        metrics=record.metrics(),
        headline=record.headline,
        control_validation=on_validation("control"),
        teacher_validation=on_validation("teacher"),
        run_id=run_id,
        reused=reused,
        final=record.trio.final,
        certificate=record.certificate,
    )


def varied_keys(configs: Sequence[Mapping[str, object]]) -> list[str]:
    """The parameters by which jobs differ, but for seeds, in the order of the configuration.

    A number equals another whatever its type (1 and 1.0); a key that a job lacks counts as null
    there, and so does an empty mapping. Two kinds of keys that differ are left out, because
    another key of the list already says it:

    - an interpolated copy: a term's knob that follows a shared knob of its section in every job
      that has the term (``distillation.terms.soft_targets.weight`` and ``distillation.alpha``), and
      a key that ends in another whole key and follows it (``teacher.trainer.precision`` and
      ``trainer.precision``);
    - what a choice brings along: a key that depends on nothing but a ``_target_`` of its section
      which differs too (``student.hidden`` where ``student=mlp,linear``), also a ``_target_`` below
      that one.

    Args:
        configs: every job's flat dotted parameters, as `fairkd.record.parameters` gives them.
    """
    known = dict.fromkeys(key for config in configs for key in config if not _of_seed(key))
    if all(config.get(_DRAWN) in (None, config.get("seed")) for config in configs):
        known.pop(_DRAWN, None)
    # A chain that only some teachers have follows from the choice of the teacher.
    chained = [any(key.startswith(_ABOVE) for key in config) for config in configs]
    if any(chained) and not all(chained):
        known = {key: None for key in known if not key.startswith(_ABOVE)}
    columns = {key: tuple(_comparable(config.get(key)) for config in configs) for key in known}
    differing = {key: column for key, column in columns.items() if len(set(column)) > 1}
    return [
        key
        for key, column in differing.items()
        if not any(_copies(key, column, other, differing[other]) for other in differing)
        and not any(_follows(key, column, other, differing[other]) for other in differing)
    ]


def _of_seed(key: str) -> bool:
    return key in _NOT_VARIED or _CHAIN.fullmatch(key) is not None


_Column = tuple[object, ...]


def _comparable(value: object) -> object:
    """A hashable value that equals another one's if and only if they mean the same."""
    if isinstance(value, bool):
        return ("truth", value)
    if isinstance(value, float) and math.isnan(value):
        return ("number", "nan")
    if isinstance(value, int | float):
        return ("number", value)
    if isinstance(value, list | tuple):
        return ("list", tuple(map(_comparable, value)))
    if isinstance(value, Mapping):
        items = frozenset((key, _comparable(item)) for key, item in value.items())
        return ("mapping", items) if items else None
    return value


def _copies(key: str, column: _Column, other: str, shared: _Column) -> bool:
    """Whether a key is an interpolated copy of another that differs as well."""
    if key == other:
        return False
    if key.endswith(f".{other}"):
        return column == shared
    members = ".steps." if ".steps." in key else ".terms."
    section, _, name = key.partition(members)
    if not name or f"{section}.{other.rpartition('.')[2]}" != other:
        return False
    return all(mine in (None, its) for mine, its in zip(column, shared, strict=True))


def _follows(key: str, column: _Column, choice: str, targets: _Column) -> bool:
    """Whether a key is determined by a choice of its section that differs as well."""
    if not choice.endswith(TARGET) or key == choice:
        return False
    same_section = choice.partition(".")[0] == key.partition(".")[0]
    below = key.startswith(choice.removesuffix("_target_"))
    if not (below if key.endswith(TARGET) else same_section):
        return False
    return _determines(targets, column)


def _determines(causes: Iterable[object], effects: Iterable[object]) -> bool:
    pairs = set(zip(causes, effects, strict=True))
    return len({cause for cause, _ in pairs}) == len(pairs)
