import json

import numpy as np
import pandas as pd
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import auc, roc_auc_score, roc_curve

from fairkd.data.blocks import Blocks
from fairkd.errors import ConfigError
from fairkd.evaluation.predictions import Predictions
from fairkd.evaluation.scores import BINS, DECIDED, Scores
from fairkd.evaluation.truth import Truth

EDGES = np.arange(BINS) / BINS


def _predictions(scores, y, group):
    truth = Truth(
        np.asarray(y), {"sex": np.asarray(group)}, Blocks.of({"sex": ["f", "m"]}), ("no", "yes")
    )
    scores = np.asarray(scores, dtype=np.float64)
    return Predictions(np.stack([1 - scores, scores], axis=1), truth)


@pytest.fixture
def on_edges():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 600)
    places = (rng.integers(0, 35, 600) + 15 * y).clip(1, BINS - 2)
    return _predictions(EDGES[places], y, rng.integers(-1, 2, 600))


@pytest.mark.parametrize("cell", [None, "f", "m"])
def test_the_roc_of_scores_on_edges_is_scikit_learns(on_edges, cell):
    inside = slice(None) if cell is None else on_edges.memberships["sex"] == "fm".index(cell)
    y, score = on_edges.y[inside], on_edges.probabilities[inside, 1]
    expected = roc_curve(y, score, drop_intermediate=False)[:2]
    found = Scores.of(on_edges).roc("sex", cell, "yes").drop_duplicates()
    assert found["false_positive_rate"].to_numpy() == pytest.approx(expected[0])
    assert found["true_positive_rate"].to_numpy() == pytest.approx(expected[1])


@pytest.mark.parametrize("cell", [None, "f", "m"])
def test_the_calibration_of_scores_on_edges_is_scikit_learns(on_edges, cell):
    inside = slice(None) if cell is None else on_edges.memberships["sex"] == "fm".index(cell)
    y, score = on_edges.y[inside], on_edges.probabilities[inside, 1]
    share, mean = calibration_curve(y, score, n_bins=BINS)  # closed on the right: one value a bin
    found = Scores.of(on_edges).calibration("sex", cell, "yes")
    assert found["share"].to_numpy() == pytest.approx(share)
    assert found["score"].to_numpy() == pytest.approx(mean, abs=1e-6)
    assert found["count"].sum() == len(y)


@pytest.mark.parametrize("n", [40, 4000])
def test_the_binned_area_is_off_by_no_more_than_pairs_within_a_bin(make, n):
    given = make(n=n)
    scores = Scores.of(given)
    curve = scores.roc("sex", None, "class 1")
    found = auc(curve["false_positive_rate"], curve["true_positive_rate"])
    exact = roc_auc_score(given.y, given.probabilities[:, 1])
    negatives, positives = scores.overall.counts[0, 0]
    most = 0.5 * (positives * negatives).sum() / (positives.sum() * negatives.sum())
    assert 0 < abs(found - exact) <= most < 0.02


def test_edges_zero_and_one_have_their_bins():
    given = _predictions([0.0, 0.02, 0.5, 0.98, 1.0], [0, 0, 1, 1, 1], [0, 0, 0, 0, 0])
    table = Scores.of(given).table("sex")
    assert table["from"].tolist() == [0.0, 0.02, 0.5, 0.98]
    assert table["label_0"].tolist() == [1, 1, 0, 0]
    assert table["label_1"].tolist() == [0, 0, 1, 2]
    assert table["mean_score"].tolist() == pytest.approx([0.0, 0.02, 0.5, 0.99])
    assert set(table["group"]) == {"f"}


def test_densities_of_a_label_sum_to_one_and_of_no_rows_are_undefined():
    given = _predictions([0.1, 0.1, 0.9, 0.31], [0, 0, 0, 1], [0, 0, 0, 1])
    density = Scores.of(given).density("sex", "f", "yes")
    negative, positive = density[density["label"] == 0], density[density["label"] == 1]
    assert negative["share"].sum() == pytest.approx(1)
    filled = negative[negative["share"] > 0]
    assert filled["score"].tolist() == pytest.approx([0.11, 0.91])
    assert filled["share"].tolist() == pytest.approx([2 / 3, 1 / 3])
    assert positive["share"].isna().all()
    assert Scores.of(given).roc("sex", "f", "yes")["true_positive_rate"].isna().all()


def test_rows_of_missing_groups_count_over_all_rows_alone():
    given = _predictions([0.1, 0.2, 0.3], [0, 1, 1], [-1, 0, 1])
    scores = Scores.of(given)
    counts = [scores.calibration("sex", cell, "yes")["count"].sum() for cell in (None, "f", "m")]
    assert counts == [3, 1, 1]


def test_each_of_several_classes_stands_against_the_rest(make):
    given = make(n=500, classes=4)
    scores = Scores.of(given)
    assert scores.classes == given.classes
    curve = scores.roc("sex", None, "class 2")
    found = auc(curve["false_positive_rate"], curve["true_positive_rate"])
    assert found == pytest.approx(roc_auc_score(given.y == 2, given.probabilities[:, 2]), abs=0.01)


def test_of_many_classes_only_the_decided_one_is_kept(make):
    given = make(n=500, classes=11)
    scores = Scores.of(given)
    assert scores.classes == (DECIDED,)
    right = given.probabilities.argmax(1) == given.y
    found = scores.calibration("sex", None, DECIDED)
    assert (found["share"] * found["count"]).sum() == pytest.approx(right.sum())
    mean = (found["score"] * found["count"]).sum() / 500
    assert mean == pytest.approx(given.probabilities.max(1).mean(), abs=1e-6)


def test_a_record_keeps_every_bit(make):
    scores = Scores.of(make(n=300, classes=3))
    found = Scores.from_json(json.loads(json.dumps(scores.to_json(), allow_nan=False)))
    assert (found.classes, found.cells) == (scores.classes, scores.cells)
    for one, other in [
        (found.overall, scores.overall),
        (found.blocks["sex"], scores.blocks["sex"]),
    ]:
        assert np.array_equal(one.counts, other.counts)
        assert one.sums.tobytes() == other.sums.tobytes()
    pd.testing.assert_frame_equal(found.table("sex"), scores.table("sex"))


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (("race", None, "yes"), "Unknown group block 'race'. Accepted: sex."),
        (("sex", "x", "yes"), "Unknown cell of block 'sex' 'x'. Accepted: f, m."),
        (("sex", "f", "no"), "Unknown class of these scores 'no'. Accepted: yes."),
    ],
)
def test_unknown_names_are_refused(on_edges, asked, sentence):
    with pytest.raises(ConfigError) as refused:
        Scores.of(on_edges).roc(*asked)
    assert str(refused.value) == sentence
