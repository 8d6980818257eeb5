from collections.abc import Mapping, Sequence

import pytest
import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader, TensorDataset

from fairkd.errors import TrackingError
from fairkd.tracking.lightning_logger import RunLogger
from fairkd.tracking.none import NoRun


class Recorder(NoRun):
    run_id = "r1"

    def __init__(self, broken: bool = False) -> None:
        self.calls: list[list[Mapping[str, float]]] = []
        self.broken = broken

    def log_history(self, rows: Sequence[Mapping[str, float]]) -> None:
        if self.broken:
            raise TrackingError("The disk is full.")
        self.calls.append(list(rows))


class Model(pl.LightningModule):
    def __init__(self, fails_at: int = -1) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.layer = torch.nn.Linear(1, 1)
        self.fails_at = fails_at

    def training_step(self, batch: list[torch.Tensor]) -> torch.Tensor:
        if self.current_epoch == self.fails_at:
            raise ZeroDivisionError
        loss = self.layer(batch[0]).square().mean()
        self.log("train/epoch_number", float(self.current_epoch), on_step=False, on_epoch=True)
        return loss

    def validation_step(self, batch: list[torch.Tensor]) -> None:
        self.log("val/double", 2.0 * self.current_epoch)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), 0.1)


def fit(logger: RunLogger, model: Model, epochs: int = 4) -> None:
    loader = DataLoader(TensorDataset(torch.ones(4, 1)), batch_size=2)
    trainer = pl.Trainer(
        max_epochs=epochs,
        logger=logger,
        accelerator="cpu",
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        log_every_n_steps=1,
    )
    trainer.fit(model, loader, loader)


pytestmark = [
    pytest.mark.filterwarnings("ignore:.*num_workers.*"),
    pytest.mark.filterwarnings("ignore:.*LeafSpec.*"),
]


def values(run: Recorder, name: str) -> dict[float, float]:
    return {row["epoch"]: row[name] for rows in run.calls for row in rows if name in row}


def test_a_fit_is_handed_on_by_epoch_while_it_runs() -> None:
    run = Recorder()
    fit(RunLogger(run), Model())
    assert len(run.calls) >= 4
    assert values(run, "train/epoch_number") == {0: 0.0, 1: 1.0, 2: 2.0, 3: 3.0}
    assert values(run, "val/double") == {0: 0.0, 1: 2.0, 2: 4.0, 3: 6.0}


def test_what_was_measured_before_a_failure_is_handed_on() -> None:
    run = Recorder()
    with pytest.raises(ZeroDivisionError):
        fit(RunLogger(run), Model(fails_at=2))
    assert values(run, "val/double") == {0: 0.0, 1: 2.0}


def test_trouble_with_writing_ends_the_fit() -> None:
    with pytest.raises(TrackingError, match="The disk is full"):
        fit(RunLogger(Recorder(broken=True)), Model())


def test_steps_stand_for_missing_epochs() -> None:
    run = Recorder()
    logger = RunLogger(run)
    logger.log_metrics({"test/x": 1.0}, step=7)
    logger.finalize("success")
    assert run.calls == [[{"epoch": 7.0, "test/x": 1.0}]]
    assert (logger.version, logger.experiment) == ("r1", run)
