"""Whether conditions hold of subjects."""

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from fairkd.reporting.gate.condition import Condition, ConditionError
from fairkd.reporting.gate.subject import Subject
from fairkd.sweeps.estimate import Estimate

_SHOWN = 5
_CLOSE = 0.5


@dataclass(frozen=True)
class Verdict:
    """One condition on one subject.

    Attributes:
        subject: what it is of.
        condition: what is to hold.
        estimate: of the metric.
        compared: the number that the condition is held against: the value, or the end of the
            interval that is worse for it; NaN where that is undefined, also in only one of the
            repetitions.
    """

    subject: Subject
    condition: Condition
    estimate: Estimate
    compared: float

    @property
    def holds(self) -> bool:
        """Whether it does; never where it is undefined."""
        return self.condition.holds(self.compared)

    @property
    def slack(self) -> float:
        """How far the compared number is on the right side; negative on the wrong one."""
        return self.condition.slack(self.compared)


def verdicts(
    subjects: Sequence[Subject], conditions: Iterable[Condition], bounds: bool
) -> list[Verdict]:
    """Every condition on every subject, subject by subject.

    Args:
        subjects: at least one.
        conditions: what is to hold.
        bounds: compare the worse end of the interval, and not the value.

    Raises:
        ConditionError: no subject has such a metric, or ``bounds`` is asked of one that has no
            interval.
    """
    conditions = list(conditions)
    known = frozenset[str]().union(*(subject.metrics for subject in subjects))
    for condition in conditions:
        if condition.metric not in known:
            raise ConditionError(_unknown(condition.metric, known))
    return [
        Verdict(subject, condition, found, _compared(subject, condition, found, bounds))
        for subject in subjects
        for condition in conditions
        for found in [subject.estimate(condition.metric)]
    ]


def _compared(subject: Subject, condition: Condition, found: Estimate, bounds: bool) -> float:
    if bounds and not subject.has_interval(condition.metric):
        having = [name for name in subject.metrics if subject.has_interval(name)]
        raise ConditionError(
            f"bounds=true needs an interval, and {condition.metric} has none in {subject.name}; "
            f"{_among(condition.metric, having, 'metrics that have one')}, or leave bounds out."
        )
    if found.defined < found.of:
        return math.nan
    return condition.worse(found.low, found.high) if bounds else found.mean


def _unknown(given: str, known: Collection[str]) -> str:
    close = get_close_matches(given, sorted(known), n=_SHOWN, cutoff=_CLOSE)
    if close:
        quoted = ", ".join(f"'{name}'" for name in close)
        return f"Unknown metric '{given}'; did you mean {quoted}?"
    return f"Unknown metric '{given}'; {_among(given, known, 'metrics')}."


def _among(given: str, known: Collection[str], what: str) -> str:
    """Some of many names: those like the given one, else those that say most."""
    close = get_close_matches(given, sorted(known), n=_SHOWN, cutoff=_CLOSE)
    shown = close or sorted(known, key=lambda name: (name.count("/"), "test/" not in name, name))
    listed = ", ".join(shown[:_SHOWN])
    more = len(known) - len(shown[:_SHOWN])
    return f"{what}: {listed or 'none'}{f', and {more} more' if more > 0 else ''}"
