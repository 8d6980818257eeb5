import numpy as np
import pytest

from fairkd.data.flips import corrected, flipped
from fairkd.errors import ConfigError

N = 20_000


def cells(n_cells: int, n: int = N) -> np.ndarray:
    return np.random.default_rng(7).integers(n_cells, size=n)


def flip_matrix(n_cells: int, rate: float) -> np.ndarray:
    matrix = np.full((n_cells, n_cells), rate / (n_cells - 1))
    np.fill_diagonal(matrix, 1 - rate)
    return matrix


def one_hot(recorded: np.ndarray, n_cells: int) -> np.ndarray:
    return np.eye(n_cells, dtype=np.float32)[recorded]


@pytest.mark.parametrize("n_cells", [2, 3, 5])
def test_the_share_is_flipped_to_every_other_cell_alike(n_cells: int) -> None:
    true = cells(n_cells)
    found = flipped(true, n_cells, 0.2, np.random.default_rng(0))
    assert (found != true).sum() == 0.2 * N
    further = (found - true)[found != true] % n_cells
    counts = np.bincount(further, minlength=n_cells)
    assert counts[0] == 0
    np.testing.assert_allclose(counts[1:], 0.2 * N / (n_cells - 1), rtol=0.1)


def test_unknown_cells_stay_unknown_and_are_not_counted() -> None:
    true = cells(3)
    true[::2] = -1
    found = flipped(true, 3, 0.5, np.random.default_rng(0))
    assert (found[::2] == -1).all()
    assert (found != true).sum() == 0.5 * (N // 2)
    assert (flipped(true, 3, 1.0, np.random.default_rng(0))[1::2] != true[1::2]).all()


def test_a_larger_share_flips_the_same_and_more() -> None:
    true = cells(4)
    few, many = (flipped(true, 4, share, np.random.default_rng(3)) for share in (0.1, 0.4))
    wrong = few != true
    assert (many[wrong] == few[wrong]).all()
    assert (flipped(true, 4, 0.0, np.random.default_rng(3)) == true).all()


@pytest.mark.parametrize(("n_cells", "rate"), [(2, 0.1), (2, 0.49), (3, 0.3), (5, 0.79)])
def test_the_correction_is_the_inverse_of_the_flip_matrix(n_cells: int, rate: float) -> None:
    inverse = np.linalg.inv(flip_matrix(n_cells, rate))
    rows = np.eye(n_cells, dtype=np.float32)
    found = corrected(rows, rate, "rate", "cells")
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, rows @ inverse, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-4)


@pytest.mark.parametrize(("n_cells", "rate"), [(2, 0.5), (2, 0.6), (4, 0.75)])
def test_a_rate_at_which_the_record_says_nothing(n_cells: int, rate: float) -> None:
    rows = np.eye(n_cells, dtype=np.float32)
    with pytest.raises(ConfigError) as refused:
        corrected(rows, rate, "data.imperfect.group_flip_rate", "cells of sex")
    assert str(refused.value) == (
        f"data.imperfect.group_flip_rate={rate:g} leaves nothing to correct: of {n_cells} cells of "
        f"sex a record says something at a rate below {1 - 1 / n_cells:g}; give a smaller one."
    )


def test_sums_over_corrected_rows_are_those_of_the_true_cells() -> None:
    """Over 400 records of the same people: the mean of the corrected sums, within its error."""
    n, n_cells, rate = 300, 3, 0.3
    true = cells(n_cells, n)
    value = true + np.random.default_rng(1).normal(size=n)
    expected = value @ one_hot(true, n_cells)
    plain, repaired = [], []
    for seed in range(400):
        recorded = one_hot(flipped(true, n_cells, rate, np.random.default_rng(seed)), n_cells)
        plain.append(value @ recorded)
        repaired.append(value @ corrected(recorded, rate, "rate", "cells"))
    error = np.std(repaired, axis=0) / np.sqrt(400)
    assert (abs(np.mean(repaired, axis=0) - expected) < 4 * error).all()
    assert (abs(np.mean(plain, axis=0) - expected) > 4 * error).any()
