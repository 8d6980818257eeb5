import json
import math
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sklearn.metrics as skm
from hydra.utils import instantiate
from omegaconf import OmegaConf

from fairkd.data.blocks import Blocks
from fairkd.errors import ConfigError, DataError
from fairkd.evaluation.evaluate import evaluate
from fairkd.evaluation.evaluation import Evaluation
from fairkd.evaluation.settings import EvaluationSettings

FEW = EvaluationSettings(draws=50)


@pytest.mark.parametrize("classes", [2, 4])
def test_overall_numbers_equal_scikit_learn(make, classes):
    predictions = make(classes=classes)
    p, y, decided = predictions.probabilities, predictions.y, predictions.predicted(0.5)
    found = evaluate(predictions, FEW).metrics
    scores = p[:, 1] if classes == 2 else p
    area = skm.roc_auc_score(y, scores, multi_class="ovr")
    assert found["accuracy"] == skm.accuracy_score(y, decided)
    assert found["balanced_accuracy"] == pytest.approx(
        skm.balanced_accuracy_score(y, decided), rel=1e-12
    )
    assert found["auc"] == pytest.approx(area, rel=1e-12)
    assert found["log_loss"] == pytest.approx(skm.log_loss(y, p), rel=1e-12)
    assert found["brier"] == pytest.approx(skm.brier_score_loss(y, scores), rel=1e-12)


def test_per_group_numbers_equal_scikit_learn_on_the_groups_rows(make):
    predictions = make()
    found = evaluate(predictions, FEW)
    table = found.tables["sex"]
    for g, cell in enumerate(predictions.blocks["sex"].cells):
        rows = predictions.memberships["sex"] == g
        p, y = predictions.probabilities[rows], predictions.y[rows]
        decided = predictions.predicted(0.5)[rows]
        expected = {
            "count": rows.sum(),
            "positives": y.sum(),
            "accuracy": skm.accuracy_score(y, decided),
            "selection_rate": decided.mean(),
            "true_positive_rate": skm.recall_score(y, decided),
            "false_positive_rate": 1 - skm.recall_score(y, decided, pos_label=0),
            "precision": skm.precision_score(y, decided),
            "auc": skm.roc_auc_score(y, p[:, 1]),
            "log_loss": skm.log_loss(y, p),
        }
        for name, value in expected.items():
            assert table.loc[cell, name] == pytest.approx(value, rel=1e-12), name
            assert found.metrics[f"{name}/sex.{cell}"] == table.loc[cell, name]
    assert found.metrics["missing/sex"] == (predictions.memberships["sex"] == -1).sum()


def test_gaps_between_the_tables_values_are_the_disparities(make):
    found = evaluate(make(), FEW)
    table, metrics = found.tables["sex"], found.metrics
    for gap, column in (
        ("accuracy_difference", "accuracy"),
        ("auc_difference", "auc"),
        ("ece_difference", "ece"),
        ("demographic_parity_difference", "selection_rate"),
    ):
        assert metrics[f"{gap}/sex"] == pytest.approx(np.ptp(table[column]), rel=1e-12)
    largest = table["count"].argmax()
    others = table["accuracy"].drop(table.index[largest])
    expected = (others - table["accuracy"].iloc[largest]).mean()
    assert metrics["average_difference_accuracy/sex"] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("classes", [2, 3])
def test_every_disparity_and_rate_has_an_interval(make, classes):
    found = evaluate(make(n=2000, classes=classes), EvaluationSettings(draws=400))
    assert found.undefined == []
    assert found.undefined_draws == {}
    without = {name for name in found.metrics if name not in found.intervals}
    assert {name.split("/")[0].split("[")[0] for name in without} == {
        "count", "positives", "missing",
    }  # fmt: skip
    for name, (low, high) in found.intervals.items():
        assert low < high, name
        if not any(part in name for part in ("difference", "ece", "ratio", "abcc", "odds")):
            assert low < found.metrics[name] < high, name
    gap = "true_positive_rate[class 2]" if classes == 3 else "true_positive_rate"
    assert found.intervals[f"{gap}/sex.cell 1"] == tuple(
        found.tables["sex"].loc["cell 1", [f"{gap}_low", f"{gap}_high"]]
    )


def test_order_of_rows_does_not_matter(make):
    predictions = make()
    order = np.random.default_rng(0).permutation(predictions.n_rows)
    before, after = evaluate(predictions, FEW), evaluate(predictions.rows(order), FEW)
    for name, value in before.metrics.items():
        assert after.metrics[name] == pytest.approx(value, rel=1e-10), name
    for name, bounds in before.intervals.items():
        assert after.intervals[name] == pytest.approx(bounds, rel=1e-8, abs=1e-10), name


def test_relabelled_groups_keep_their_numbers(make, with_truth):
    predictions = make()
    to = np.array([2, 0, 1, -1])  # the last is for missing
    cells = [predictions.blocks["sex"].cells[g] for g in (1, 2, 0)]
    relabelled = with_truth(
        predictions,
        memberships={"sex": to[predictions.memberships["sex"]]},
        blocks=Blocks.of({"sex": cells}),
    )
    before, after = evaluate(predictions, FEW).metrics, evaluate(relabelled, FEW).metrics
    assert before.keys() == after.keys()
    for name, value in before.items():
        assert after[name] == pytest.approx(value, rel=1e-10, nan_ok=True), name


def test_an_empty_cell_is_listed_and_changes_no_disparity(make, with_truth):
    predictions = make()
    padded = with_truth(
        predictions, blocks=Blocks.of({"sex": [*predictions.blocks["sex"].cells, "nobody"]})
    )
    before, after = evaluate(predictions, FEW), evaluate(padded, FEW)
    assert after.tables["sex"].loc["nobody", "count"] == 0
    assert "accuracy/sex.nobody" in after.undefined
    assert math.isnan(after.metrics["auc/sex.nobody"])
    for name, value in before.metrics.items():
        assert after.metrics[name] == value, name


def test_a_group_without_positives_is_undefined_not_zero(make, with_truth):
    predictions = make()
    cell = predictions.memberships["sex"]
    found = evaluate(with_truth(predictions, y=np.where(cell == 1, 0, predictions.y)), FEW)
    assert "true_positive_rate/sex.cell 1" in found.undefined
    assert "auc/sex.cell 1" in found.undefined
    assert found.metrics["false_positive_rate/sex.cell 1"] > 0
    defined = found.tables["sex"]["true_positive_rate"].dropna()
    assert len(defined) == 2
    gap = found.metrics["equal_opportunity_difference/sex"]
    assert gap == pytest.approx(np.ptp(defined), rel=1e-12)


@pytest.mark.parametrize("classes", [2, 3])
def test_one_row(make, classes):
    found = evaluate(make(n=1, classes=classes, missing=False), FEW)
    assert found.metrics["accuracy"] in (0, 1)
    assert "demographic_parity_difference/sex" in found.undefined
    assert "auc" in found.undefined
    assert "abcc/sex" in found.undefined


def test_nobodys_group_is_known(make, with_truth):
    predictions = make(n=50)
    hidden = with_truth(predictions, memberships={"sex": np.full(50, -1)})
    found = evaluate(hidden, FEW)
    assert found.metrics["missing/sex"] == 50
    assert (found.tables["sex"]["count"] == 0).all()
    assert {"abcc/sex", "worst_group_accuracy/sex", "ece_difference/sex"} <= set(found.undefined)
    assert found.metrics["accuracy"] == evaluate(predictions, FEW).metrics["accuracy"]


def test_one_class_in_the_labels(make, with_truth):
    predictions = make(n=60)
    found = evaluate(with_truth(predictions, y=np.zeros(60, dtype=np.int64)), FEW)
    assert "equal_opportunity_difference/sex" in found.undefined
    assert "equalized_odds_difference/sex" in found.undefined
    assert found.metrics["false_positive_rate_difference/sex"] > 0


def test_reference_group_can_be_named(make):
    predictions = make()
    settings = replace(FEW, reference_group={"sex": "cell 2"})
    found = evaluate(predictions, settings)
    values = found.tables["sex"]["selection_rate"].to_numpy()
    expected = np.mean([values[0] - values[2], values[1] - values[2]])
    assert found.metrics["average_difference_selection_rate/sex"] == pytest.approx(expected)


@pytest.mark.parametrize("named", [{"sex": "cell 9"}, {"race": "cell 0"}])
def test_unknown_reference_groups_are_refused(make, named):
    with pytest.raises(ConfigError, match="Unknown"):
        evaluate(make(n=5), replace(FEW, reference_group=named))


def test_json_keeps_every_bit(make, with_truth):
    predictions = make(n=40, classes=3)
    padded = with_truth(
        predictions, blocks=Blocks.of({"sex": [*predictions.blocks["sex"].cells, "nobody"]})
    )
    found = evaluate(padded, FEW)
    text = json.dumps(found.to_json(), allow_nan=False)  # standard JSON has no NaN
    again = Evaluation.from_json(json.loads(text))
    assert list(again.metrics) == list(found.metrics)
    np.testing.assert_array_equal(list(again.metrics.values()), list(found.metrics.values()))
    np.testing.assert_array_equal(list(again.intervals.values()), list(found.intervals.values()))
    assert list(again.intervals) == list(found.intervals)
    assert again.undefined == found.undefined != []
    assert again.undefined_draws == found.undefined_draws != {}
    pd.testing.assert_frame_equal(again.tables["sex"], found.tables["sex"], check_exact=True)
    assert json.dumps(again.to_json()) == text


@pytest.mark.parametrize("content", ["", [], {}, {"metrics": {"a": "many"}}])
def test_other_content_is_not_an_evaluation(content):
    with pytest.raises(DataError, match="not a stored evaluation"):
        Evaluation.from_json(content)


@pytest.mark.parametrize(
    "wrong",
    [
        {"threshold": 1.5},
        {"confidence": 1.0},
        {"draws": 0},
        {"seed": -1},
        {"calibration_bins": 0},
        {"latency_repeats": 2.5},
        {"reference_group": "Male"},
    ],
)
def test_settings_that_cannot_work_are_refused(wrong):
    with pytest.raises(ConfigError, match=f"evaluation.{next(iter(wrong))}="):
        EvaluationSettings(**wrong)


def test_the_configuration_file_builds_the_default_settings():
    path = Path(__file__).parents[2] / "conf" / "evaluation" / "default.yaml"
    config = OmegaConf.load(path)
    assert instantiate(config) == EvaluationSettings()
    config.reference_group = {"sex": "Male"}
    assert instantiate(config).reference_group == {"sex": "Male"}


@pytest.mark.slow
def test_sixteen_thousand_rows_take_about_a_second(make, with_truth):
    predictions = make(n=16_000, cells=2)
    both = with_truth(
        predictions,
        memberships={
            **predictions.memberships,
            "both": np.random.default_rng(0).integers(0, 10, 16_000),
        },
        blocks=Blocks.of({"sex": ["a", "b"], "both": [str(g) for g in range(10)]}),
    )
    evaluate(both, EvaluationSettings())
    start = time.process_time()
    evaluate(both, EvaluationSettings())
    assert time.process_time() - start < 2.5  # 0.5 s on an idle core
