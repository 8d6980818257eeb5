"""Teacher and student as Lightning modules around one pure objective."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from fairkd.data.augmentation import Augmented, Augmenter
from fairkd.data.batch import Batch
from fairkd.data.blocks import Blocks
from fairkd.data.loaders import BatchLoader
from fairkd.errors import ConfigError, FairkdError
from fairkd.evaluation.certificate import Certifier
from fairkd.models.features import ModelOutputs, run
from fairkd.training.live import LiveTeacher
from fairkd.training.objective import Objective, ObjectiveValue
from fairkd.training.opposing import opposed
from fairkd.training.step_values import StepValues
from fairkd.training.validation import Validation

_PROGRESS = "fairkd_progress"
_LOSS = "loss"
OptimizerFactory = Callable[[Iterable[nn.Parameter]], Optimizer]


class DivergedError(FairkdError):
    """The loss stopped being a number."""


def check_finite(epoch: int, row: Mapping[str, float]) -> None:
    """Refuse to go on after an epoch whose objective was no number.

    A last step that ruins the weights shows on validation alone.

    Args:
        epoch: counted from 0.
        row: the epoch's values.

    Raises:
        DivergedError: the objective, on train or validation, is not a finite number.
    """
    for seen in (row["train/loss"], row.get("val/loss", 0.0)):
        if not math.isfinite(seen):
            raise DivergedError(
                f"Training diverged in epoch {epoch + 1}: the loss is {seen}; "
                "lower the learning rate (optimizer.lr) or set gradient_clip_val."
            )


def advance(objective: Objective, state: Mapping[str, Tensor]) -> None:
    """Put the state of terms and constraints after a step into place (see `Objective.stepped`).

    The old tensors stay as they are: the step's gradient is yet to be taken, and may need them.
    """
    for name, value in state.items():
        path, _, buffer = name.rpartition(".")
        setattr(objective.get_submodule(path), buffer, value)


class ClassifierModule(pl.LightningModule):
    """A model that minimises an objective, and reports it with group metrics every epoch.

    Its checkpoints also hold `history` and the epoch under way, so that training resumed from one
    ends with the bits it would have ended with. They hold no random state: dropout, and
    augmentation in the middle of an epoch, draw anew.

    Epochs are judged by `Validation`. Over several processes each takes its own share and the
    objective is their mean; group metrics come from summed counts and are exact.

    Args:
        model: maps ``x`` to logits.
        objective: what is minimised; parameters of its own (projections) are trained along.
        optimizer: makes the optimiser from parameters.
        blocks: the data's group blocks.
        n_classes: the number of classes.
        first_epoch: what the objective takes the first epoch for: its schedules may be over.
        certifier: will test the epochs; ``None`` where nothing is certified.

    Attributes:
        history: one row per finished epoch: ``epoch``, ``train/...`` and ``val/...``.
        augmenter: changes the rows of every training batch; ``None`` leaves them as they are.
            `fairkd.training.fit.fit` sets it to what the trainer's settings say.
    """

    def __init__(
        self,
        model: nn.Module,
        objective: Objective,
        optimizer: OptimizerFactory,
        blocks: Blocks,
        n_classes: int,
        *,
        first_epoch: int = 0,
        certifier: Certifier | None = None,
    ) -> None:
        super().__init__()
        self.model = model
        self.certifier = certifier
        self._first_epoch = first_epoch
        self.objective = objective
        self.validation = Validation(blocks, n_classes)
        self.history: list[dict[str, float]] = []
        self.augmenter: Augmenter | None = None
        self._optimizer = optimizer
        self._trained = StepValues()
        self._epoch = torch.tensor(0.0)
        self._row: dict[str, float] = {}
        self._total = self._epoch
        self._opponents: list[tuple[Sequence[Tensor | None], Tensor]] = []

    def __setattr__(self, name: str, value: Any) -> None:
        # Lightning notes the running hook's name here some 45 times a step. Past nn.Module's search
        # for parameters that is a large part of its overhead on a small model (see make bench).
        if name == "_current_fx_name":
            object.__setattr__(self, name, value)
        else:
            super().__setattr__(name, value)

    def forward(self, x: Tensor) -> Tensor:
        """Logits, shape ``[B, C]``."""
        logits: Tensor = self.model(x)
        return logits

    def teacher_outputs(self, split: str, batch: Batch) -> ModelOutputs | None:  # noqa: ARG002
        """The teacher's outputs for these rows; ``None`` for a model without a teacher."""
        return None

    def configure_optimizers(self) -> Optimizer:
        """One optimiser over the model and what the objective trains."""
        parameters = [p for p in self.parameters() if p.requires_grad]
        return self._optimizer(parameters)

    def on_train_start(self) -> None:
        """Be in the right epoch where training goes on in the middle of one."""
        self._begin_epoch()
        self._trained = _steps(self._trained.listed(), self.device)

    def on_train_epoch_start(self) -> None:
        """Begin an epoch."""
        self._begin_epoch()
        self._trained = StepValues()

    def _begin_epoch(self) -> None:
        """Tell the objective, the loader and the augmenter which epoch it is."""
        loader = self.trainer.train_dataloader
        if isinstance(loader, BatchLoader):
            loader.set_epoch(self.current_epoch)
        if self.augmenter is not None:
            self.augmenter.begin(self.current_epoch, self.global_rank)
        self._epoch = torch.tensor(
            float(self._first_epoch + self.current_epoch), device=self.device
        )

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:  # noqa: ARG002
        """The objective of one batch, augmented where rows are."""
        if self.augmenter is not None:
            batch = self.augmenter(batch)
        outputs = run(self.model, batch.x, self.objective.student_features)
        teacher = self.teacher_outputs("train", batch)
        value, state = self.objective.stepped(
            outputs,
            teacher,
            batch,
            self._epoch,
            dict(self.model.named_parameters()) if len(self.objective.start) else None,
            self.model,
        )
        self._trained.add({_LOSS: value.total, **value.terms})
        if value.opponents:
            self._note_opponents(value)
        advance(self.objective, state)
        total: Tensor = value.total
        return total

    def _note_opponents(self, value: ObjectiveValue) -> None:
        """Take the opponents' gradients in the model, for when the total's are there."""
        self._total = value.total
        parameters = [p for p in self.model.parameters() if p.requires_grad]
        self._opponents = [
            (
                torch.autograd.grad(
                    opponent.loss, parameters, retain_graph=True, allow_unused=True
                ),
                opponent.weight,
            )
            for opponent in value.opponents.values()
        ]

    def backward(self, loss: Tensor, *args: Any, **kwargs: Any) -> None:
        """Lightning's, and the student's gradient then turned away from its opponents'.

        That is before gradients are clipped, and for each batch by itself where several are
        accumulated. Lightning may have scaled the loss, and so its gradient.
        """
        if not self._opponents:
            super().backward(loss, *args, **kwargs)
            return
        (scale,) = torch.autograd.grad(loss, self._total, retain_graph=True)
        parameters = [p for p in self.model.parameters() if p.requires_grad]
        before = [p.grad for p in parameters]
        for parameter in parameters:
            parameter.grad = None
        super().backward(loss, *args, **kwargs)
        gradients = [p.grad for p in parameters]
        for theirs, weight in self._opponents:
            scaled = [None if h is None else self._over_processes(scale * h) for h in theirs]
            gradients = opposed(gradients, scaled, weight)
        for parameter, earlier, now in zip(parameters, before, gradients, strict=True):
            parameter.grad = now if earlier is None or now is None else earlier + now

    def _over_processes(self, gradient: Tensor) -> Tensor:
        """The mean over processes, which the total's gradients are already."""
        if self.trainer.world_size == 1:
            return gradient
        reduced: Tensor = self.trainer.strategy.reduce(gradient, reduce_op="mean")
        return reduced

    def validation_step(self, batch: Batch, batch_idx: int) -> None:  # noqa: ARG002
        """Keep the outputs; they are judged together at the end of the epoch."""
        outputs = run(self.model, batch.x, self.objective.student_features)
        # In mixed precision outputs are half as wide as what the objective's own layers expect.
        outputs = outputs.to(next(self.parameters()).dtype)
        self.validation.update(outputs, self.teacher_outputs("validation", batch), batch)

    def on_validation_epoch_end(self) -> None:
        """Log the objective over the split, its terms, and the group metrics."""
        shares, metrics = self.validation.compute(
            self.objective, dict(self.model.named_parameters()), self.model, self.certifier
        )
        self._record("val", {**shares, **metrics})

    def on_train_epoch_end(self) -> None:
        """Log the epoch's mean objective and write the epoch's row.

        Raises:
            DivergedError: the objective, on train or validation, is not a finite number.
        """
        means, self._trained = self._trained.means(), StepValues()
        self._record("train", means)
        # Where training went on after an epoch's validation, Lightning has forgotten its values.
        seen = self.trainer.callback_metrics
        lost = {name: value for name, value in self._row.items() if name not in seen}
        if lost:
            self.log_dict(lost, logger=False)
        check_finite(self.current_epoch, self._row)
        self.history.append({"epoch": float(self.current_epoch), **self._row})
        if self.logger is not None:
            self.logger.log_metrics(self._row, step=self.current_epoch)
        self._row = {}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add the rows of finished epochs, and what is known of the one under way."""
        steps = self._trained.listed()
        checkpoint[_PROGRESS] = {
            "history": [dict(row) for row in self.history],
            "row": dict(self._row),
            "totals": [step.pop(_LOSS) for step in steps],
            "terms": steps,
        }

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take up where the checkpoint was written; one of another program leaves this as it is."""
        found = checkpoint.get(_PROGRESS)
        if found is None:
            return
        self.history = [dict(row) for row in found["history"]]
        self._row = dict(found["row"])
        steps = zip(found["totals"], found["terms"], strict=True)
        self._trained = _steps([{_LOSS: total, **terms} for total, terms in steps], self.device)

    def _record(self, stage: str, values: Mapping[str, Tensor]) -> None:
        """Log the mean over processes, and keep it for the epoch's row."""
        for name, value in values.items():
            reduced = self.trainer.strategy.reduce(value.detach(), reduce_op="mean")
            self._row[f"{stage}/{name}"] = float(reduced)
        # For callbacks. The logger gets the row itself: what is logged passes through float32.
        names = [f"{stage}/{name}" for name in values]
        self.log_dict({name: self._row[name] for name in names}, logger=False)


def _steps(listed: Iterable[Mapping[str, Tensor]], device: torch.device) -> StepValues:
    found = StepValues()
    for values in listed:
        found.add({name: value.to(device) for name, value in values.items()})
    return found


class TeacherModule(ClassifierModule):
    """A model trained on labels alone: the teacher and, in the student's place, the control."""

    def __init__(
        self, model: nn.Module, optimizer: OptimizerFactory, blocks: Blocks, n_classes: int
    ) -> None:
        super().__init__(model, Objective(), optimizer, blocks, n_classes)


class StudentModule(ClassifierModule):
    """A student beside a teacher whose outputs were computed once and are found by row index.

    Rows that are augmented have no such outputs: the teacher computes theirs at every step.

    Args:
        teacher: the teacher's outputs on ``train`` and ``validation``.
        live: the teacher itself, for augmented rows.
    """

    def __init__(
        self,
        model: nn.Module,
        objective: Objective,
        optimizer: OptimizerFactory,
        blocks: Blocks,
        n_classes: int,
        teacher: Mapping[str, ModelOutputs],
        live: LiveTeacher | None = None,
        *,
        first_epoch: int = 0,
        certifier: Certifier | None = None,
    ) -> None:
        super().__init__(
            model,
            objective,
            optimizer,
            blocks,
            n_classes,
            first_epoch=first_epoch,
            certifier=certifier,
        )
        self._teacher = dict(teacher)
        self._live = live

    def on_fit_start(self) -> None:
        """Bring the teacher, or its outputs, to the device."""
        self._teacher = {split: kept.to(self.device) for split, kept in self._teacher.items()}
        if self._live is not None:
            self._live.to(self.device)

    def teacher_outputs(self, split: str, batch: Batch) -> ModelOutputs | None:
        """The teacher's outputs for these rows of the split: looked up, or live where augmented.

        Returns:
            ``None`` for augmented rows of an objective that reads no teacher.

        Raises:
            ConfigError: the rows are augmented, and there are only outputs of the rows as they
                were.
        """
        if not isinstance(batch, Augmented):
            return self._teacher[split].rows(batch.index)
        if not self.objective.needs_teacher:
            return None
        if self._live is None:
            raise ConfigError(
                "These rows are augmented and the teacher's outputs are of the rows as they were; "
                "give the student its live teacher (StudentModule's live), or leave "
                "trainer.augmentation empty."
            )
        return self._live(batch.x)
