"""Train what is not trained by steps of its own: a fitted classifier, several models as one."""

import logging
from dataclasses import replace

import numpy as np
import torch

from fairkd.data.dataset import Dataset
from fairkd.models.classifier import Classifier
from fairkd.models.ensemble import Ensemble
from fairkd.training.balance import Balance
from fairkd.training.fit import Fitted, TrainerSettings
from fairkd.training.inference import outputs_on
from fairkd.training.member_weights import learned_weights
from fairkd.training.objective import Objective
from fairkd.training.randomness import deterministic, seeded, threads
from fairkd.training.validation import judged

log = logging.getLogger(__name__)


def fit_at_once(
    model: Classifier | Ensemble,
    dataset: Dataset,
    settings: TrainerSettings,
    seed: int,
    balance: Balance | None = None,
) -> Fitted:
    """Train the model in place, and judge it as an epoch is judged.

    Args:
        model: to train.
        dataset: prepared splits.
        settings: of an ensemble's members; a classifier has none.
        seed: of a classifier's random numbers; of an ensemble's members each gets one derived from
            it.
        balance: how the last layers of an ensemble's members are retrained.

    Raises:
        FairkdError: a member diverged, or a classifier refuses the data.
    """
    if isinstance(model, Ensemble):
        _fit_members(model, dataset, settings, seed, balance)
        if model.learns_weights:
            _learn_weights(model, dataset, settings)
    else:
        train = dataset.splits["train"]
        with seeded(seed):
            model.fit_rows(train.floats, train.y, train.weight)
    return Fitted.at_once(judged(model, dataset))


def _fit_members(
    ensemble: Ensemble,
    dataset: Dataset,
    settings: TrainerSettings,
    seed: int,
    balance: Balance | None,
) -> None:
    # The stack trains with `fit` itself, which comes here.
    from fairkd.training.stack.member import Member
    from fairkd.training.stack.together import train_together

    names = list(ensemble.members)
    seeds = np.random.SeedSequence(seed).generate_state(len(names))
    chosen = () if balance is None else balance.chosen(ensemble)
    own_balance = None if balance is None else replace(balance, members=None)
    members = [
        Member(
            ensemble.members[name],
            Objective(),
            replace(settings),
            int(own),
            dataset,
            balance=own_balance if name in chosen else None,
        )
        for name, own in zip(names, seeds, strict=True)
    ]
    for name, outcome in zip(names, train_together(members), strict=True):
        if isinstance(outcome, Exception):
            raise outcome
        retrained = ", its last layer retrained" if outcome.fitted.retrained else ""
        log.info("%s: best epoch %d%s.", name, outcome.fitted.kept_epoch + 1, retrained)
        ensemble.members[name] = outcome.model


def _learn_weights(ensemble: Ensemble, dataset: Dataset, settings: TrainerSettings) -> None:
    """On validation, as everything that selects."""
    split = dataset.splits["validation"]
    with deterministic(), threads(settings.threads):
        logits = torch.stack([outputs_on(m, split).logits for m in ensemble.members.values()])
        ensemble.weights.copy_(learned_weights(logits, split.y, split.weight, ensemble.combine))
    told = zip(ensemble.members, ensemble.weights.tolist(), strict=True)
    log.info("weights: %s.", ", ".join(f"{name} {weight:.3f}" for name, weight in told))
