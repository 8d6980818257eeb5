from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import binomtest

from fairkd.data.dataset import Dataset
from fairkd.reporting.dataset.facts import truths_of
from fairkd.reporting.dataset.groups import Groups, half_width

Build = Callable[..., Dataset]


def test_rows_and_base_rates(dataset: Build) -> None:
    data = dataset()
    groups = Groups.of(truths_of(data), "sex")
    table = groups.table()
    assert list(table.index) == ["f", "m"]
    assert table["rows"].tolist() == [100, 296]
    assert table["share"].tolist() == [100 / 396, 296 / 396]
    assert table["base_rate"].tolist() == [0.2, 0.5]
    splits = table[["train", "validation", "test"]].sum(axis=1)
    assert splits.tolist() == [100, 296]
    assert groups.unknown == 4


def test_the_intervals_are_exact(dataset: Build) -> None:
    table = Groups.of(truths_of(dataset()), "sex").table()
    for cell, hits, rows in (("f", 20, 100), ("m", 148, 296)):
        exact = binomtest(hits, rows).proportion_ci(0.95, method="exact")
        found = table.loc[cell, ["base_rate_low", "base_rate_high"]].tolist()
        np.testing.assert_allclose(found, [exact.low, exact.high], rtol=1e-9)


def test_the_gap_and_its_bound(dataset: Build) -> None:
    value, upper = Groups.of(truths_of(dataset()), "sex").gap()
    assert value == pytest.approx(0.3)
    error = np.sqrt(0.2 * 0.8 / 100 + 0.5 * 0.5 / 296)  # two independent shares, nearly normal
    assert upper == pytest.approx(0.3 + 1.645 * error, abs=0.01)


def test_three_classes_have_a_rate_each(dataset: Build) -> None:
    groups = Groups.of(truths_of(dataset(("later", "no", "yes"))), "sex")
    table = groups.table()
    rates = table[["base_rate[later]", "base_rate[no]", "base_rate[yes]"]]
    np.testing.assert_allclose(rates.sum(axis=1), 1.0)
    assert groups.gap()[0] == pytest.approx((rates.max() - rates.min()).max())


def test_small_cells_are_those_of_the_test_rows() -> None:
    counts = np.array([[40, 3], [50, 60], [0, 0]])
    groups = Groups("sex", ("f", "m"), ("no", "yes"), {"train": counts + 99, "test": counts})
    assert groups.small() == [("f", "yes", 3)]


def test_a_group_without_rows_has_no_rate() -> None:
    counts = np.array([[0, 0], [5, 5], [1, 1]])
    groups = Groups("sex", ("f", "m"), ("no", "yes"), {"test": counts})
    table = groups.table()
    assert np.isnan(
        table.loc["f", ["base_rate", "base_rate_low", "base_rate_high"]].astype(float)
    ).all()
    assert np.isnan(groups.gap()).all()


def test_how_far_a_rate_is_known() -> None:
    exact = binomtest(8, 16).proportion_ci(0.95, method="exact")
    assert half_width(16) == pytest.approx((exact.high - exact.low) / 2)
    assert half_width(0) == 1.0
