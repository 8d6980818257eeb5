"""Mitigations do what they are for, on problems made for them."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import nn

from fairkd.data.batch import Batch
from fairkd.data.blocks import Blocks
from fairkd.data.dataset import Dataset
from fairkd.fairness.adversarial import AdversarialDebiasing
from fairkd.fairness.balanced_sampling import BalancedSampling
from fairkd.fairness.group_dro import GroupDRO
from fairkd.fairness.laftr import LAFTR
from fairkd.fairness.mitigation import Mitigation
from fairkd.fairness.reweighing import Reweighing
from fairkd.fairness.tail import ChiSquare, CVaR
from fairkd.models.features import run
from fairkd.models.linear import Linear
from fairkd.models.mlp import MLP
from fairkd.training.fit import TrainerSettings
from fairkd.training.objective import Objective
from fairkd.training.randomness import seeded
from fairkd.training.stack.member import Member
from fairkd.training.stack.together import train_alone

BLOCKS = Blocks.of({"kind": ["common", "rare"]})


def _split(rows: int, seed: int, rare: float, shortcut: float) -> Batch:
    """Of four features the first makes the label, noisily, and the second tells the kind.

    ``rare`` is the rare kind's share of the label 1; of the label 0 it has ``shortcut``.
    """
    g = torch.Generator().manual_seed(seed)
    x = torch.randn(rows, 4, generator=g)
    y = (x[:, 0] + 0.5 * torch.randn(rows, generator=g) > 0).long()
    kind = (torch.rand(rows, generator=g) < torch.where(y == 1, rare, shortcut)).long()
    x[:, 1] = 2.0 * kind - 1.0 + 0.3 * torch.randn(rows, generator=g)
    return Batch(x, y, torch.eye(2)[kind], torch.arange(rows), torch.ones(rows))


def _two_rules(rows: int, seed: int) -> Batch:
    """The label is the sign of the first feature, of the rare kind (one in five) of the second."""
    g = torch.Generator().manual_seed(seed)
    x = torch.randn(rows, 4, generator=g)
    kind = (torch.rand(rows, generator=g) < 0.2).long()
    y = (x.gather(1, kind[:, None]).squeeze(1) > 0).long()
    return Batch(x, y, torch.eye(2)[kind], torch.arange(rows), torch.ones(rows))


def _outcome(
    split: Callable[[int, int], Batch],
    mitigation: Mitigation | None,
    build: Callable[[], nn.Module] = lambda: MLP(4, 2, (16,)),
) -> Any:
    sizes = {"train": 1500, "validation": 800, "test": 4000}
    splits = {name: split(rows, seed) for seed, (name, rows) in enumerate(sizes.items())}
    dataset = Dataset("planted", splits, BLOCKS, ("no", "yes"), "planted")
    with seeded(0):
        model = build()
    objective = Objective(mitigations={} if mitigation is None else {"mitigation": mitigation})
    few = run(model, splits["train"].x[:2], objective.student_features)
    objective.connect(few, few, torch.Generator().manual_seed(0))
    objective.learn({}, splits)
    settings = TrainerSettings(
        partial(torch.optim.Adam, lr=0.01),
        max_epochs=12,
        batch_size=64,
        accelerator="cpu",
        progress="off",
    )
    trained = train_alone(Member(model, objective, settings, 0, dataset))
    assert not isinstance(trained, Exception)
    test = splits["test"]
    with torch.no_grad():
        logits = trained.model(test.x)
    losses = torch.nn.functional.cross_entropy(logits, test.y, reduction="none")
    return logits.argmax(1), test.y, test.group.argmax(1), losses


def _gap(outcome: Any) -> float:
    selected, _, kind, _ = outcome
    return abs(float(selected[kind == 0].float().mean() - selected[kind == 1].float().mean()))


def _worst(outcome: Any) -> float:
    selected, y, kind, _ = outcome
    right = (selected == y).float()
    return min(float(right[(kind == k) & (y == c)].mean()) for k in range(2) for c in range(2))


def _odds(outcome: Any) -> float:
    selected, y, kind, _ = outcome
    gaps = []
    for c in range(2):
        rates = [float(selected[(kind == k) & (y == c)].float().mean()) for k in range(2)]
        gaps.append(abs(rates[0] - rates[1]))
    return max(gaps)


def _loss_of_rare(outcome: Any) -> float:
    _, _, kind, losses = outcome
    return float(losses[kind == 1].mean())


UNEQUAL = partial(_split, rare=0.2, shortcut=0.6)
LINEAR = partial(Linear, 4, 2)
SHORTCUT = partial(_split, rare=0.03, shortcut=0.6)


@pytest.mark.parametrize(
    "mitigation",
    [
        AdversarialDebiasing(BLOCKS, 2, weight=1.0),
        LAFTR(BLOCKS, 2, layer="hidden1", weight=3.0, hidden=8),
        Reweighing(BLOCKS, 2),
    ],
    ids=lambda mitigation: type(mitigation).__name__,
)
def test_the_gap_of_selection_rates_falls(mitigation: Mitigation) -> None:
    plain = _gap(_outcome(UNEQUAL, None))
    mitigated = _outcome(UNEQUAL, mitigation)
    assert plain > 0.35
    assert _gap(mitigated) < plain - (0.03 if isinstance(mitigation, Reweighing) else 0.2)
    selected = mitigated[0].float().mean()
    assert 0.1 < float(selected) < 0.9  # by no constant answer


def test_given_the_label_the_gap_of_odds_falls_and_the_label_is_still_learned() -> None:
    plain = _outcome(UNEQUAL, None)
    mitigated = _outcome(UNEQUAL, AdversarialDebiasing(BLOCKS, 2, given="label", weight=1.0))
    assert _odds(mitigated) < 0.6 * _odds(plain)
    accuracy = float((mitigated[0] == mitigated[1]).float().mean())
    assert accuracy > 0.8


@pytest.mark.parametrize(
    "mitigation",
    [
        GroupDRO(BLOCKS, 2, rate=0.1),
        BalancedSampling(BLOCKS, 2),
    ],
    ids=lambda mitigation: type(mitigation).__name__,
)
def test_the_worst_cell_of_group_and_label_is_served_better(mitigation: Mitigation) -> None:
    # The rare kind nearly tells the label 0: a student that learns so fails the others of it.
    plain = _worst(_outcome(SHORTCUT, None))
    assert _worst(_outcome(SHORTCUT, mitigation)) > plain + 0.03


@pytest.mark.parametrize("mitigation", [CVaR(0.3), ChiSquare(1.5)], ids=["CVaR", "ChiSquare"])
def test_a_kind_that_is_never_named_is_served_better(mitigation: Mitigation) -> None:
    # One linear rule for both kinds: it follows the common one, whose rows are the most.
    plain = _loss_of_rare(_outcome(_two_rules, None, LINEAR))
    assert _loss_of_rare(_outcome(_two_rules, mitigation, LINEAR)) < 0.8 * plain
