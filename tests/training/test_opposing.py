"""The student's gradient beside an opponent: its direction, and where it is taken."""

from functools import partial
from typing import Any

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from torch import Tensor

from fairkd.data.blocks import Blocks
from fairkd.data.dataset import Dataset
from fairkd.data.loaders import BatchLoader
from fairkd.fairness.adversarial import AdversarialDebiasing
from fairkd.models.features import run
from fairkd.models.mlp import MLP
from fairkd.training.fit import TrainerSettings, fit
from fairkd.training.modules import ClassifierModule
from fairkd.training.objective import Objective
from fairkd.training.opposing import opposed
from fairkd.training.randomness import seeded

BLOCKS = Blocks.of({"sex": ["f", "m"], "race": ["a", "b", "c"]})
EPOCHS, LR = 2, 0.1


def _tensors(seed: int) -> list[Tensor]:
    g = torch.Generator().manual_seed(seed)
    return [torch.randn(shape, generator=g).double() for shape in ((3, 4), (3,), (2, 3), (2,))]


def _vector(tensors: list[Tensor]) -> np.ndarray:
    return np.concatenate([t.numpy().ravel() for t in tensors])


def test_the_projection_is_that_of_the_whole_gradient():
    g, h = _tensors(0), _tensors(1)
    found = opposed(g, h, torch.tensor(0.7, dtype=torch.float64))
    x, y = _vector(g), _vector(h)
    expected = x - (x @ y) / (y @ y) * y - 0.7 * y
    np.testing.assert_allclose(_vector([t for t in found if t is not None]), expected, rtol=1e-12)
    # Without the last part, it neither helps nor hurts the opponent; each tensor by itself may.
    orthogonal = [t for t in opposed(g, h, torch.zeros(()).double()) if t is not None]
    assert _vector(orthogonal) @ y == pytest.approx(0, abs=1e-12)
    assert abs(float((orthogonal[0] * h[0]).sum())) > 1e-3


def test_parameters_that_only_one_of_them_reaches():
    g, h = _tensors(0), _tensors(1)
    ours: list[Tensor | None] = [g[0], None, g[2], None]
    theirs: list[Tensor | None] = [None, h[1], h[2], None]
    found = opposed(ours, theirs, torch.tensor(0.5).double())
    back = (g[2] * h[2]).sum() / (h[1].square().sum() + h[2].square().sum()) + 0.5
    assert found[3] is None
    for one, expected in zip(found, (g[0], -back * h[1], g[2] - back * h[2]), strict=False):
        assert one is not None
        torch.testing.assert_close(one, expected)


def test_an_opponent_without_gradient_changes_nothing():
    g = _tensors(0)
    found = opposed(g, [torch.zeros_like(t) for t in g], torch.tensor(3.0).double())
    assert all(torch.equal(one, was) for one, was in zip(found, g, strict=True) if one is not None)


class Last(pl.Callback):
    """The weights of the last step, whichever epoch is the best."""

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        named = pl_module.get_submodule("model").named_parameters()
        self.weights = {name: value.detach().clone() for name, value in named}


def _module(dataset: Dataset, **adversary: Any) -> ClassifierModule:
    with seeded(0):
        model = MLP(4, 2, (8,)).double()
    debiasing = AdversarialDebiasing(BLOCKS, 2, **adversary)
    objective = Objective(mitigations={"adversarial": debiasing}).double()
    outputs = run(model, dataset.splits["train"].x[:2].double())
    objective.mitigations.connect(outputs, torch.Generator().manual_seed(0))
    maker = partial(torch.optim.SGD, lr=LR)
    return ClassifierModule(model, objective, maker, dataset.blocks, 2)


def _settings(**more: Any) -> TrainerSettings:
    maker = partial(torch.optim.SGD, lr=LR)
    plain = {"max_epochs": EPOCHS, "batch_size": 32, "accelerator": "cpu", "progress": "off"}
    return TrainerSettings(maker, precision="64-true", **{**plain, **more})


def _by_hand(
    dataset: Dataset, adversary: dict[str, Any], clip: float | None, together: int = 1
) -> dict[str, Tensor]:
    """The same training as a bare loop over one long vector."""
    module = _module(dataset, **adversary)
    model, objective = module.model, module.objective
    debiasing = objective.mitigations["adversarial"]
    split = dataset.splits["train"]
    split = split._replace(
        x=split.x.double(), group=split.group.double(), weight=split.weight.double()
    )
    loader = BatchLoader(split, 32, 0)
    student, own = list(model.parameters()), list(debiasing.parameters())
    for epoch in range(EPOCHS):
        loader.set_epoch(epoch)
        batches = list(loader)
        for start in range(0, len(batches), together):
            steps = []
            for batch in batches[start : start + together]:
                logits = model(batch.x)
                labels = torch.nn.functional.cross_entropy(logits, batch.y)
                guess = debiasing.guess_loss(logits, batch)
                g = torch.cat([t.flatten() for t in torch.autograd.grad(
                    labels, student, retain_graph=True)])  # fmt: skip
                both = torch.autograd.grad(guess, [*student, *own])
                h = torch.cat([t.flatten() for t in both[: len(student)]])
                mine = torch.cat([t.flatten() for t in both[len(student) :]])
                weight = float(debiasing.weight)
                steps.append(torch.cat([g - (g @ h) / (h @ h) * h - weight * h, mine]))
            step = torch.stack(steps).sum(0) / together
            if clip is not None:
                step = step * min(1.0, clip / (float(step.norm()) + 1e-6))
            with torch.no_grad():
                for parameter in (*student, *own):
                    n = parameter.numel()
                    parameter -= LR * step[:n].reshape(parameter.shape)
                    step = step[n:]
    return {name: value.detach() for name, value in model.named_parameters()}


@pytest.mark.parametrize(
    ("adversary", "more", "clip", "together"),
    [
        ({"weight": 0.0}, {}, None, 1),
        ({"weight": 0.8, "by": "race", "hidden": 3}, {}, None, 1),
        ({"weight": 2.0, "given": "label"}, {"gradient_clip_val": 0.05}, 0.05, 1),
        ({"weight": 0.8}, {"lightning": {"accumulate_grad_batches": 3}}, None, 3),
    ],
    ids=["projection alone", "race", "clipped afterwards", "several batches a step"],
)
def test_training_takes_the_papers_steps(dataset, adversary, more, clip, together):
    module = _module(dataset, **adversary)
    last = Last()
    fit(module, dataset, _settings(**more), seed=0, callbacks=[last])
    for name, value in _by_hand(dataset, adversary, clip, together).items():
        torch.testing.assert_close(last.weights[name], value, rtol=1e-6, atol=1e-9)
