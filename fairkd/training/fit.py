"""Train one module with Lightning's Trainer."""

import logging
import signal
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from lightning_fabric.utilities.exceptions import MisconfigurationException
from pytorch_lightning.callbacks import Checkpoint, EarlyStopping
from pytorch_lightning.loggers import Logger
from pytorch_lightning.loggers.logger import DummyLogger
from torch import nn

from fairkd.data.augmentation import Augmentation, Augmenter
from fairkd.data.dataset import Dataset
from fairkd.errors import ConfigError, first_line
from fairkd.evaluation.certificate import Certificate
from fairkd.models.classifier import Classifier
from fairkd.models.ensemble import Ensemble
from fairkd.training.balance import Balance, rebalance
from fairkd.training.bar import EpochBar
from fairkd.training.best_epoch import BestEpoch
from fairkd.training.candidates import KeepCandidates, certify
from fairkd.training.datamodule import SplitsDataModule
from fairkd.training.modules import ClassifierModule, OptimizerFactory
from fairkd.training.randomness import deterministic, seeded, threads
from fairkd.training.ranges import check_ranges

RETRAINED = "retrained_epoch"
_ONE_VALIDATION_AN_EPOCH = ("val_check_interval", "check_val_every_n_epoch")


@dataclass(frozen=True)
class TrainerSettings:
    """How long, how fast and on what a model trains.

    Attributes:
        optimizer: makes the optimiser from parameters.
        max_epochs: passes over the training rows.
        batch_size: rows per step, on each device.
        augmentation: how training rows are changed at every step, by name; empty leaves them as
            they are.
        evaluation_batch_size: rows per forward pass without gradient.
        monitor: the validation value that chooses the best epoch.
        mode: whether the ``min`` or the ``max`` of it is best.
        patience: epochs without improvement before training stops; ``None`` never stops early.
        gradient_clip_val: largest norm of the gradient; ``None`` does not clip.
        accelerator: Lightning's: ``auto``, ``cpu``, ``gpu``, ...
        devices: how many devices.
        precision: Lightning's: ``32-true``, ``bf16-mixed``, ...
        threads: CPU threads per operation.
        progress: ``auto`` shows progress on a terminal only, ``on`` always, ``off`` never.
        lightning: further arguments for Lightning's Trainer, as they are.
    """

    optimizer: OptimizerFactory
    max_epochs: int = 20
    batch_size: int = 256
    evaluation_batch_size: int = 16_384
    monitor: str = "val/loss"
    mode: str = "min"
    patience: int | None = None
    gradient_clip_val: float | None = None
    accelerator: str = "auto"
    devices: int | str = 1
    precision: str = "32-true"
    threads: int = 1
    progress: str = "auto"
    augmentation: Mapping[str, Augmentation] = field(default_factory=dict)
    lightning: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check every range."""
        check_ranges(vars(self))
        for name in _ONE_VALIDATION_AN_EPOCH:
            if name in self.lightning:
                raise ConfigError(
                    f"lightning.{name} is not accepted: validation comes once after every epoch, "
                    "and the best of those epochs is kept."
                )


@dataclass(frozen=True)
class Fitted:
    """What training leaves beside the weights.

    Attributes:
        history: one row per epoch, and a last one for a retrained last layer, which holds under
            ``retrained_epoch`` the epoch whose weights it was retrained on.
        best_epoch: the row, counted from 0, whose weights were kept.
        certificate: what certifying rows say of them; ``None`` where nothing was to be certified.
    """

    history: list[dict[str, float]]
    best_epoch: int
    certificate: Certificate | None = None

    @classmethod
    def at_once(cls, row: Mapping[str, float]) -> "Fitted":
        """What is left by a model that is not trained by steps.

        Args:
            row: how the model is judged.
        """
        return cls([{"epoch": 0.0, **row}], 0)

    @property
    def epochs(self) -> int:
        """Passes over the training rows."""
        return len(self.history) - self.retrained

    @property
    def kept_epoch(self) -> int:
        """The epoch, counted from 0, whose weights were kept but for a retrained last layer."""
        return int(self.history[-1][RETRAINED]) if self.retrained else self.best_epoch

    @property
    def retrained(self) -> bool:
        """Whether the last layer was retrained at the end."""
        return RETRAINED in self.history[-1]

    def and_retrained(self, row: Mapping[str, float]) -> "Fitted":
        """The same, followed by a last layer's retraining.

        Args:
            row: how the model is judged after it.
        """
        last = {"epoch": float(len(self.history)), RETRAINED: float(self.best_epoch), **row}
        return Fitted([*self.history, last], len(self.history))


def fit(
    module: ClassifierModule,
    dataset: Dataset,
    settings: TrainerSettings,
    *,
    seed: int,
    logger: Logger | None = None,
    callbacks: Sequence[pl.Callback] = (),
    checkpoint: Path | None = None,
    balance: Balance | None = None,
) -> Fitted:
    """Train the module in place; afterwards its model holds the best epoch's weights.

    Args:
        module: teacher, control or student.
        dataset: prepared splits.
        settings: see `TrainerSettings`.
        seed: of the batch order, of augmentation, and of what only global generators serve
            (dropout).
        logger: where Lightning sends what is logged.
        callbacks: the user's own.
        checkpoint: file for a Lightning checkpoint: the best epoch's weights, the last state of
            optimiser and callbacks; ``None`` writes none. A retrained last layer is not in it.
        balance: how the last layer is retrained at the end; ``None`` leaves it.

    Raises:
        DivergedError: the loss stopped being a number.
        ConfigError: ``settings.monitor`` is nothing that validation logs, or undefined in every
            epoch.
        KeyboardInterrupt: Ctrl-C.
    """
    if isinstance(module.model, Classifier | Ensemble):
        from fairkd.training.at_once import fit_at_once  # which trains members with this

        return fit_at_once(module.model, dataset, settings, seed, balance)
    if settings.augmentation:
        module.augmenter = Augmenter(settings.augmentation, seed)
    best = BestEpoch(settings.monitor, settings.mode)
    own: list[pl.Callback] = [best]
    if settings.patience is not None:
        own.append(
            EarlyStopping(
                settings.monitor,
                mode=settings.mode,
                patience=settings.patience,
                check_finite=False,  # an undefined rate is an epoch without improvement
            )
        )
    kept = KeepCandidates()
    if module.certifier is not None:
        own.append(kept)
    if _shows_progress(settings.progress):
        own.append(EpochBar())
    data = SplitsDataModule(
        dataset,
        settings.batch_size,
        settings.evaluation_batch_size,
        seed,
        module.objective.chances(dataset.splits["train"]),
    )
    with seeded(seed), surroundings(settings):
        trainer = make_trainer(settings, logger=logger, callbacks=[*own, *callbacks])
        trainer.fit(module, datamodule=data)
        best.restore(module)
        certificate = certify(module.model, kept.candidates, module.certifier)
        if checkpoint is not None:
            trainer.save_checkpoint(checkpoint, weights_only=False)  # with optimiser and callbacks
    module.to("cpu", torch.float32)
    if best.epoch is None:
        raise never_a_number(settings.monitor)
    epoch = best.epoch if certificate is None else certificate.epoch
    fitted = Fitted(module.history, epoch, certificate)
    return ended(module.model, fitted, dataset, settings, balance)


def ended(
    model: nn.Module,
    fitted: Fitted,
    dataset: Dataset,
    settings: TrainerSettings,
    balance: Balance | None,
) -> Fitted:
    """The last step of every training, in a stack or alone: retrain the last layer where asked to.

    Args:
        model: at its best epoch's weights, on the CPU; changed in place.
        fitted: its epochs.
        dataset: prepared splits.
        settings: how it was trained.
        balance: how the last layer is retrained; ``None`` leaves it.

    Raises:
        ConfigError: the model or the rows cannot be balanced.
    """
    if balance is None:
        return fitted
    return fitted.and_retrained(rebalance(model, dataset, balance, count=settings.threads))


def never_a_number(monitor: str) -> ConfigError:
    """The refusal of a training of which no epoch is the best."""
    return ConfigError(
        f"trainer.monitor={monitor} was never a number on validation, so no epoch is the best; "
        "name a value that is defined there (val/loss), and leave validation at least one batch "
        "(trainer.lightning.limit_val_batches)."
    )


@contextmanager
def surroundings(settings: TrainerSettings) -> Iterator[None]:
    """Train within: deterministic kernels, the configured threads, no advice, and Ctrl-C heard."""
    with deterministic(), threads(settings.threads), _quiet(), _interruptible():
        yield


def steps_per_epoch(settings: TrainerSettings, rows: int) -> int:
    """The steps of one pass over so many rows."""
    return -(-rows // settings.batch_size)


def check_settings(settings: TrainerSettings, callbacks: Sequence[pl.Callback] = ()) -> int:
    """Refuse what Lightning's Trainer refuses, before anything trains.

    Returns:
        The number of processes that the settings ask for.

    Raises:
        ConfigError: an accelerator that is not here, an unknown precision or argument, ...
    """
    for callback in callbacks:
        if not isinstance(callback, pl.Callback):
            raise ConfigError(
                f"A callback is a {type(callback).__name__}; accepted: subclasses of "
                "pytorch_lightning.callbacks.Callback."
            )
    try:
        with _quiet():
            return make_trainer(settings, logger=None, callbacks=list(callbacks)).world_size
    except (MisconfigurationException, ImportError, RuntimeError, TypeError, ValueError) as error:
        problem = first_line(error)
        raise ConfigError(f"Lightning's Trainer refuses these settings: {problem}.") from error


def make_trainer(
    settings: TrainerSettings, *, logger: Logger | None, callbacks: list[pl.Callback]
) -> pl.Trainer:
    """Lightning's Trainer for these settings."""
    return pl.Trainer(
        max_epochs=settings.max_epochs,
        accelerator=settings.accelerator,
        devices=settings.devices,
        precision=settings.precision,  # type: ignore[arg-type]  # checked by Lightning
        gradient_clip_val=settings.gradient_clip_val,
        logger=logger if logger is not None else DummyLogger(),  # some callbacks insist on one
        callbacks=callbacks,
        enable_checkpointing=any(isinstance(callback, Checkpoint) for callback in callbacks),
        enable_progress_bar=_shows_progress(settings.progress),
        **{**_DEFAULTS, **settings.lightning},
    )


_DEFAULTS: dict[str, Any] = {
    "enable_model_summary": False,
    "num_sanity_val_steps": 0,
    "log_every_n_steps": 1_000_000,
}


def _shows_progress(wish: str) -> bool:
    return wish == "on" or (wish == "auto" and sys.stdout.isatty())


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Lightning's advice on loaders and hardware out of a job's output."""
    loggers = [logging.getLogger(name) for name in ("pytorch_lightning", "lightning_fabric")]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="pytorch_lightning.*")
        warnings.filterwarnings("ignore", module="lightning_fabric.*")
        warnings.filterwarnings("ignore", module="torchmetrics.*")
        for logger in loggers:
            logger.setLevel(logging.WARNING)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let Ctrl-C reach the caller; Lightning exits the process instead, and ignores the next."""
    handler = signal.getsignal(signal.SIGINT)
    try:
        yield
    except SystemExit as leaving:
        if isinstance(leaving.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from leaving
        raise
    finally:
        if signal.getsignal(signal.SIGINT) is not handler:
            signal.signal(signal.SIGINT, handler)
