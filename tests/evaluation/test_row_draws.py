import numpy as np
import pytest
from scipy.stats import chisquare

from fairkd.evaluation.row_draws import RowDraws, SharedDraws

TABLE = np.array([[30.0, 0.0], [50.0, 20.0]])


def _read(draws, tables):
    """The drawn tables without the observed ones, shape ``[K, D, ...]``."""
    whole = np.concatenate([portion.numpy() for portion in draws.of(tables)], axis=1)
    np.testing.assert_array_equal(whole[:, 0], tables)
    return whole[:, 1:]


@pytest.fixture(params=[2**26, 0], ids=["kept", "drawn for each table"], autouse=True)
def kept(request, monkeypatch):
    monkeypatch.setattr("fairkd.evaluation.row_draws._BYTES_KEPT", request.param)


def test_draws_keep_the_total_and_the_cells_moments():
    drawn = _read(RowDraws(100, 20_000, 0), TABLE[None])[0]
    assert drawn.shape == (20_000, 2, 2)
    assert (drawn.sum((1, 2)) == 100).all()
    assert (drawn[:, 0, 1] == 0).all()
    np.testing.assert_allclose(drawn.mean(0), TABLE, atol=0.2)
    np.testing.assert_allclose(drawn.var(0), TABLE * (1 - TABLE / 100), rtol=0.05)
    covariance = np.cov(drawn[:, 0, 0], drawn[:, 1, 0])[0, 1]
    assert covariance == pytest.approx(-30 * 50 / 100, rel=0.08)


def test_rows_that_a_table_leaves_out_are_drawn_too():
    drawn = _read(RowDraws(200, 20_000, 0), TABLE[None])[0]
    totals = drawn.sum((1, 2))
    assert totals.mean() == pytest.approx(100, abs=0.3)
    assert totals.var() == pytest.approx(50, rel=0.05)


def test_a_small_table_has_the_multinomial_distribution():
    drawn = _read(RowDraws(3, 30_000, 1), np.array([[1.0, 2.0]]))[0, :, 0]
    counts = np.bincount(drawn.astype(int), minlength=4)
    expected = 30_000 * np.array([8, 12, 6, 1]) / 27
    assert chisquare(counts, expected).pvalue > 0.001


def test_every_table_is_read_as_if_alone():
    tables = np.array([[1.0, 5.0, 4.0], [0.0, 0.0, 10.0], [3.0, 3.0, 3.0]])
    draws = RowDraws(10, 50, 3)
    together = _read(draws, tables)
    for table, drawn in zip(tables, together, strict=True):
        np.testing.assert_array_equal(_read(draws, table[None])[0], drawn)
    np.testing.assert_array_equal(_read(RowDraws(10, 50, 3), tables), together)
    assert not np.array_equal(_read(RowDraws(10, 50, 4), tables), together)


def test_splits_of_one_size_share_their_draws_and_few_are_kept():
    shared = SharedDraws()
    first = shared.of(5, 10, 0)
    assert shared.of(5, 10, 0) is first
    assert shared.of(6, 10, 0) is not first
    shared.of(7, 10, 0)
    assert shared.of(5, 10, 0) is not first
