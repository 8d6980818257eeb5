"""A bounded disparity, of rows and of their counts."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from fairkd.data.batch import Batch
from fairkd.evaluation.bound import Bound
from fairkd.evaluation.decided import block_counts
from fairkd.evaluation.evaluate import evaluate
from fairkd.evaluation.held import held
from fairkd.evaluation.settings import EvaluationSettings
from fairkd.fairness.names import DISPARITIES, STATISTICS

SETTINGS = EvaluationSettings(draws=200)


def rows_of(predictions) -> Batch:
    """The same rows as a batch."""
    cell = torch.from_numpy(predictions.memberships["sex"])
    n_cells = len(predictions.blocks.named("sex").cells)
    group = F.one_hot(cell.clamp_min(0), n_cells).float() * (cell >= 0).unsqueeze(-1)
    n = len(predictions.y)
    return Batch(
        x=torch.zeros(n, 1),
        y=torch.from_numpy(predictions.y),
        group=group,
        index=torch.arange(n),
        weight=torch.ones(n),
    )


@pytest.mark.parametrize("statistic", [name for name in STATISTICS if name != "loss"])
@pytest.mark.parametrize("disparity", DISPARITIES)
@pytest.mark.parametrize("classes", [2, 3])
def test_counts_say_the_same_as_rows(make, statistic: str, disparity: str, classes: int) -> None:
    predictions = make(n=60, classes=classes)
    block = predictions.blocks.named("sex")
    bound = Bound(statistic, disparity, block, 0.1, reference=1)
    decided = predictions.predicted(0.5)
    one_hot = F.one_hot(torch.from_numpy(decided), classes)
    counts = block_counts(predictions.truth, block, decided)
    tables = torch.stack([counts, torch.zeros_like(counts), counts])[:, None]
    found = bound.of_counts(tables)
    assert found.shape == (3, 1)
    expected = bound.value(one_hot, rows_of(predictions))
    np.testing.assert_allclose(found[[0, 2], 0], expected, rtol=1e-12)
    assert found[1].isnan().all()


def test_the_interval_is_that_of_the_record_where_it_has_one(make) -> None:
    """The same draws, through the record's own rates: two ways to one number."""
    predictions = make()
    block = predictions.blocks.named("sex")
    recorded = evaluate(predictions, SETTINGS).intervals["demographic_parity_ratio/sex"]
    bound = Bound("selection_rate", "smallest_ratio", block, 0.1)
    rows = {"test": {"student": predictions}}
    found = held(bound, rows, {"test": rows_of(predictions)}, SETTINGS)
    low, high = found.intervals["student"]
    assert (1 - high, 1 - low) == pytest.approx(recorded)
    assert low < found.values["test"]["student"] < high


@pytest.mark.parametrize(
    ("statistic", "disparity"), [("loss", "smallest_ratio"), ("accuracy", "largest_difference")]
)
def test_no_second_interval_and_none_of_losses(make, statistic: str, disparity: str) -> None:
    predictions = make()
    bound = Bound(statistic, disparity, predictions.blocks.named("sex"), 0.1)
    rows = {"test": {"student": predictions}}
    found = held(bound, rows, {"test": rows_of(predictions)}, SETTINGS)
    assert found.intervals == {}
    assert 0 < found.values["test"]["student"] < 1
