"""Train the three models of a trio, each from its seed to its best epoch."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytorch_lightning as pl
import torch
from pytorch_lightning.loggers import Logger
from torch import Tensor, nn

from fairkd.data.dataset import Dataset
from fairkd.errors import ConfigError, FairkdError, first_line
from fairkd.evaluation.certificate import Certifier
from fairkd.models.answers import Answers
from fairkd.models.features import ModelOutputs, run
from fairkd.models.given.given import Given
from fairkd.models.given.outputs import sums_to_one
from fairkd.models.slicing import start_from_teacher
from fairkd.training.balance import Balance
from fairkd.training.fit import Fitted, TrainerSettings, fit, steps_per_epoch
from fairkd.training.inference import outputs_of
from fairkd.training.live import LiveTeacher
from fairkd.training.modules import StudentModule, TeacherModule
from fairkd.training.objective import Objective
from fairkd.training.randomness import seeded
from fairkd.training.validation import judged

log = logging.getLogger(__name__)

_FEW_ROWS = 2


@dataclass(frozen=True)
class Recipe:
    """How a model is made and trained.

    Attributes:
        build: makes the untrained model; its random values come from the global generators.
        settings: how it trains.
        seed: of its initial weights and batch order.
        callbacks: makes the user's own Lightning callbacks.
        given: what it is or says already: then there is nothing to train.
        lesson: what a teacher was taught itself; ``None`` for one that learns from labels.
        balance: of a teacher: how its last layer is retrained at the end; ``None`` leaves it.
    """

    build: Callable[[], nn.Module]
    settings: TrainerSettings
    seed: int
    callbacks: Callable[[], Sequence[pl.Callback]] = tuple
    given: Given | None = None
    lesson: "Lesson | None" = None
    balance: Balance | None = None

    def __post_init__(self) -> None:
        """A model that is given is taught nothing."""
        if self.given is not None and (self.lesson is not None or self.balance is not None):
            raise ConfigError(f"{self.given.source} gives the model, so nothing can train it.")

    @property
    def from_labels(self) -> bool:
        """Whether it is trained, and on labels alone."""
        return self.given is None and self.lesson is None

    def initial(self) -> nn.Module:
        """The model before training: the same weights for the same seed."""
        with seeded(self.seed):
            return self.build()

    def restored(self, state: Mapping[str, Tensor]) -> nn.Module:
        """The model with the weights that it had after training."""
        model = self.initial()
        model.load_state_dict(state)
        return model


@dataclass(frozen=True)
class Distillation:
    """What makes a student out of a recipe.

    Attributes:
        objective: makes the objective; given the starting weights, which it may pull towards.
        from_teacher: start from the slice of the teacher's weights that fits.
        certifier: tests the epochs at the end; ``None`` where nothing is certified.
    """

    objective: Callable[[Mapping[str, Tensor]], Objective]
    from_teacher: bool = False
    certifier: Certifier | None = None


@dataclass(frozen=True)
class Lesson:
    """How a teacher is taught by another one.

    Attributes:
        teacher: makes and trains that other one.
        distillation: what is learned from it.
    """

    teacher: Recipe
    distillation: Distillation


@dataclass(frozen=True)
class Trained:
    """A trained model, in evaluation mode on the CPU.

    Attributes:
        model: with the weights of its best epoch.
        fitted: its epochs.
        seconds: wall time of training.
        steps: optimiser steps taken; 0 for one that was not trained.
        reused: whether it was trained by an earlier job.
        together: how many models trained as one stack with it; 1 for a lone one.
    """

    model: nn.Module
    fitted: Fitted
    seconds: float
    steps: int
    reused: bool = False
    together: int = 1


def train_on_labels(recipe: Recipe, dataset: Dataset, *, logger: Logger | None = None) -> Trained:
    """Train a teacher, or a control, on labels alone; take it as it is if it is given.

    Raises:
        FairkdError: what gives it does not fit.
        DivergedError: training diverged.
    """
    model = recipe.initial()
    if recipe.given is not None:
        recipe.given.fill(model, dataset)
        row = judged(model.eval(), dataset)
        _warn_of_other_order(recipe.given, row["val/accuracy"], dataset.classes)
        _warn_of_probabilities(recipe.given, model)
        return Trained(model, Fitted.at_once(row), 0.0, 0)
    module = TeacherModule(model, recipe.settings.optimizer, dataset.blocks, len(dataset.classes))
    return _fit(module, recipe, dataset, logger, None)


def _warn_of_other_order(given: Given, accuracy: float, classes: Sequence[str]) -> None:
    if accuracy * len(classes) < 1:
        log.warning(
            "%s: the most likely class is right on %.1f%% of the validation rows, less than by "
            "chance; are its outputs in the order %s?",
            given.source,
            100 * accuracy,
            ", ".join(classes),
        )


def _warn_of_probabilities(given: Given, model: nn.Module) -> None:
    if isinstance(model, Answers) and sums_to_one(model.logits.double().numpy()).all():
        log.warning(
            "%s: every row of its logits sums to 1, as probabilities do; if they are, set "
            "teacher.holds=probabilities.",
            given.source,
        )


def train_student(
    recipe: Recipe,
    distillation: Distillation,
    teacher: nn.Module,
    teacher_outputs: Mapping[str, ModelOutputs],
    dataset: Dataset,
    *,
    logger: Logger | None = None,
    checkpoint: Path | None = None,
) -> Trained:
    """Train a student beside its teacher.

    Where its rows are augmented the teacher computes their outputs at every step.

    Args:
        recipe: the student's model and trainer.
        distillation: its objective and its start.
        teacher: the trained teacher.
        teacher_outputs: its outputs on ``train`` and ``validation``, with every feature that the
            objective reads.
        dataset: prepared splits.
        logger: where Lightning sends what is logged.
        checkpoint: file for a Lightning checkpoint of the end state.
    """
    model, objective = assemble_student(recipe, distillation, teacher, dataset)
    module = student_module(
        model,
        objective,
        recipe,
        teacher,
        teacher_outputs,
        dataset,
        certifier=distillation.certifier,
    )
    return _fit(module, recipe, dataset, logger, checkpoint)


def student_module(
    model: nn.Module,
    objective: Objective,
    recipe: Recipe,
    teacher: nn.Module,
    teacher_outputs: Mapping[str, ModelOutputs],
    dataset: Dataset,
    *,
    first_epoch: int = 0,
    certifier: Certifier | None = None,
) -> StudentModule:
    """A student ready to train; its objective has learned from the teacher's outputs.

    Args:
        model: to train.
        objective: connected.
        recipe: whose optimiser, and augmentation, train it.
        teacher: trained.
        teacher_outputs: as `train_student`.
        dataset: prepared splits.
        first_epoch: what the objective takes the first epoch for.
        certifier: see `Distillation`.
    """
    objective.learn(teacher_outputs, dataset.splits)
    return StudentModule(
        model,
        objective,
        recipe.settings.optimizer,
        dataset.blocks,
        len(dataset.classes),
        {split: teacher_outputs[split] for split in ("train", "validation")},
        live_teacher(recipe.settings, objective, teacher),
        first_epoch=first_epoch,
        certifier=certifier,
    )


def live_teacher(
    settings: TrainerSettings, objective: Objective, teacher: nn.Module | None
) -> LiveTeacher | None:
    """What a student asks at every step; ``None`` where nothing is asked, or looked up."""
    if teacher is None or not settings.augmentation or not objective.needs_teacher:
        return None
    return LiveTeacher(teacher, objective.teacher_features)


def assemble_student(
    recipe: Recipe, distillation: Distillation, teacher: nn.Module, dataset: Dataset
) -> tuple[nn.Module, Objective]:
    """The untrained student and its objective, with both models' layers connected.

    The teacher may be untrained: then this only shows whether everything fits.

    Raises:
        ConfigError: an unknown layer, shapes that do not meet, a start that does not fit.
    """
    model = recipe.initial()
    if distillation.from_teacher:
        start_from_teacher(model, teacher)
    return model, connected(model, recipe.seed, distillation, teacher, dataset)


def connected(
    model: nn.Module,
    seed: int,
    distillation: Distillation,
    teacher: nn.Module,
    dataset: Dataset,
) -> Objective:
    """The objective of a student that starts from the weights which the model has now.

    The model is left ready to train.

    Raises:
        ConfigError: an unknown layer, shapes that do not meet.
    """
    objective = distillation.objective(dict(model.named_parameters()))
    few = dataset.splits["train"].rows(slice(_FEW_ROWS)).floats
    with torch.inference_mode(), _told_of("student", model, few):
        ours = run(model.eval(), few, objective.student_features)
    teacher.eval()
    with _told_of("teacher", teacher, few):
        theirs = outputs_of(teacher, dataset, "train", objective.teacher_features, rows=_FEW_ROWS)
    for role, outputs in {"student": ours, "teacher": theirs}.items():
        expected = (len(few), len(dataset.classes))
        if outputs.logits.shape != expected:
            raise ConfigError(
                f"The {role} gives logits of shape {list(outputs.logits.shape)} for {len(few)} "
                f"rows; accepted: {list(expected)}, one logit for each class."
            )
    # A generator of its own: the student's weights are the same with and without projections.
    objective.connect(ours, theirs, torch.Generator().manual_seed(seed))
    model.train()
    return objective


@contextmanager
def _told_of(role: str, model: nn.Module, rows: Tensor) -> Iterator[None]:
    """Raises `ConfigError` for whatever a model of the user's own raises where it is first run."""
    try:
        yield
    except FairkdError:
        raise
    except Exception as error:
        raise ConfigError(
            f"The {role} ({type(model).__name__}) cannot be run on rows of shape "
            f"{list(rows.shape[1:])} ({type(error).__name__}: {first_line(error)}); "
            "it is to map them to logits."
        ) from error


def _fit(
    module: StudentModule | TeacherModule,
    recipe: Recipe,
    dataset: Dataset,
    logger: Logger | None,
    checkpoint: Path | None,
) -> Trained:
    began = time.perf_counter()
    fitted = fit(
        module,
        dataset,
        recipe.settings,
        seed=recipe.seed,
        logger=logger,
        callbacks=recipe.callbacks(),
        checkpoint=checkpoint,
        balance=recipe.balance,
    )
    seconds = time.perf_counter() - began
    per_epoch = steps_per_epoch(recipe.settings, dataset.splits["train"].size)
    return Trained(module.model.eval(), fitted, seconds, per_epoch * fitted.epochs)
