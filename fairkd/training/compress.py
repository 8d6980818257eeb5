"""Make a trained student smaller, and let it learn again what that cost it."""

import copy
import functools
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor, nn

from fairkd import checks
from fairkd.data.dataset import Dataset
from fairkd.evaluation.compression import work
from fairkd.models.features import ModelOutputs
from fairkd.models.int8 import Int8, check_quantisable, quantised
from fairkd.models.pruning import check_restorable, mask_weights, remove_units, settle, shaped_like
from fairkd.training.distil import Distillation, Recipe, Trained, connected, student_module
from fairkd.training.fit import Fitted, fit, steps_per_epoch
from fairkd.training.objective import Objective
from fairkd.training.validation import judged

GRANULARITIES = ("weights", "units")
TEACHES = ("objective", "labels")
METHODS = ("dynamic", "static")
_FEW_ROWS = 2
_LABELS = Distillation(lambda start: Objective())  # noqa: ARG005


@dataclass(frozen=True)
class Beside:
    """What a student was trained beside, and may be trained beside again.

    Attributes:
        recipe: the student's.
        distillation: its objective.
        teacher: trained.
        outputs: the teacher's, as `fairkd.training.distil.train_student` takes them.
        dataset: prepared splits.
    """

    recipe: Recipe
    distillation: Distillation
    teacher: nn.Module
    outputs: Mapping[str, ModelOutputs]
    dataset: Dataset


@runtime_checkable
class Compression(Protocol):
    """Makes a smaller model out of a trained one."""

    @property
    def trained_epochs(self) -> int:
        """Passes over the training rows, at most."""

    def check(self, model: nn.Module, dataset: Dataset) -> nn.Module:
        """Refuse, before anything trains, what `compress` could not do.

        Args:
            model: untrained; it is left as it is.
            dataset: prepared splits.

        Returns:
            A model of the kind that comes out.

        Raises:
            ConfigError: a model of this kind cannot be compressed, or a library is missing.
        """

    def compress(self, model: nn.Module, beside: Beside) -> Trained:
        """The smaller model; the given one is left as it is.

        Raises:
            FairkdError: the model cannot be compressed, or training diverged.
        """

    def restored(self, model: nn.Module, state: Mapping[str, Tensor]) -> nn.Module:
        """The smaller model again, from its state.

        Args:
            model: what it was made from, or one of that architecture.
            state: of the smaller model.
        """


@dataclass(frozen=True)
class Prune:
    """Take out the smallest weights, or the weakest units, and train on without them.

    The share that is taken out rises over the rounds, each followed by training, as
    s (1 - (1 - r/n)^3) in round r of n. (Zhu and Gupta, "To prune, or not to prune", 2017.)

    Args:
        sparsity: share of the weights, or of each layer's units, from above 0 to below 1.
        granularity: ``weights``, by `fairkd.models.pruning.mask_weights`, or ``units``, by
            `fairkd.models.pruning.remove_units`.
        rounds: in how many steps.
        epochs: of training after each of them; 0 is none.
        learning_rate: of that training; ``None``: as the student's.
        teaches: what it learns from: ``objective``, all that the student learned from (its schedule
            at the end, connectors anew), or ``labels``.

    Raises:
        ConfigError: a value out of its range.
    """

    sparsity: float
    granularity: str = "weights"
    rounds: int = 1
    epochs: int = 10
    learning_rate: float | None = None
    teaches: str = "objective"

    def __post_init__(self) -> None:
        """Check every range."""
        checks.number("sparsity", self.sparsity, above=0.0, most=0.999)
        checks.choice("granularity", self.granularity, GRANULARITIES)
        checks.whole("rounds", self.rounds, least=1)
        checks.whole("epochs", self.epochs)
        if self.learning_rate is not None:
            checks.number("learning_rate", self.learning_rate, above=0.0)
        checks.choice("teaches", self.teaches, TEACHES)

    @property
    def trained_epochs(self) -> int:
        """See `Compression`."""
        return self.rounds * self.epochs

    def check(self, model: nn.Module, dataset: Dataset) -> nn.Module:
        """See `Compression`."""
        pruned = copy.deepcopy(model)
        self._take_out(pruned, model, self.sparsity, dataset)
        settle(pruned)
        if self.granularity == "units":
            check_restorable(model, pruned, dataset.splits["train"].rows(slice(_FEW_ROWS)).floats)
        return pruned

    def compress(self, model: nn.Module, beside: Beside) -> Trained:
        """See `Compression`."""
        began = time.perf_counter()
        pruned = copy.deepcopy(model).cpu()
        seeds = np.random.SeedSequence(beside.recipe.seed).generate_state(self.rounds)
        history: list[dict[str, float]] = []
        best = 0
        for number, seed in enumerate(seeds, start=1):
            self._take_out(pruned, model, self._share(number), beside.dataset)
            found = self._train(pruned, int(seed), beside)
            settle(pruned)
            best = len(history) + found.best_epoch
            history += [
                {**row, "epoch": float(len(history) + e)} for e, row in enumerate(found.history)
            ]
        rows = beside.dataset.splits["train"].size
        steps = self.rounds * self.epochs * steps_per_epoch(beside.recipe.settings, rows)
        seconds = time.perf_counter() - began
        return Trained(pruned.eval(), Fitted(history, best), seconds, steps)

    def restored(self, model: nn.Module, state: Mapping[str, Tensor]) -> nn.Module:
        """See `Compression`."""
        return shaped_like(model, state)

    def _share(self, number: int) -> float:
        return self.sparsity * (1 - (1 - number / self.rounds) ** 3)

    def _take_out(
        self, pruned: nn.Module, whole: nn.Module, share: float, dataset: Dataset
    ) -> None:
        if self.granularity == "weights":
            mask_weights(pruned, share)
        else:
            few = dataset.splits["train"].rows(slice(_FEW_ROWS)).floats
            remove_units(pruned, few, share, whole)

    def _train(self, model: nn.Module, seed: int, beside: Beside) -> Fitted:
        if not self.epochs:
            return Fitted.at_once(judged(model.eval(), beside.dataset))
        optimizer = beside.recipe.settings.optimizer
        if self.learning_rate is not None:
            optimizer = functools.partial(
                optimizer,
                lr=self.learning_rate,  # type: ignore[call-arg]  # every optimiser's
            )
        settings = replace(beside.recipe.settings, max_epochs=self.epochs, optimizer=optimizer)
        recipe = replace(beside.recipe, settings=settings, seed=seed)
        distillation = beside.distillation if self.teaches == "objective" else _LABELS
        objective = connected(model, seed, distillation, beside.teacher, beside.dataset)
        module = student_module(
            model,
            objective,
            recipe,
            beside.teacher,
            beside.outputs,
            beside.dataset,
            first_epoch=beside.recipe.settings.max_epochs,
        )
        return fit(module, beside.dataset, settings, seed=seed, callbacks=recipe.callbacks())


@dataclass(frozen=True)
class Quantise:
    """Weights and inputs of eight bits, without further training: `fairkd.models.int8.quantised`.

    Args:
        method: ``static`` finds the inputs' scales once, from training rows, ``dynamic`` for every
            row anew.
        calibration_rows: so many training rows, evenly spread over all of them, show a static
            quantisation the values' range.

    Raises:
        ConfigError: a value out of its range.
    """

    method: str = "static"
    calibration_rows: int = 512

    def __post_init__(self) -> None:
        """Check every range."""
        checks.choice("method", self.method, METHODS)
        checks.whole("calibration_rows", self.calibration_rows, least=2)

    @property
    def trained_epochs(self) -> int:
        """See `Compression`."""
        return 0

    def check(self, model: nn.Module, dataset: Dataset) -> nn.Module:
        """See `Compression`."""
        check_quantisable(model, dataset.splits["train"].rows(slice(_FEW_ROWS)).floats)
        return Int8()

    def compress(self, model: nn.Module, beside: Beside) -> Trained:
        """See `Compression`."""
        began = time.perf_counter()
        rows = beside.dataset.splits["train"]
        # Rows may be sorted, by class or by group: the first ones would show some of them alone.
        chosen = torch.linspace(0, rows.size - 1, min(self.calibration_rows, rows.size)).long()
        spread = rows.rows(chosen).floats
        small = quantised(
            model,
            spread,
            work(model, spread[:1]),
            static=self.method == "static",
        )
        fitted = Fitted.at_once(judged(small.eval(), beside.dataset))
        return Trained(small, fitted, time.perf_counter() - began, 0)

    def restored(self, model: nn.Module, state: Mapping[str, Tensor]) -> nn.Module:  # noqa: ARG002
        """See `Compression`."""
        small = Int8()
        small.load_state_dict(state)
        return small.eval()
