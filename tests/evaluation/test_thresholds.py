from dataclasses import replace

import numpy as np
import pytest

from fairkd.errors import ConfigError, DataError
from fairkd.evaluation.thresholds import equal_accuracy, equal_selection_rate


def _scored(predictions, scores):
    scores = np.asarray(scores, dtype=float)
    return replace(predictions, probabilities=np.stack([1 - scores, scores], 1))


def _every_division(predictions):
    """Each distinct decision of a threshold, by trying a threshold at and above every score."""
    scores = np.unique(predictions.probabilities[:, 1])
    return [predictions.predicted(t) for t in [*scores, np.nextafter(scores[-1], 2)]]


@pytest.mark.parametrize("digits", [1, 2, 16])
@pytest.mark.parametrize("seed", range(4))
def test_no_threshold_gets_nearer(make, digits, seed):
    control = make(n=60, seed=seed)
    other = make(n=60, seed=seed + 50)
    models = {
        "control": control,
        "sharp": _scored(control, (control.probabilities[:, 1] ** 3).round(digits)),
        "flat": _scored(control, (0.4 * other.probabilities[:, 1]).round(digits)),
    }
    rate = equal_selection_rate(control, models)
    accuracy = equal_accuracy(models)
    assert rate.target == control.predicted(0.5).mean()
    lowest = min((m.predicted(0.5) == m.y).mean() for m in models.values())
    assert accuracy.target == lowest
    for name, model in models.items():
        divisions = _every_division(model)
        decided = model.predicted(rate.thresholds[name])
        best = min(abs(d.mean() - rate.target) for d in divisions)
        assert abs(decided.mean() - rate.target) == pytest.approx(best, abs=1e-12)
        assert rate.achieved[name] == pytest.approx(decided.mean(), abs=1e-12)
        right = (model.predicted(accuracy.thresholds[name]) == model.y).mean()
        best = min(abs((d == model.y).mean() - lowest) for d in divisions)
        assert abs(right - lowest) == pytest.approx(best, abs=1e-12)
        assert accuracy.achieved[name] == pytest.approx(right, abs=1e-12)


def test_the_control_and_the_least_accurate_model_keep_a_half(make, with_truth):
    models = {"a": make(seed=1), "b": with_truth(make(seed=2), y=make(seed=1).y)}
    worst = min(models, key=lambda m: (models[m].predicted(0.5) == models[m].y).mean())
    assert equal_accuracy(models).thresholds[worst] == 0.5
    assert equal_selection_rate(models["a"], models).thresholds["a"] == 0.5


def test_tied_scores_stay_together(make):
    rows = make(n=4)
    control = _scored(rows, [0.1, 0.2, 0.8, 0.9])
    tied = _scored(rows, [0.3, 0.3, 0.3, 0.9])
    found = equal_selection_rate(control, {"tied": tied})
    assert found.target == 0.5
    assert found.achieved["tied"] == 0.25  # 1 or 4 of 4 rows; 2 cannot be had
    constant = _scored(rows, [1.0, 1.0, 1.0, 1.0])
    none = equal_selection_rate(_scored(rows, [0.1] * 4), {"m": constant})
    assert none.achieved["m"] == 0
    assert constant.predicted(none.thresholds["m"]).sum() == 0


def test_neighbouring_floats_are_told_apart(make):
    rows = make(n=4)
    close = _scored(rows, [0.3, np.nextafter(0.3, 1), 0.3, 0.3])
    control = _scored(rows, [0.1, 0.9, 0.1, 0.1])
    found = equal_selection_rate(control, {"close": close})
    assert close.predicted(found.thresholds["close"]).tolist() == [0, 1, 0, 0]


def test_refusals(make):
    with pytest.raises(ConfigError, match="two classes"):
        equal_selection_rate(make(classes=3), {})
    with pytest.raises(DataError, match="same rows"):
        equal_accuracy({"a": make(seed=1), "b": make(seed=2)})
    with pytest.raises(DataError, match="at least one"):
        equal_accuracy({})
