import logging

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from fairkd.data.blocks import Blocks
from fairkd.data.imperfect import Imperfect
from fairkd.data.imperfect_groups import imperfect_groups
from fairkd.errors import ConfigError, DataError

N = 1_000
BLOCKS = Blocks.of({"sex": ["f", "m"], "race": ["a", "b", "c"]})


@pytest.fixture
def rows() -> tuple[np.ndarray, np.ndarray]:
    """Memberships, and features that tell something of them."""
    random = np.random.default_rng(0)
    sex, race = random.integers(2, size=N), random.integers(3, size=N)
    memberships = np.hstack([np.eye(2)[sex], np.eye(3)[race]]).astype(np.float32)
    x = memberships[:, [0, 2]] + random.normal(size=(N, 2))
    return memberships, x.astype(np.float32)


def told(rows: tuple[np.ndarray, np.ndarray], seed: int = 0, **flaws: object) -> np.ndarray:
    memberships, x = rows
    imperfect = Imperfect.of(flaws)
    return imperfect_groups(memberships, BLOCKS, imperfect, np.random.default_rng(seed), x)


def test_all_blocks_of_a_row_are_known_together(rows) -> None:
    found = told(rows, known_groups=0.1)
    known = found.any(axis=1)
    assert known.sum() == 0.1 * N
    assert (found[known] == rows[0][known]).all()
    assert (found[~known] == 0).all()
    more = told(rows, known_groups=0.3).any(axis=1)
    assert more.sum() == 0.3 * N
    assert more[known].all()


def test_nothing_changes_without_flaws_of_groups(rows) -> None:
    assert (told(rows, flipped_labels=0.4) == rows[0]).all()


def test_cells_are_flipped_block_by_block(rows) -> None:
    found = told(rows, known_groups=0.5, flipped_groups=0.2)
    known = found.any(axis=1)
    for block in BLOCKS:
        given, true = found[:, block.columns], rows[0][:, block.columns]
        assert (given[known].sum(axis=1) == 1).all()
        assert (given[known] != true[known]).any(axis=1).sum() == 0.2 * 0.5 * N
    wrong = [(found[:, b.columns] != rows[0][:, b.columns]).any(axis=1) & known for b in BLOCKS]
    assert not (wrong[0] == wrong[1]).all()


def test_known_rows_are_corrected_and_others_stay_zero(rows) -> None:
    flaws = {"known_groups": 0.5, "flipped_groups": 0.2}
    recorded, found = told(rows, **flaws), told(rows, **flaws, group_flip_rate=0.2)
    known = recorded.any(axis=1)
    assert (found[~known] == 0).all()
    for block, inverse in (("sex", [4 / 3, -1 / 3]), ("race", [9 / 7, -1 / 7])):
        columns = BLOCKS[block].columns
        expected = np.where(recorded[known][:, columns] == 1, *inverse)
        np.testing.assert_allclose(found[known][:, columns], expected, rtol=1e-5)


def test_a_cell_that_a_source_lacks_stays_unknown(rows) -> None:
    rows[0][:10, :2] = 0
    found = told(rows, flipped_groups=0.5, group_flip_rate=0.3)
    assert (found[:10, :2] == 0).all()
    assert found[:, 2:].any(axis=1).all()


def test_a_proxy_gives_the_others_its_probabilities(rows) -> None:
    memberships, x = rows
    found = told(rows, known_groups=0.4, proxy="logistic_regression")
    known = told(rows, known_groups=0.4).any(axis=1)
    assert (found[known] == memberships[known]).all()
    for block in BLOCKS:
        cells = memberships[:, block.columns].argmax(axis=1)
        model = LogisticRegression().fit(x[known].astype(float), cells[known])
        expected = model.predict_proba(x[~known].astype(float))
        np.testing.assert_allclose(found[~known][:, block.columns], expected, atol=1e-3)
        right = found[~known][np.arange((~known).sum()), block.start + cells[~known]]
        assert right.mean() > 1 / len(block.cells) + 0.05  # it learned something
    again = told(rows, known_groups=0.4, proxy="logistic_regression")
    assert (again == found).all()


def test_a_proxy_guesses_what_the_source_lacks(rows) -> None:
    rows[0][:10, :2] = 0
    found = told(rows, proxy="logistic_regression")
    np.testing.assert_allclose(found[:10, :2].sum(axis=1), 1, rtol=1e-5)
    assert (found[:10, :2] > 0).all()
    assert (found[10:] == rows[0][10:]).all()


def test_a_cell_that_nobody_is_known_to_be_in(rows, caplog) -> None:
    memberships = rows[0]
    known = told(rows, known_groups=0.1).any(axis=1)
    memberships[known, 4], memberships[known, 3] = 0, memberships[known, 3] + memberships[known, 4]
    with caplog.at_level(logging.WARNING):
        found = told(rows, known_groups=0.1, proxy="logistic_regression")
    assert caplog.messages == [
        "No training row is known to be c of race (data.imperfect.known_groups=0.1): constraints "
        "do not see that cell, and a proxy gives it probability 0."
    ]
    assert (found[:, 4] == 0).all()
    np.testing.assert_allclose(found[:, 2:].sum(axis=1), 1, rtol=1e-5)


def test_too_few_known_rows(rows) -> None:
    with pytest.raises(DataError) as refused:
        told(rows, known_groups=0.001)
    sentence = str(refused.value)
    assert sentence.startswith(
        "data.imperfect.known_groups=0.001 leaves 1 training rows of known sex, all of them "
    )
    assert sentence.endswith(", so there is nothing to compare; give a larger share.")
    with pytest.raises(DataError, match="leaves 0 training rows of known sex, so there"):
        told(rows, known_groups=0.0001)


def test_a_proxy_without_a_task(rows) -> None:
    with pytest.raises(DataError) as refused:
        told(rows, proxy="logistic_regression")
    assert str(refused.value) == (
        "data.imperfect.proxy=logistic_regression has nothing to guess, as every training row's "
        "groups are known; give a data.imperfect.known_groups below 1, or set the proxy to null."
    )


def test_the_smallest_block_bounds_the_rate(rows) -> None:
    assert (told(rows, group_flip_rate=0.45).min(axis=1) < 0).all()
    with pytest.raises(ConfigError, match="of 2 cells of sex a record says something"):
        told(rows, group_flip_rate=0.5)
