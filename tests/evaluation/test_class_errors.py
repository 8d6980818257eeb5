import pytest
import torch

from fairkd.evaluation.class_errors import class_error_change


def test_known_values_for_three_classes():
    # reference: every class 10 rows, 2 wrong, one to each other class: FNR 0.2, FPR 2/20
    reference = torch.tensor([[8.0, 1, 1], [1, 8, 1], [1, 1, 8]]).double()
    # class 0 now goes to class 1 four times
    changed = torch.tensor([[5.0, 4, 1], [1, 8, 1], [1, 1, 8]]).double()
    # FNR changes: +150%, 0, 0. FPR changes: 0; class 1 from 2/20 to 5/20: +150%; 0.
    moves = [(0.0, 150.0), (150.0, 0.0), (0.0, 0.0)]
    mean = (50.0, 50.0)
    cev = sum((a - mean[0]) ** 2 + (b - mean[1]) ** 2 for a, b in moves) / 3
    sde = sum(abs(b - a) for a, b in moves) / 3 / 2**0.5
    found = class_error_change(changed, reference)
    assert float(found.combined_error_variance) == pytest.approx(cev, rel=1e-12)
    assert float(found.symmetric_distance_error) == pytest.approx(sde, rel=1e-12)


def test_two_classes_are_one_number_in_two_forms():
    counts = torch.randint(1, 50, (2, 6, 2, 2), generator=torch.Generator().manual_seed(0)).double()
    found = class_error_change(*counts)
    torch.testing.assert_close(
        found.combined_error_variance, found.symmetric_distance_error**2, rtol=1e-10, atol=1e-10
    )


def test_zero_and_undefined_rates_are_nan():
    perfect = torch.tensor([[5.0, 0], [0, 5]]).double()
    other = torch.tensor([[4.0, 1], [2, 3]]).double()
    absent = torch.tensor([[4.0, 1], [0, 0]]).double()
    assert class_error_change(other, perfect).combined_error_variance.isnan()
    assert class_error_change(absent, absent).symmetric_distance_error.isnan()
    # every rate falls by 100%: all classes move alike
    assert class_error_change(perfect, other).combined_error_variance == 0
    assert class_error_change(other, other).combined_error_variance == 0
