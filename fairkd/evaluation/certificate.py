r"""A bound that holds on new data: candidates ranked on some rows, certified on others.

The candidates, epochs of a training, are ordered on the *selecting* rows (validation), the safest
first. On the *certifying* rows, which neither trained nor selected, they are tested in this order,
each at the full level: does the upper confidence bound of the disparity lie within the threshold?
The first that fails ends the sequence. Whichever of those before it is taken, the chance that its
true disparity exceeds the threshold is at most one minus the confidence (fixed-sequence testing:
Maurer, Hothorn and Lehmacher 1995; used alike by Angelopoulos et al., "Learn then test", 2021).
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from torch import Tensor

from fairkd import checks
from fairkd.data.batch import Batch
from fairkd.evaluation.bound import Bound, decisions

_USELESS = 1e9


@dataclass(frozen=True)
class Candidate:
    """A model that may be certified.

    Attributes:
        epoch: counted from 0.
        accuracy: on the selecting rows.
        slack: there, by how much the upper bound exceeds its threshold; of several bounds the
            largest. The smaller the safer, and below 0 it would be certified by rows like these.
        weights: its tensors by name.
    """

    epoch: int
    accuracy: float
    slack: float
    weights: Mapping[str, Tensor] = field(repr=False, default_factory=dict)

    def beats(self, other: "Candidate") -> bool:
        """Whether it is at least as safe and as accurate; of equals, both beat each other."""
        return self.slack <= other.slack and self.accuracy >= other.accuracy


@dataclass(frozen=True)
class Trial:
    """A candidate on the certifying rows.

    Attributes:
        epoch: counted from 0.
        accuracy: on the selecting rows.
        slack: there.
        upper: the upper confidence bound of each disparity, by the constraint's name.
        exceeds: by how much the worst of them exceeds its threshold; at most 0 passes.
    """

    epoch: int
    accuracy: float
    slack: float
    upper: Mapping[str, float]
    exceeds: float

    @property
    def passes(self) -> bool:
        """Whether every bound lies within its threshold."""
        return self.exceeds <= 0


@dataclass(frozen=True)
class Certificate:
    """What the certifying rows say.

    Attributes:
        certified: whether the chosen epoch's bounds are certified.
        epoch: the chosen one: the most accurate certified one on the selecting rows; where none
            is certified, the closest one, and nothing is promised of it.
        confidence: of the certificate as a whole.
        rows: how many rows certified.
        rows_id: equal for certificates on the same rows.
        bounds: what was bounded, in words, by constraint.
        smallest: about the smallest thresholds that these rows can certify, by constraint.
        thresholds: what was to be certified, by constraint.
        tested: every candidate, in the order of the test.
    """

    certified: bool
    epoch: int
    confidence: float
    rows: int
    rows_id: str
    bounds: Mapping[str, str]
    smallest: Mapping[str, float]
    thresholds: Mapping[str, float]
    tested: Sequence[Trial]

    @property
    def chosen(self) -> Trial:
        """The chosen candidate."""
        return next(tested for tested in self.tested if tested.epoch == self.epoch)

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> "Certificate":
        """The certificate whose fields these are."""
        return cls(**{**plain, "tested": [Trial(**each) for each in plain["tested"]]})


@dataclass(frozen=True, eq=False)
class Certifier:
    """Tests candidates on rows of their own.

    Attributes:
        bounds: what is to hold, by the constraint's name.
        confidence: of all bounds together.
        threshold: of decisions between two classes, see `decisions`.
        rows: the certifying rows.
        smallest: about the smallest thresholds that these rows can certify, by constraint.

    Raises:
        ConfigError: a confidence out of range, or a statistic that counts cannot bound.
    """

    bounds: Mapping[str, Bound]
    confidence: float
    threshold: float
    rows: Batch
    smallest: Mapping[str, float]

    @cached_property
    def rows_id(self) -> str:
        """A hash of the certifying rows' labels and groups."""
        digest = hashlib.sha256()
        for field_ in (self.rows.y, self.rows.group):
            digest.update(field_.contiguous().cpu().numpy().tobytes())
        return digest.hexdigest()[:16]

    @classmethod
    def over(
        cls,
        bounds: Mapping[str, Bound],
        rows: Batch,
        n_classes: int,
        confidence: float,
        threshold: float = 0.5,
    ) -> "Certifier":
        """The certifier of bounds over rows; what they can certify is found on the way."""
        checks.number("constraint.confidence", confidence, least=0.5, most=0.999)
        smallest = {
            name: bound.smallest(rows, n_classes, confidence) for name, bound in bounds.items()
        }
        return cls(dict(bounds), confidence, threshold, rows, smallest)

    def slack(self, logits: Tensor, batch: Batch) -> float:
        """By how much the largest upper bound exceeds its threshold on some rows.

        A model that decides all of them alike has no disparity and is of no use: it comes last.
        """
        decided = decisions(logits, self.threshold)
        if bool((decided == decided[:1]).all()):
            return _USELESS
        return self._exceeds(self._upper(decided, batch))

    def accuracy(self, logits: Tensor, batch: Batch) -> float:
        """The share of rows that are decided rightly at the certified threshold."""
        decided = decisions(logits, self.threshold).argmax(-1)
        label = batch.y if batch.y.dim() == 1 else batch.y.argmax(-1)
        return float((decided == label).double().mean())

    def certify(
        self, candidates: Sequence[Candidate], logits_of: Callable[[Candidate], Tensor]
    ) -> Certificate:
        """Test the candidates in their order of safety.

        All get their bounds, for whoever chooses among several trainings; certified are those
        before the first that fails.

        Args:
            candidates: at least one, in any order.
            logits_of: a candidate's logits for the certifying rows.
        """
        ordered = in_order(candidates)
        tested = []
        for candidate in ordered:
            upper = self._upper(decisions(logits_of(candidate), self.threshold), self.rows)
            tested.append(
                Trial(
                    candidate.epoch,
                    candidate.accuracy,
                    candidate.slack,
                    upper,
                    self._exceeds(upper),
                )
            )
        passed = certified(tested)
        useful = [one for one in passed if one.slack < _USELESS] or passed
        best = max(useful, key=_by_accuracy) if passed else min(tested, key=_by_excess)
        return Certificate(
            certified=bool(passed),
            epoch=best.epoch,
            confidence=self.confidence,
            rows=self.rows.size,
            rows_id=self.rows_id,
            bounds={name: bound.words for name, bound in self.bounds.items()},
            smallest=dict(self.smallest),
            thresholds={name: bound.threshold for name, bound in self.bounds.items()},
            tested=tested,
        )

    def _upper(self, decided: Tensor, batch: Batch) -> dict[str, float]:
        return {
            name: bound.upper(decided, batch, self.confidence)
            for name, bound in self.bounds.items()
        }

    def _exceeds(self, upper: Mapping[str, float]) -> float:
        return max(upper[name] - bound.threshold for name, bound in self.bounds.items())


def in_order(candidates: Sequence[Candidate]) -> list[Candidate]:
    """The order of the test: the safest first, of equally safe ones the most accurate."""
    return sorted(candidates, key=lambda one: (one.slack, -one.accuracy, one.epoch))


def certified(tested: Sequence[Trial]) -> list[Trial]:
    """Those before the first that fails.

    Args:
        tested: in the order of the test.
    """
    for place, one in enumerate(tested):
        if not one.passes:
            return list(tested[:place])
    return list(tested)


def front(candidates: Sequence[Candidate], one: Candidate) -> list[Candidate]:
    """The candidates with one more, without those that another one beats.

    Args:
        candidates: a front.
        one: later than all of them; of equals the earlier one stays.
    """
    if any(known.beats(one) for known in candidates):
        return list(candidates)
    return [*(known for known in candidates if not one.beats(known)), one]


def _by_accuracy(tested: Trial) -> tuple[float, float]:
    return tested.accuracy, -tested.exceeds


def _by_excess(tested: Trial) -> float:
    return tested.exceeds
