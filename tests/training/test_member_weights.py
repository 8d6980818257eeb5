"""An ensemble's weights, learned on validation."""

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax
from torch import Tensor

from fairkd.data.dataset import Dataset
from fairkd.models.ensemble import COMBINATIONS, Ensemble
from fairkd.models.linear import Linear
from fairkd.models.mlp import MLP
from fairkd.training.balance import Balance
from fairkd.training.distil import Recipe, train_on_labels
from fairkd.training.fit import TrainerSettings
from fairkd.training.member_weights import learned_weights

ROWS = 300


def _problem(seed: int, classes: int = 3) -> tuple[Tensor, Tensor, Tensor]:
    """Logits of a good member, a fair one and one of noise, labels, and weights of rows."""
    g = torch.Generator().manual_seed(seed)
    y = torch.randint(classes, (ROWS,), generator=g)
    truth = torch.eye(classes)[y]
    noise = torch.randn(3, ROWS, classes, generator=g)
    logits = torch.tensor([2.0, 1.5, 0.0])[:, None, None] * truth + 1.5 * noise
    return logits, y, 0.5 + torch.rand(ROWS, generator=g)


def _loss(w: np.ndarray, logits: Tensor, y: Tensor, weight: Tensor, combine: str) -> float:
    z, v = logits.double().numpy(), weight.double().numpy()
    if combine == "mean_logits":
        logs = log_softmax(np.tensordot(w, z, 1), axis=1)
    else:
        logs = np.log(np.tensordot(w, softmax(z, axis=2), 1))
    return float(-np.average(logs[np.arange(ROWS), y], weights=v))


both = pytest.mark.parametrize("combine", COMBINATIONS)


@both
@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("seed", range(3))
def test_no_direction_within_the_simplex_leads_down(combine, classes, seed):
    problem = _problem(seed, classes)
    w = learned_weights(*problem, combine).numpy()
    assert w.min() >= 0
    assert w.sum() == pytest.approx(1, abs=1e-12)
    step = 1e-5
    slopes = np.array(
        [
            (_loss(w + step * e, *problem, combine) - _loss(w - step * e, *problem, combine))
            / (2 * step)
            for e in np.eye(3)
        ]
    )
    used = w > 1e-6
    np.testing.assert_allclose(slopes[used], slopes[used].mean(), atol=1e-5)
    assert (slopes[~used] >= slopes[used].mean() - 1e-5).all()


@both
def test_another_solver_without_bounds_finds_no_less(combine):
    problem = _problem(5)
    w = learned_weights(*problem, combine).numpy()
    simplex = minimize(
        lambda free: _loss(softmax(free), *problem, combine),
        np.zeros(3),
        method="Nelder-Mead",
        options={"xatol": 1e-9, "fatol": 1e-13, "maxiter": 5000, "maxfev": 5000},
    )
    assert _loss(w, *problem, combine) <= simplex.fun + 1e-8
    np.testing.assert_allclose(w, softmax(simplex.x), atol=1e-3)


@both
def test_a_member_of_noise_counts_nothing(combine):
    for seed in range(3):
        w = learned_weights(*_problem(seed), combine)
        assert float(w[2]) < 1e-3
        assert float(w[:2].min()) > 0.05


@both
def test_two_equal_members_change_nothing(combine):
    logits, y, weight = _problem(1)
    once = learned_weights(logits, y, weight, combine)
    twice = learned_weights(logits[[0, 1, 1, 2]], y, weight, combine)
    merged = torch.stack([twice[0], twice[1] + twice[2], twice[3]])
    torch.testing.assert_close(merged, once, rtol=0, atol=1e-5)
    torch.testing.assert_close(twice[1], twice[2], rtol=0, atol=1e-6)
    alike = learned_weights(logits[[0, 0]], y, weight, combine)
    assert alike.tolist() == pytest.approx([0.5, 0.5])


@both
def test_soft_labels_that_are_sure_are_labels(combine):
    logits, y, weight = _problem(2)
    torch.testing.assert_close(
        learned_weights(logits, torch.eye(3)[y], weight, combine),
        learned_weights(logits, y, weight, combine),
    )


@both
def test_members_that_are_sure_and_wrong_leave_it_finite(combine):
    logits = torch.tensor([[[1e4, 0.0], [0.0, 1e4]], [[0.0, 1e4], [0.0, 1e4]]])
    w = learned_weights(logits, torch.tensor([1, 0]), torch.ones(2), combine)
    assert w.isfinite().all()
    assert float(w.sum()) == pytest.approx(1)


@pytest.fixture
def ensemble() -> Callable[..., Recipe]:
    def make(combine: str, balance: Balance | None = None, weights: object = "learned") -> Recipe:
        settings = TrainerSettings(
            partial(torch.optim.Adam, lr=0.02),
            max_epochs=3, batch_size=32, accelerator="cpu", progress="off",
        )  # fmt: skip
        members = {"a": partial(MLP, hidden=[8]), "b": Linear, "c": partial(MLP, hidden=[2])}
        build = partial(Ensemble, (4,), 2, members, combine, weights)
        return Recipe(build, settings, 0, balance=balance)

    return make


@both
@pytest.mark.parametrize(
    "balance", [None, Balance("sex", members=["b"])], ids=["plain", "balanced"]
)
def test_a_trained_ensemble_has_them_in_its_state(dataset: Dataset, ensemble, combine, balance):
    recipe = ensemble(combine, balance)
    trained = train_on_labels(recipe, dataset)
    state = trained.model.state_dict()
    validation = dataset.splits["validation"]
    with torch.no_grad():
        logits = torch.stack([m(validation.x) for m in trained.model.members.values()])
    expected = learned_weights(logits, validation.y, validation.weight, combine)
    torch.testing.assert_close(state["weights"].double(), expected, rtol=0, atol=1e-5)
    assert state["weights"].tolist() != pytest.approx([1 / 3] * 3, abs=1e-3)
    restored = recipe.initial()
    restored.load_state_dict(state)
    assert torch.equal(restored(validation.x), trained.model(validation.x))
    alike = train_on_labels(ensemble(combine, balance, None), dataset)
    (row,), (of_alike,) = trained.fitted.history, alike.fitted.history
    assert row["val/loss"] < of_alike["val/loss"]
    again = train_on_labels(recipe, dataset)
    assert torch.equal(again.model.state_dict()["weights"], state["weights"])
