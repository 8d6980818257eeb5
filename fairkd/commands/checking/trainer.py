"""Refuse a model's layers, or a trainer, that cannot work."""

from collections.abc import Mapping

from fairkd import checks
from fairkd.commands.checking.values import Section
from fairkd.errors import ConfigError
from fairkd.training.ranges import check_ranges


def check_layers(prefix: str, model: Section) -> None:
    """The one value of a perceptron whose type its constructor cannot name in a user's words."""
    if model.get("_target_") != "fairkd.models.mlp.MLP" or "hidden" not in model:
        return
    hidden = model["hidden"]
    if not isinstance(hidden, list) or not hidden:
        raise ConfigError(
            f"{prefix}.hidden={hidden} is not a list of widths; accepted: one "
            "whole number for each hidden layer, at least one layer, as in "
            f"{prefix}.hidden=[64,32]."
        )
    for units in hidden:
        checks.whole(f"{prefix}.hidden", units, least=1)


def check_trainer(prefix: str, trainer: Section) -> None:
    """Check a trainer's settings."""
    check_ranges(trainer, f"{prefix}.")
    check_augmentation(f"{prefix}.augmentation", trainer.get("augmentation", {}))
    if "lr" in trainer["optimizer"]:
        checks.number(f"{prefix}.optimizer.lr", trainer["optimizer"]["lr"], above=0.0)
    if "weight_decay" in trainer["optimizer"]:
        decay = trainer["optimizer"]["weight_decay"]
        checks.number(f"{prefix}.optimizer.weight_decay", decay, least=0.0)


def check_augmentation(key: str, augmentation: object) -> None:
    """Check that every augmentation is a section with a target."""
    if not isinstance(augmentation, Mapping):
        raise ConfigError(
            f"{key}={checks.as_typed(augmentation)} is no mapping of names to augmentations; "
            "accepted: one, as in conf/augmentation, or {} for none."
        )
    for name, given in augmentation.items():
        if not isinstance(given, Mapping) or "_target_" not in given:
            raise ConfigError(
                f"{key}.{name}={checks.as_typed(given)} is no augmentation; accepted: a mapping "
                "with a _target_, as in conf/augmentation."
            )
