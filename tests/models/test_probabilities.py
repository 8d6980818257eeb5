"""Probabilities against SciPy and torch's own cross-entropy, for one model and for a stack."""

import pytest
import scipy.special
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.func import vmap

from fairkd.models.probabilities import cross_entropy, log_probabilities, probabilities
from fairkd.training.randomness import threads

N_CLASSES = (2, 3, 7)


def logits_of(n_classes: int, rows: int = 37) -> Tensor:
    generator = torch.Generator().manual_seed(n_classes)
    return 5 * torch.randn(rows, n_classes, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("n_classes", N_CLASSES)
def test_softmax_and_its_logarithm_are_scipys(n_classes: int) -> None:
    logits = logits_of(n_classes)
    expected = scipy.special.softmax(logits.numpy(), axis=-1)
    assert probabilities(logits).numpy() == pytest.approx(expected, abs=1e-15)
    expected = scipy.special.log_softmax(logits.numpy(), axis=-1)
    assert log_probabilities(logits).numpy() == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("logit", [1e4, 3e38])
def test_large_logits_do_not_overflow(logit: float) -> None:
    logits = torch.tensor([[logit, -logit], [-logit, logit]])
    assert probabilities(logits).tolist() == [[1.0, 0.0], [0.0, 1.0]]
    assert cross_entropy(logits, torch.tensor([0, 1])).tolist() == [0.0, 0.0]


@pytest.mark.parametrize("n_classes", N_CLASSES)
def test_cross_entropy_and_its_gradient_are_torchs(n_classes: int) -> None:
    ours, theirs = logits_of(n_classes).requires_grad_(), logits_of(n_classes).requires_grad_()
    y = torch.arange(len(ours)) % n_classes
    own, torchs = cross_entropy(ours, y), F.cross_entropy(theirs, y, reduction="none")
    torch.testing.assert_close(own, torchs, rtol=1e-14, atol=1e-14)
    (gradient,) = torch.autograd.grad(own.sum(), ours)
    (expected,) = torch.autograd.grad(torchs.sum(), theirs)
    torch.testing.assert_close(gradient, expected, rtol=1e-13, atol=1e-15)


def test_soft_labels_mix_the_cross_entropies_of_the_classes() -> None:
    logits = logits_of(3)
    soft = logits_of(3, rows=37).roll(1, 0).softmax(-1)
    by_class = [cross_entropy(logits, torch.full((37,), number)) for number in range(3)]
    expected = (soft * torch.stack(by_class, -1)).sum(-1)
    torch.testing.assert_close(cross_entropy(logits, soft), expected, rtol=1e-13, atol=0.0)


@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize("rows", [1, 48, 100, 256])
@pytest.mark.parametrize("n_classes", N_CLASSES)
def test_a_stack_has_the_bits_of_its_members(n_classes: int, rows: int, n_threads: int) -> None:
    stacked = torch.stack([logits_of(n_classes, rows).float() * (1 + k) for k in range(5)])
    y = torch.arange(rows) % n_classes
    with threads(n_threads):
        for function in (probabilities, log_probabilities):
            assert torch.equal(vmap(function)(stacked), torch.stack(list(map(function, stacked))))
        together = vmap(cross_entropy, in_dims=(0, None))(stacked, y)
        assert torch.equal(together, torch.stack([cross_entropy(one, y) for one in stacked]))


def test_no_rows_have_no_values() -> None:
    empty = torch.zeros(0, 2)
    assert probabilities(empty).shape == (0, 2)
    assert cross_entropy(empty, torch.zeros(0, dtype=torch.int64)).shape == (0,)
