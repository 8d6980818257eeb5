import numpy as np
import pytest
import torch
from torchmetrics.functional.classification import (
    binary_calibration_error,
    multiclass_calibration_error,
)

from fairkd.evaluation.calibration import (
    GroupCalibration,
    bins_of,
    calibration_cells,
    cells_by_outcome,
    claims,
    error_of_outcomes,
    expected_calibration_error,
)


def _tensors(predictions):
    p, y = torch.from_numpy(predictions.probabilities), torch.from_numpy(predictions.y)
    cell = torch.from_numpy(predictions.memberships["sex"])
    return p, y, (cell[:, None] == torch.arange(3)).double()


@pytest.mark.parametrize(("classes", "bins"), [(2, 15), (2, 10), (5, 15)])
def test_each_groups_error_equals_torchmetrics(make, classes, bins):
    p, y, memberships = _tensors(make(classes=classes))
    found = expected_calibration_error(calibration_cells(p, y, memberships, bins))
    for g in range(3):
        rows = memberships[:, g] == 1
        expected = (
            binary_calibration_error(p[rows, 1], y[rows], n_bins=bins)
            if classes == 2
            else multiclass_calibration_error(p[rows], y[rows], classes, n_bins=bins)
        )
        assert float(found[g]) == pytest.approx(float(expected), rel=1e-5)  # theirs is float32


def test_known_cells_at_bin_edges():
    p = torch.tensor([0.0, 0.25, 0.5, 1.0]).double()
    assert bins_of(p, 4).tolist() == [0, 1, 2, 3]
    probabilities = torch.stack([1 - p, p], -1)
    cells = calibration_cells(probabilities, torch.tensor([0, 1, 1, 1]), torch.ones(4, 1), 4)
    expected = torch.tensor([[[1, 0, 0], [1, 0.25, 1], [1, 0.5, 1], [1, 1, 1]]]).double()
    assert torch.equal(cells, expected)
    assert expected_calibration_error(cells)[0] == (0.75 + 0.5) / 4


def test_splitting_by_outcome_keeps_the_error(make):
    p, y, memberships = _tensors(make(classes=3))
    cells = expected_calibration_error(calibration_cells(p, y, memberships, 15))
    group = torch.where(memberships.any(1), memberships.argmax(1), 3).numpy()
    torch.testing.assert_close(
        error_of_outcomes(*cells_by_outcome(claims(p.numpy(), y.numpy(), 15), group, 3)),
        cells,
        rtol=1e-12,
        atol=0,
    )


def test_a_group_without_rows_is_nan_and_batches_add_up(make):
    p, y, memberships = _tensors(make(classes=2))
    memberships = torch.cat([memberships, torch.zeros(len(y), 1)], 1)
    metric = GroupCalibration(n_groups=4, n_bins=15)
    for rows in np.array_split(np.argsort(memberships.argmax(1).numpy()), 7):
        metric.update(p[rows], y[rows], memberships[rows])
    whole = calibration_cells(p, y, memberships, 15)
    torch.testing.assert_close(metric.compute(), whole, rtol=1e-12, atol=1e-12)
    errors = expected_calibration_error(metric.compute())
    assert errors.isnan().tolist() == [False, False, False, True]
