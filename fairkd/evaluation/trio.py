"""The unit of measurement: teacher, control and student on the same rows, never one alone.

What compression makes of the student, and baselines, stand beside them as further models.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fairkd.evaluation.compression import Cost, ratios_to_teacher
from fairkd.evaluation.decided import block_counts
from fairkd.evaluation.disparities import disparities
from fairkd.evaluation.evaluate import evaluate_decisions
from fairkd.evaluation.evaluation import (
    Evaluation,
    encoded,
    evaluations_from_json,
    evaluations_to_json,
    number,
)
from fairkd.evaluation.predictions import Predictions
from fairkd.evaluation.rates import recorded_rates
from fairkd.evaluation.reference import reference_of
from fairkd.evaluation.settings import EvaluationSettings
from fairkd.evaluation.thresholds import MatchedThresholds, equal_accuracy, equal_selection_rate
from fairkd.evaluation.transfer import transfer

MODELS = ("teacher", "control", "student")
Measure = Callable[[str], Evaluation]
Choose = Callable[[str], Mapping[str, float]]


@dataclass(frozen=True, eq=False)
class Matched:
    """The trio at thresholds that make its models comparable.

    Attributes:
        thresholds: chosen on validation.
        evaluations: the accuracies, rates and disparities of each model on test at its threshold.
    """

    thresholds: MatchedThresholds
    evaluations: Mapping[str, Evaluation]


@dataclass(frozen=True, eq=False)
class Trio:
    """Everything measured of a trio on test.

    Attributes:
        evaluations: of each model at ``evaluation.threshold``: teacher, control, student, and the
            further models: what compression made of the student, in its order, then baselines.
        matched: by rule (``equal_selection_rate``, ``equal_accuracy``), of the models that decide
            by a threshold; empty above two classes.
        transfers: what changed from teacher and control to student, by block.
        further: what changed from teacher and student to each further model, by its name and block.
        costs: of each model.
        validation: accuracy and disparities of each model on validation, where choices are made, at
            ``evaluation.threshold``: ``accuracy`` and ``<disparity>/<block>``.
    """

    evaluations: Mapping[str, Evaluation]
    matched: Mapping[str, Matched]
    transfers: Mapping[str, Evaluation]
    further: Mapping[str, Mapping[str, Evaluation]]
    costs: Mapping[str, Cost]
    validation: Mapping[str, Mapping[str, float]]

    @property
    def models(self) -> tuple[str, ...]:
        """All measured models: the trio, then the further ones."""
        return tuple(self.evaluations)

    @property
    def final(self) -> str:
        """The model that the job is for: the student, or the last of the further models."""
        return self.models[-1]

    @property
    def classes(self) -> tuple[str, ...]:
        """The label's values, in order; with two the second is the positive one."""
        found = [flips for changes in self.transfers.values() for flips in changes.flips.values()]
        return found[0].labels if found else ()

    def changes(self, model: str) -> Mapping[str, Evaluation]:
        """What changed to a model from those it was made from, by block."""
        return self.transfers if model == "student" else self.further[model]

    def cost_ratios(self, model: str = "student") -> dict[str, float]:
        """Each cost of the student, or of a further model, over the teacher's."""
        return ratios_to_teacher(self.costs[model], self.costs["teacher"])

    def to_json(self) -> dict[str, Any]:
        """Everything as plain values for standard JSON."""
        return {
            "evaluations": evaluations_to_json(self.evaluations),
            "matched": _matched_to_json(self.matched),
            "transfers": _blocks_to_json(self.transfers),
            "further": {model: _blocks_to_json(changes) for model, changes in self.further.items()},
            "costs": {
                name: {**_numbers(cost), "not_counted": list(cost.not_counted)}
                for name, cost in self.costs.items()
            },
            "validation": {
                "names": list(next(iter(self.validation.values()))),
                "models": {
                    name: encoded(list(values.values())) for name, values in self.validation.items()
                },
            },
        }

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> "Trio":
        """What `to_json` gave.

        Raises:
            DataError: an evaluation in it is not one.
        """
        validation = plain["validation"]
        return cls(
            evaluations=evaluations_from_json(plain["evaluations"]),
            matched=_matched_from_json(plain["matched"]),
            transfers=_blocks_from_json(plain["transfers"]),
            further={
                model: _blocks_from_json(changes) for model, changes in plain["further"].items()
            },
            costs={name: _cost(numbers) for name, numbers in plain["costs"].items()},
            validation={
                name: dict(zip(validation["names"], map(number, values), strict=True))
                for name, values in validation["models"].items()
            },
        )


def measure_trio(
    validation: Mapping[str, Predictions],
    test: Mapping[str, Predictions],
    costs: Mapping[str, Cost],
    settings: EvaluationSettings,
    measure: Measure,
    choose: Choose,
) -> Trio:
    """Measure a trio.

    Args:
        validation: each model's predictions that choose thresholds.
        test: each model's predictions that are measured.
        costs: each model's cost.
        settings: the choices behind the numbers.
        measure: evaluates a model by name on test; it may remember results.
        choose: `chosen_by` of a model's validation predictions, by its name; it may remember too.
    """
    student = test["student"]
    return Trio(
        evaluations={name: measure(name) for name in test},
        matched=_matched(validation, test, settings) if len(student.classes) == 2 else {},
        transfers={
            block.name: transfer(student, test["teacher"], test["control"], block.name, settings)
            for block in student.blocks
        },
        further={
            name: {
                block.name: transfer(
                    model, test["teacher"], student, block.name, settings, against="student"
                )
                for block in student.blocks
            }
            for name, model in test.items()
            if name not in MODELS
        },
        costs=dict(costs),
        validation={name: choose(name) for name in test},
    )


def chosen_by(predictions: Predictions, settings: EvaluationSettings) -> dict[str, float]:
    """What a choice on validation looks at: ``accuracy`` and ``<disparity>/<block>``."""
    decided = predictions.predicted(settings.threshold)
    found = {"accuracy": float((decided == predictions.y).mean())}
    for block in predictions.blocks:
        counts = block_counts(predictions.truth, block, decided)
        reference = reference_of(block, counts, settings)
        for name, value in disparities(recorded_rates(counts), reference).items():
            found[f"{name}/{block.name}"] = float(value)
    return found


def _matched(
    validation: Mapping[str, Predictions],
    test: Mapping[str, Predictions],
    settings: EvaluationSettings,
) -> dict[str, Matched]:
    # A model with decisions of its own has no threshold to move.
    validation = {name: given for name, given in validation.items() if given.decisions is None}
    test = {name: test[name] for name in validation}
    rules = {
        "equal_selection_rate": equal_selection_rate(
            validation["control"], validation, settings.threshold
        ),
        "equal_accuracy": equal_accuracy(validation, settings.threshold),
    }
    pairs = [(rule, name) for rule in rules for name in test]
    measured = evaluate_decisions(
        [(test[name], rules[rule].thresholds[name]) for rule, name in pairs], settings
    )
    found = dict(zip(pairs, measured, strict=True))
    return {
        rule: Matched(thresholds, {name: found[rule, name] for name in test})
        for rule, thresholds in rules.items()
    }


def _blocks_to_json(by_block: Mapping[str, Evaluation]) -> dict[str, Any]:
    return {block: found.to_json() for block, found in by_block.items()}


def _blocks_from_json(plain: Mapping[str, Any]) -> dict[str, Evaluation]:
    return {block: Evaluation.from_json(content) for block, content in plain.items()}


def _matched_to_json(matched: Mapping[str, Matched]) -> dict[str, Any]:
    if not matched:
        return {}
    first = next(iter(next(iter(matched.values())).evaluations.values()))
    rules = {
        rule: {
            "target": found.thresholds.target,
            "thresholds": found.thresholds.thresholds,
            "achieved": found.thresholds.achieved,
            "models": {name: each.numbers_to_json() for name, each in found.evaluations.items()},
        }
        for rule, found in matched.items()
    }
    return {**first.names_to_json(), "rules": rules}


def _matched_from_json(plain: Mapping[str, Any]) -> dict[str, Matched]:
    return {
        rule: Matched(
            MatchedThresholds(found["target"], dict(found["thresholds"]), dict(found["achieved"])),
            evaluations_from_json({**plain, "models": found["models"]}),
        )
        for rule, found in plain.get("rules", {}).items()
    }


def _numbers(cost: Cost) -> dict[str, Any]:
    numbers = cost.numbers()
    return dict(zip(numbers, encoded(list(numbers.values())), strict=True))


def _cost(numbers: Mapping[str, Any]) -> Cost:
    return Cost(
        parameters=_count(numbers["parameters"]),
        nonzero=_count(numbers["nonzero"]),
        bytes=_count(numbers["bytes"]),
        multiply_adds=_count(numbers["multiply_adds"]),
        latency_ms_batch_1=number(numbers["latency_ms_batch_1"]),
        latency_ms_batch_256=number(numbers["latency_ms_batch_256"]),
        not_counted=tuple(numbers["not_counted"]),
    )


def _count(given: str | float) -> float:
    """A whole number, or NaN where nothing could be counted."""
    value = number(given)
    return value if math.isnan(value) else int(value)
