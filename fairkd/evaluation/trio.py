"""The unit of measurement: teacher, control and student on the same rows, never one alone."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from fairkd.evaluation.compression import Cost, ratios_to_teacher
from fairkd.evaluation.disparities import disparities
from fairkd.evaluation.evaluation import Evaluation
from fairkd.evaluation.predictions import Predictions
from fairkd.evaluation.rates import recorded_rates
from fairkd.evaluation.record import block_counts
from fairkd.evaluation.reference import reference_of
from fairkd.evaluation.settings import EvaluationSettings
from fairkd.evaluation.thresholds import MatchedThresholds, equal_accuracy, equal_selection_rate
from fairkd.evaluation.transfer import transfer

MODELS = ("teacher", "control", "student")
Measure = Callable[[str, EvaluationSettings], Evaluation]


@dataclass(frozen=True, eq=False)
class Matched:
    """The trio at thresholds that make its models comparable.

    Attributes:
        thresholds: chosen on validation.
        evaluations: of each model on test at its threshold.
    """

    thresholds: MatchedThresholds
    evaluations: Mapping[str, Evaluation]


@dataclass(frozen=True, eq=False)
class Trio:
    """Everything measured of a trio on test.

    Attributes:
        evaluations: of each model at ``evaluation.threshold``.
        matched: by rule (``equal_selection_rate``, ``equal_accuracy``); empty above two classes.
        transfers: what changed from teacher and control to student, by block.
        costs: of each model.
        validation: accuracy and disparities of each model on validation, where choices are made, at
            ``evaluation.threshold``: ``accuracy`` and ``<disparity>/<block>``.
    """

    evaluations: Mapping[str, Evaluation]
    matched: Mapping[str, Matched]
    transfers: Mapping[str, Evaluation]
    costs: Mapping[str, Cost]
    validation: Mapping[str, Mapping[str, float]]

    def cost_ratios(self) -> dict[str, float]:
        """Each cost of the student over the teacher's."""
        return ratios_to_teacher(self.costs["student"], self.costs["teacher"])

    def to_json(self) -> dict[str, Any]:
        """Everything as plain values."""
        return {
            "evaluations": _each_to_json(self.evaluations),
            "matched": {
                rule: {
                    "target": matched.thresholds.target,
                    "thresholds": matched.thresholds.thresholds,
                    "achieved": matched.thresholds.achieved,
                    "evaluations": _each_to_json(matched.evaluations),
                }
                for rule, matched in self.matched.items()
            },
            "transfers": _each_to_json(self.transfers),
            "costs": {
                name: {**cost.numbers(), "not_counted": list(cost.not_counted)}
                for name, cost in self.costs.items()
            },
            "validation": {name: dict(values) for name, values in self.validation.items()},
        }

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> "Trio":
        """What `to_json` gave."""
        return cls(
            evaluations=_each_from_json(plain["evaluations"]),
            matched={
                rule: Matched(
                    MatchedThresholds(m["target"], dict(m["thresholds"]), dict(m["achieved"])),
                    _each_from_json(m["evaluations"]),
                )
                for rule, m in plain["matched"].items()
            },
            transfers=_each_from_json(plain["transfers"]),
            costs={name: _cost(numbers) for name, numbers in plain["costs"].items()},
            validation=plain["validation"],
        )


def measure_trio(
    validation: Mapping[str, Predictions],
    test: Mapping[str, Predictions],
    costs: Mapping[str, Cost],
    settings: EvaluationSettings,
    measure: Measure,
) -> Trio:
    """Measure a trio.

    Args:
        validation: each model's predictions that choose thresholds.
        test: each model's predictions that are measured.
        costs: each model's cost.
        settings: the choices behind the numbers.
        measure: evaluates a model by name on test under given settings; it may remember results.
    """
    student = test["student"]
    return Trio(
        evaluations={name: measure(name, settings) for name in MODELS},
        matched=_matched(validation, settings, measure) if len(student.classes) == 2 else {},
        transfers={
            block.name: transfer(student, test["teacher"], test["control"], block.name, settings)
            for block in student.blocks
        },
        costs=dict(costs),
        validation={name: _chosen_by(validation[name], settings) for name in MODELS},
    )


def _chosen_by(predictions: Predictions, settings: EvaluationSettings) -> dict[str, float]:
    """What a choice on validation looks at."""
    decided = predictions.predicted(settings.threshold)
    found = {"accuracy": float((decided == predictions.y).mean())}
    for block in predictions.blocks:
        counts = block_counts(predictions, block, settings.threshold)
        reference = reference_of(block, counts, settings)
        for name, value in disparities(recorded_rates(counts), reference).items():
            found[f"{name}/{block.name}"] = float(value)
    return found


def _matched(
    validation: Mapping[str, Predictions], settings: EvaluationSettings, measure: Measure
) -> dict[str, Matched]:
    rules = {
        "equal_selection_rate": equal_selection_rate(
            validation["control"], validation, settings.threshold
        ),
        "equal_accuracy": equal_accuracy(validation, settings.threshold),
    }
    return {
        rule: Matched(
            thresholds,
            {
                name: measure(name, replace(settings, threshold=thresholds.thresholds[name]))
                for name in MODELS
            },
        )
        for rule, thresholds in rules.items()
    }


def _each_to_json(evaluations: Mapping[str, Evaluation]) -> dict[str, Any]:
    return {name: evaluation.to_json() for name, evaluation in evaluations.items()}


def _each_from_json(plain: Mapping[str, Any]) -> dict[str, Evaluation]:
    return {name: Evaluation.from_json(content) for name, content in plain.items()}


def _cost(numbers: Mapping[str, Any]) -> Cost:
    return Cost(
        parameters=int(numbers["parameters"]),
        bytes=int(numbers["bytes"]),
        multiply_adds=int(numbers["multiply_adds"]),
        latency_ms_batch_1=float(numbers["latency_ms_batch_1"]),
        latency_ms_batch_256=float(numbers["latency_ms_batch_256"]),
        not_counted=tuple(numbers["not_counted"]),
    )
