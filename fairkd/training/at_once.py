"""Train what is not trained by steps of its own: a fitted classifier, several models as one."""

import logging
from dataclasses import replace

import numpy as np
from torch import nn

from fairkd.data.dataset import Dataset
from fairkd.models.classifier import Classifier
from fairkd.models.ensemble import Ensemble
from fairkd.training.fit import Fitted, TrainerSettings
from fairkd.training.inference import outputs_on
from fairkd.training.objective import Objective
from fairkd.training.randomness import seeded
from fairkd.training.validation import Validation

log = logging.getLogger(__name__)


def fit_at_once(
    model: Classifier | Ensemble, dataset: Dataset, settings: TrainerSettings, seed: int
) -> Fitted:
    """Train the model in place, and judge it as an epoch is judged.

    Args:
        model: to train.
        dataset: prepared splits.
        settings: of an ensemble's members; a classifier has none.
        seed: of a classifier's random numbers; of an ensemble's members each gets one derived from
            it.

    Raises:
        FairkdError: a member diverged, or a classifier refuses the data.
    """
    if isinstance(model, Ensemble):
        _fit_members(model, dataset, settings, seed)
    else:
        train = dataset.splits["train"]
        with seeded(seed):
            model.fit_rows(train.x, train.y, train.weight)
    return judged(model, dataset)


def _fit_members(
    ensemble: Ensemble, dataset: Dataset, settings: TrainerSettings, seed: int
) -> None:
    # The stack trains with `fit` itself, which comes here.
    from fairkd.training.stack.member import Member
    from fairkd.training.stack.together import train_together

    names = list(ensemble.members)
    seeds = np.random.SeedSequence(seed).generate_state(len(names))
    members = [
        Member(ensemble.members[name], Objective(), replace(settings), int(own), dataset)
        for name, own in zip(names, seeds, strict=True)
    ]
    for name, outcome in zip(names, train_together(members), strict=True):
        if isinstance(outcome, Exception):
            raise outcome
        log.info("%s: best epoch %d.", name, outcome.fitted.best_epoch + 1)
        ensemble.members[name] = outcome.model


def judged(model: nn.Module, dataset: Dataset) -> Fitted:
    """What a model that is not trained by steps leaves: one epoch's row."""
    validation = Validation(dataset.blocks, len(dataset.classes))
    row: dict[str, float] = {}
    for stage, name in (("train", "train"), ("val", "validation")):
        split = dataset.splits[name]
        validation.update(outputs_on(model, split), None, split)
        terms, metrics = validation.compute(Objective(), None)
        found = terms if stage == "train" else {**terms, **metrics}
        row |= {f"{stage}/{key}": float(value) for key, value in found.items()}
    return Fitted([{"epoch": 0.0, **row}], 0)
