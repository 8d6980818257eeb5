import json
import math
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import pytest
from scipy.stats import entropy
from torch import nn, zeros

from fairkd.evaluation.compression import cost, latency
from fairkd.evaluation.evaluate import evaluate, evaluate_decisions
from fairkd.evaluation.settings import EvaluationSettings
from fairkd.evaluation.transfer import kl_divergences
from fairkd.evaluation.trio import MODELS, Trio, chosen_by, measure_trio
from fairkd.models.answers import Answers

FEW = EvaluationSettings(draws=40)


def _models(make, classes, seed):
    """Three models on the same rows, in a block one of whose cells is empty."""
    first = make(n=200, classes=classes, cells=2, seed=seed)
    rng = np.random.default_rng(seed)
    models = {}
    for name in MODELS:
        p = first.probabilities * np.exp(rng.normal(size=first.probabilities.shape))
        models[name] = replace(first, probabilities=p / p.sum(1, keepdims=True))
    return models


def _trio(make, classes=2):
    validation, test = _models(make, classes, 0), _models(make, classes, 1)
    model, example = nn.Linear(3, 2), zeros(1, 3)
    price = cost(model, example, latency(model, example, 1))
    return test, measure_trio(
        validation,
        test,
        dict.fromkeys(MODELS, price),
        FEW,
        lambda name: evaluate(test[name], FEW),
        lambda name: chosen_by(validation[name], FEW),
    )


@pytest.mark.parametrize("classes", [2, 3])
def test_the_part_that_depends_on_the_threshold_is_that_of_the_whole(make, classes):
    predictions = make(classes=classes)
    settings = replace(FEW, threshold=0.3)
    whole = evaluate(predictions, settings)
    (part,) = evaluate_decisions([(predictions, 0.3)], FEW)
    for name, value in part.metrics.items():
        assert value == whole.metrics[name], name
        assert part.intervals[name] == whole.intervals[name], name
    left_out = {
        name.split("/")[0].split("[")[0] for name in whole.metrics.keys() - part.metrics.keys()
    }
    assert left_out == {
        "auc", "auc_difference", "ece", "ece_difference", "log_loss", "brier", "abcc",
        "count", "positives", "missing",
    }  # fmt: skip
    shown = part.tables["sex"]
    pd.testing.assert_frame_equal(shown, whole.tables["sex"][list(shown)], check_exact=True)


def test_the_rest_of_the_whole_does_not_depend_on_the_threshold(make):
    predictions = make()
    low, high = (evaluate(predictions, replace(FEW, threshold=at)) for at in (0.3, 0.7))
    (decided,) = evaluate_decisions([(predictions, 0.3)], FEW)
    rest = low.metrics.keys() - decided.metrics.keys()
    assert rest
    for name in rest:
        assert low.metrics[name] == high.metrics[name], name
        assert low.intervals.get(name) == high.intervals.get(name), name


def test_models_measured_together_are_as_if_measured_alone(make):
    models = _models(make, 2, 3)
    pairs = [(models["teacher"], 0.5), (models["control"], 0.2), (models["student"], 0.9)]
    together = evaluate_decisions(pairs, FEW)
    for pair, found in zip(pairs, together, strict=True):
        (alone,) = evaluate_decisions([pair], FEW)
        assert json.dumps(found.to_json()) == json.dumps(alone.to_json())


def test_matched_evaluations_are_at_the_matched_thresholds(make):
    test, trio = _trio(make)
    assert set(trio.matched) == {"equal_selection_rate", "equal_accuracy"}
    for matched in trio.matched.values():
        for name in MODELS:
            at = matched.thresholds.thresholds[name]
            decided = test[name].predicted(at)
            found = matched.evaluations[name]
            assert found.metrics["accuracy"] == (decided == test[name].y).mean()
            rates = found.tables["sex"]["selection_rate"]
            for g, rate in enumerate(rates):
                assert rate == decided[test[name].memberships["sex"] == g].mean()


def _with_a_row(make):
    """A trio, and a further model that decides by itself."""
    splits = [_models(make, 2, seed) for seed in (0, 1)]
    rng = np.random.default_rng(5)
    for models in splits:
        positive = rng.choice([0.0, 0.3, 1.0], 200)
        decisions = (positive >= rng.random(200)).astype(np.int64)
        both = np.stack([1 - positive, positive], 1)
        models["row"] = replace(models["student"], probabilities=both, decisions=decisions)
    validation, test = splits
    model, example = nn.Linear(3, 2), zeros(1, 3)
    price = cost(model, example, latency(model, example, 1))
    measured = {}
    for names in (MODELS, (*MODELS, "row")):
        measured[names[-1]] = measure_trio(
            {name: validation[name] for name in names},
            {name: test[name] for name in names},
            dict.fromkeys(names, price),
            FEW,
            lambda name: evaluate(test[name], FEW),
            lambda name: chosen_by(validation[name], FEW),
        )
    return test, measured["student"], measured["row"]


def test_a_model_that_decides_by_itself_is_measured_by_its_decisions(make):
    test, plain, trio = _with_a_row(make)
    row = test["row"]
    found = trio.evaluations["row"]
    assert found.metrics["accuracy"] == (row.decisions == row.y).mean()
    known = row.memberships["sex"] >= 0
    for g, rate in enumerate(found.tables["sex"]["selection_rate"]):
        assert rate == row.decisions[row.memberships["sex"] == g].mean()
    assert known.any()
    low, high = found.intervals["accuracy"]
    assert low < found.metrics["accuracy"] < high
    assert trio.final == "row"
    change = trio.changes("row")["sex"].metrics["accuracy_difference_change_from_student/sex"]
    gaps = [trio.evaluations[m].metrics["accuracy_difference/sex"] for m in ("row", "student")]
    assert change == pytest.approx(gaps[0] - gaps[1])
    # It has no threshold to move, and changes nothing for those that have.
    text = json.dumps({rule: found.thresholds.thresholds for rule, found in trio.matched.items()})
    assert "row" not in text
    before, after = plain.to_json(), trio.to_json()
    for kept in ("matched", "transfers"):
        assert json.dumps(before[kept]) == json.dumps(after[kept])
    assert Trio.from_json(json.loads(json.dumps(after))).to_json() == after


def test_a_divergence_from_what_is_decided_has_no_finite_value(make):
    test, _, trio = _with_a_row(make)
    assert np.isnan(trio.changes("row")["sex"].metrics["kl_from_teacher"])
    assert np.isfinite(trio.transfers["sex"].metrics["kl_from_teacher"])
    divergences = kl_divergences(test["teacher"], test["row"])
    between = (test["row"].probabilities > 0).all(1)
    np.testing.assert_array_equal(np.isnan(divergences), ~between)
    p, q = (test[name].probabilities[between] for name in ("teacher", "row"))
    expected = [entropy(a, b) for a, b in zip(p, q, strict=True)]
    np.testing.assert_allclose(divergences[between], expected, atol=1e-12)


def test_a_teacher_that_only_answers_has_no_cost_and_json_says_so(make):
    _, trio = _trio(make, 2)
    unknown = cost(Answers(2), zeros(1, 3), latency(Answers(2), zeros(1, 3), 1))
    assert not unknown.known
    trio = replace(trio, costs={**trio.costs, "teacher": unknown})
    text = json.dumps(trio.to_json(), allow_nan=False)
    again = Trio.from_json(json.loads(text))
    assert all(map(math.isnan, again.costs["teacher"].numbers().values()))
    assert all(map(math.isnan, again.cost_ratios().values()))
    assert again.costs["student"] == trio.costs["student"]


@pytest.mark.parametrize("classes", [2, 3])
def test_json_keeps_every_bit(make, classes):
    _, trio = _trio(make, classes)
    text = json.dumps(trio.to_json(), allow_nan=False)
    again = Trio.from_json(json.loads(text))
    assert json.dumps(again.to_json()) == text
    assert again.matched.keys() == trio.matched.keys()
    pairs = [(trio.evaluations[m], again.evaluations[m]) for m in MODELS]
    pairs += [(trio.transfers["sex"], again.transfers["sex"])]
    pairs += [
        (trio.matched[rule].evaluations[m], again.matched[rule].evaluations[m])
        for rule in trio.matched
        for m in MODELS
    ]
    for before, after in pairs:
        np.testing.assert_array_equal(list(before.metrics.values()), list(after.metrics.values()))
        assert list(before.metrics) == list(after.metrics)
        assert before.intervals.keys() == after.intervals.keys()
        for name, bounds in before.intervals.items():
            np.testing.assert_array_equal(bounds, after.intervals[name])
        assert before.undefined_draws == after.undefined_draws
        assert before.tables.keys() == after.tables.keys()
        for name, table in before.tables.items():
            pd.testing.assert_frame_equal(table, after.tables[name], check_exact=True)
    for rule, matched in trio.matched.items():
        assert again.matched[rule].thresholds == matched.thresholds
    assert again.costs == trio.costs
    assert again.validation == trio.validation


def test_undefined_numbers_survive_json(make, with_truth):
    hidden = partial(with_truth, memberships={"sex": np.full(200, -1)})
    _, trio = _trio(lambda **words: hidden(make(**words)))
    text = json.dumps(trio.to_json(), allow_nan=False)
    again = Trio.from_json(json.loads(text))
    assert "worst_group_accuracy/sex" in again.evaluations["student"].undefined
    assert np.isnan(again.validation["student"]["accuracy_difference/sex"])
    assert again.transfers["sex"].undefined == trio.transfers["sex"].undefined != []
    assert json.dumps(again.to_json()) == text
