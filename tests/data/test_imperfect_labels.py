import numpy as np
import pytest

from fairkd.data.imperfect import Imperfect
from fairkd.data.imperfect_labels import imperfect_labels
from fairkd.errors import ConfigError

Y = np.random.default_rng(0).integers(3, size=1_000)


def told(**flaws: float) -> np.ndarray:
    return imperfect_labels(Y, 3, Imperfect.of(flaws), np.random.default_rng(1))


def test_labels_stay_indices_unless_they_are_softened() -> None:
    assert (told(flipped_groups=0.3) == Y).all()
    flipped = told(flipped_labels=0.3)
    assert flipped.dtype == np.int64
    assert (flipped != Y).sum() == 300


def test_smoothed_labels() -> None:
    found = told(label_smoothing=0.3)
    assert (found.dtype, found.shape) == (np.float32, (1_000, 3))
    np.testing.assert_allclose(found[np.arange(1_000), Y], 0.8, rtol=1e-6)
    np.testing.assert_allclose(np.sort(found, axis=1)[:, :2], 0.1, rtol=1e-6)


def test_corrected_labels_are_of_the_recorded_ones() -> None:
    recorded, found = told(flipped_labels=0.3), told(flipped_labels=0.3, label_flip_rate=0.3)
    np.testing.assert_allclose(found[np.arange(1_000), recorded], 0.85 / 0.55, rtol=1e-5)
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)
    assert (found.argmax(axis=1) == recorded).all()


def test_a_corrected_cross_entropy_is_the_clean_one_on_average() -> None:
    random = np.random.default_rng(2)
    log_p = np.log(random.dirichlet(np.ones(3), size=len(Y)))
    clean = -log_p[np.arange(len(Y)), Y].mean()
    plain, repaired = [], []
    for seed in range(200):
        flaws = {"flipped_labels": 0.3}
        recorded = imperfect_labels(Y, 3, Imperfect(**flaws), np.random.default_rng(seed))
        soft = imperfect_labels(
            Y, 3, Imperfect(**flaws, label_flip_rate=0.3), np.random.default_rng(seed)
        )
        plain.append(-log_p[np.arange(len(Y)), recorded].mean())
        repaired.append(-(soft * log_p).sum(axis=1).mean())
    error = np.std(repaired) / np.sqrt(200)
    assert abs(np.mean(repaired) - clean) < 4 * error
    assert abs(np.mean(plain) - clean) > 4 * error


def test_a_rate_at_which_labels_say_nothing() -> None:
    with pytest.raises(ConfigError, match=r"label_flip_rate=0.7 leaves nothing .* of 3 classes"):
        told(label_flip_rate=0.7)
