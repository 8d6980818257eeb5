import numpy as np
import pytest

from fairkd.data.splits import split_rows
from fairkd.errors import ConfigError, DataError

LABELS = np.array([0] * 80 + [1] * 20)
CLASSES = ("no", "yes")


def split(
    labels: np.ndarray = LABELS,
    *,
    seed: int = 0,
    validation_fraction: float = 0.25,
    test_fraction: float | None = 0.2,
    official_test: np.ndarray | None = None,
    certify_fraction: float | None = None,
) -> dict[str, np.ndarray]:
    return split_rows(
        labels,
        CLASSES,
        seed=seed,
        validation_fraction=validation_fraction,
        test_fraction=test_fraction,
        official_test=official_test,
        certify_fraction=certify_fraction,
    )


def test_every_row_is_in_one_split_and_every_split_is_stratified() -> None:
    parts = split()
    assert list(parts) == ["train", "validation", "test"]
    assert sorted(np.concatenate(list(parts.values()))) == list(range(100))
    counts = {name: np.bincount(LABELS[rows]).tolist() for name, rows in parts.items()}
    assert counts == {"train": [48, 12], "validation": [16, 4], "test": [16, 4]}


def test_rows_that_certify_neither_train_nor_select() -> None:
    plain, parts = split(), split(certify_fraction=0.5)
    assert list(parts) == ["train", "validation", "test", "certify"]
    assert sorted(np.concatenate(list(parts.values()))) == list(range(100))
    np.testing.assert_array_equal(parts["test"], plain["test"])
    # All fractions are of the 80 rows that are not test rows.
    assert {name: len(rows) for name, rows in parts.items()} == {
        "train": 20, "validation": 20, "test": 20, "certify": 40,
    }  # fmt: skip
    assert np.bincount(LABELS[parts["certify"]]).tolist() == [32, 8]


def test_too_few_rows_left_to_train_on() -> None:
    with pytest.raises(ConfigError, match=r"data\.certify_fraction=0\.7 leave too few rows"):
        split(certify_fraction=0.7)
    with pytest.raises(ConfigError, match=r"data\.certify_fraction=0 is out of range"):
        split(certify_fraction=0)


def test_the_seed_alone_decides() -> None:
    np.random.seed(1)
    before = np.random.get_state()[1].copy()
    first = split(seed=3)
    np.testing.assert_array_equal(np.random.get_state()[1], before)
    np.random.seed(2)
    second = split(seed=3)
    for name, rows in first.items():
        np.testing.assert_array_equal(rows, second[name])
        assert not np.array_equal(rows, split(seed=4)[name])


def test_an_official_test_part_is_kept_whole() -> None:
    official = np.arange(100) % 5 == 0
    for seed in (0, 1):
        parts = split(seed=seed, test_fraction=None, official_test=official)
        np.testing.assert_array_equal(parts["test"], np.flatnonzero(official))
        assert len(parts["validation"]) == 20
        assert not official[parts["validation"]].any()
        assert not official[parts["train"]].any()


def test_a_fraction_beside_an_official_test_part_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"data\.test_fraction=0\.2 cannot be used"):
        split(official_test=np.arange(100) < 10)


@pytest.mark.parametrize(
    ("knobs", "key"),
    [
        ({"validation_fraction": 0}, "data.validation_fraction=0"),
        ({"validation_fraction": 1.0}, "data.validation_fraction=1.0"),
        ({"test_fraction": None}, "data.test_fraction=null"),
        ({"test_fraction": -0.1}, "data.test_fraction=-0.1"),
        ({"seed": -1}, "data.seed=-1"),
        ({"seed": None}, "data.seed=null"),
    ],
)
def test_values_that_cannot_work(knobs: dict[str, object], key: str) -> None:
    with pytest.raises(ConfigError, match=key):
        split(**knobs)  # type: ignore[arg-type]  # wrong on purpose


@pytest.mark.parametrize(
    ("rare", "left"), [(0, "0 of the 50"), (1, "1 of the 51"), (2, "1 of the 26")]
)
def test_a_class_with_too_few_rows_is_named(rare: int, left: str) -> None:
    with pytest.raises(DataError, match=f"The class 'yes' has {left} rows to be split"):
        split(np.array([0] * 50 + [1] * rare), test_fraction=0.5)


def test_three_rows_of_a_class_are_enough_where_the_fractions_allow_it() -> None:
    labels = np.array([0, 0, 0, 1, 1, 1])
    parts = split(labels, validation_fraction=0.5, test_fraction=0.33)
    assert all(set(labels[rows]) == {0, 1} for rows in parts.values())
