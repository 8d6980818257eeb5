import numpy as np
import pytest
import torch

from fairkd.errors import ConfigError
from fairkd.models.given.outputs import logits_of


def test_the_softmax_of_logits_made_of_probabilities_is_those_probabilities():
    shares = np.random.default_rng(0).dirichlet([1.0, 2.0, 3.0], size=50)
    found = logits_of(shares, "probabilities", 3, "it")
    assert found.dtype == torch.float32
    np.testing.assert_allclose(found.softmax(-1), shares, rtol=1e-5)


def test_one_column_is_the_positive_class_of_two():
    found = logits_of(np.array([[0.25], [0.9]]), "probabilities", 2, "it")
    np.testing.assert_allclose(found.softmax(-1), [[0.75, 0.25], [0.1, 0.9]], rtol=1e-5)
    logits = logits_of(np.array([[-1.5], [2.0]]), "logits", 2, "it")
    assert logits.tolist() == [[0.0, -1.5], [0.0, 2.0]]


def test_no_and_full_certainty_stay_finite_at_one_in_a_million():
    found = logits_of(np.array([[0.0, 1.0]]), "probabilities", 2, "it")
    np.testing.assert_allclose(found, [[np.log(1e-6), 0.0]], rtol=1e-6)


def test_logits_are_taken_as_they_are():
    given = np.array([[3.0, -700.0, 1e6]])
    assert torch.equal(logits_of(given, "logits", 3, "it"), torch.tensor([[3.0, -700.0, 1e6]]))


def test_sums_within_a_thousandth_are_made_one():
    found = logits_of(np.array([[0.5, 0.5009]]), "probabilities", 2, "it")
    np.testing.assert_allclose(found.exp().sum(), 1.0, rtol=1e-6)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ([[0.2, 0.3, 0.5]], "it has 3 columns; accepted: 2, one for each class, or one for"),
        (
            [[0.5, 0.5], [np.nan, 0.5], [np.nan, 0.1]],
            r"it has no finite number in 2 of 3 rows, the first of them row 2 \(nan, 0.5\)",
        ),
        ([[0.5, np.inf]], "it has no finite number in 1 of 1 rows"),
        ([[2.0, -1.0]], r"outside of 0 to 1 in 1 of 1 rows.*Logits: set holds=logits\."),
        ([[0.5, 0.4]], "probabilities that do not sum to 1 in 1 of 1 rows"),
    ],
)
def test_what_is_no_output_is_refused_with_its_row(values, sentence):
    with pytest.raises(ConfigError, match=sentence):
        logits_of(np.array(values), "probabilities", 2, "it")
