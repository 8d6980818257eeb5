"""A training that goes on from a Lightning checkpoint ends where it would have ended."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from pytorch_lightning.callbacks import EarlyStopping, ModelCheckpoint
from torch import Tensor

from fairkd.data.dataset import Dataset
from fairkd.distillation.response import SoftTargets
from fairkd.fairness.dual import AugmentedLagrangian, Dual, Lagrangian, NuPI
from fairkd.models.features import ModelOutputs
from fairkd.models.mlp import MLP
from fairkd.training.best_epoch import BestEpoch
from fairkd.training.datamodule import SplitsDataModule
from fairkd.training.fit import TrainerSettings, make_trainer, surroundings
from fairkd.training.modules import StudentModule
from fairkd.training.objective import Objective
from fairkd.training.randomness import seeded

EPOCHS = 7
KINDS: dict[str, Callable[..., Dual]] = {
    "lagrangian": Lagrangian,
    "nupi": NuPI,
    "augmented_lagrangian": AugmentedLagrangian,
}


class Ended(NamedTuple):
    """What a run leaves."""

    state: dict[str, Tensor]
    optimizer: dict[str, Any]
    history: list[dict[str, float]]
    best: BestEpoch
    epochs: int


@pytest.fixture
def train(
    dataset: Dataset,
    settings: Callable[..., TrainerSettings],
    teacher_outputs: dict[str, ModelOutputs],
) -> Callable[..., Ended]:
    """Train a student under multipliers, from the start or from a checkpoint."""

    def run(
        kind: str, folder: Path, *, seed: int = 0, resume: Path | None = None, **saved: Any
    ) -> Ended:
        with seeded(seed):
            model = MLP(4, 2, (8,))
        bound = KINDS[kind](
            dataset.blocks, 2, by="race", threshold=0.02, weight=0.1 + seed, rate=0.5, running=0.5
        )
        objective = Objective(
            label_weight=0.5, terms={"soft": SoftTargets(0.5)}, constraints={"bound": bound}
        )
        chosen = settings(max_epochs=EPOCHS, lr=0.02)
        module = StudentModule(
            model, objective, chosen.optimizer, dataset.blocks, 2, teacher_outputs
        )
        best = BestEpoch("val/loss", "min")
        patience = EarlyStopping("val/loss", patience=6)
        files = ModelCheckpoint(folder, "{epoch}-{step}", save_top_k=-1, **saved)
        trainer = make_trainer(chosen, logger=None, callbacks=[best, patience, files])
        data = SplitsDataModule(dataset, chosen.batch_size, chosen.evaluation_batch_size, 3)
        with seeded(seed), surroundings(chosen):
            trainer.fit(module, datamodule=data, ckpt_path=resume)
        state = {name: value.clone() for name, value in module.state_dict().items()}
        optimizer = trainer.optimizers[0].state_dict()
        return Ended(state, optimizer, module.history, best, trainer.current_epoch)

    return run


def _alike(ours: Any, theirs: Any) -> bool:
    if isinstance(ours, Tensor):
        return torch.equal(ours, theirs)
    if isinstance(ours, dict):
        return set(ours) == set(theirs) and all(_alike(v, theirs[k]) for k, v in ours.items())
    if isinstance(ours, list | tuple):
        return len(ours) == len(theirs) and all(map(_alike, ours, theirs))
    return bool(ours == theirs)


def _check(resumed: Ended, whole: Ended) -> None:
    assert _alike(resumed.state, whole.state)
    assert _alike(resumed.optimizer, whole.optimizer)
    assert _alike(resumed.history, whole.history)
    assert [row["epoch"] for row in resumed.history] == list(range(EPOCHS))
    assert _alike(resumed.best.state_dict(), whole.best.state_dict())
    assert resumed.epochs == whole.epochs == EPOCHS


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("at", [0, 2, 5])
def test_it_ends_with_the_bits_of_the_uninterrupted_run(train, tmp_path, kind, at):
    whole = train(kind, tmp_path / "whole")
    (file,) = (tmp_path / "whole").glob(f"epoch={at}-*.ckpt")
    begun = torch.load(file, weights_only=True)["state_dict"]
    changed = [name for name, value in begun.items() if not torch.equal(value, whole.state[name])]
    assert "objective.constraints.bound.multipliers" in changed
    # Another start, other multipliers: everything comes from the file.
    resumed = train(kind, tmp_path / "resumed", seed=5, resume=file)
    _check(resumed, whole)
    assert not (tmp_path / "resumed" / file.name).exists()


@pytest.mark.parametrize("kind", KINDS)
def test_so_it_does_from_a_checkpoint_between_validation_and_the_epochs_end(train, tmp_path, kind):
    whole = train(kind, tmp_path / "whole", save_on_train_epoch_end=False)
    (file,) = (tmp_path / "whole").glob("epoch=2-*.ckpt")
    _check(train(kind, tmp_path / "resumed", seed=5, resume=file), whole)


@pytest.mark.parametrize("kind", KINDS)
def test_so_it_does_from_the_middle_of_an_epoch(train, tmp_path, kind):
    whole = train(kind, tmp_path / "whole", every_n_train_steps=1)
    (file,) = (tmp_path / "whole").glob("epoch=2-step=8.ckpt")
    _check(train(kind, tmp_path / "resumed", seed=5, resume=file), whole)
