"""Networks by name, or made by a function of the user's."""

from collections.abc import Callable
from functools import partial
from typing import Any

from sklearn.ensemble import HistGradientBoostingClassifier
from torch import nn

from fairkd.errors import ConfigError, unknown_name
from fairkd.models.classifier import Classifier
from fairkd.models.linear import Linear
from fairkd.models.mlp import MLP

Maker = Callable[[int, int], Any]
"""Makes an untrained model from the number of prepared features and of classes."""

STUDENTS: dict[str, Maker] = {"linear": Linear, "mlp": partial(MLP, hidden=(64,))}
TEACHERS: dict[str, Maker] = {
    "linear": Linear,
    "mlp": partial(MLP, hidden=(256, 256), dropout=0.5),
    "gradient_boosting": lambda n, c: Classifier(HistGradientBoostingClassifier(), n, c),
}
"""Networks as ``conf/student`` and ``conf/teacher`` have them under the same names."""
TEACHERS_WEIGHT_DECAY = {"mlp": 1e-4}
"""Of the teachers that have one of their own, as there."""


def student_maker(given: object) -> Maker:
    """What makes a student.

    Raises:
        ConfigError: no known name and no function.
    """
    return _maker("student", given, STUDENTS)


def teacher_maker(given: object) -> Maker:
    """What makes a teacher that is to be trained.

    Raises:
        ConfigError: no known name and no function.
    """
    return _maker("teacher", given, TEACHERS)


def build(role: str, make: Maker, in_features: int, n_classes: int) -> nn.Module:
    """The untrained model.

    Raises:
        ConfigError: it cannot be made, or is no module.
    """
    try:
        model = make(in_features, n_classes)
    except TypeError as error:
        raise ConfigError(
            f"{role} cannot be made with ({in_features}, {n_classes}): {error}; accepted: a "
            "function or class that takes the number of features and the number of classes."
        ) from error
    if not isinstance(model, nn.Module):
        raise ConfigError(f"{role} makes a {type(model).__name__}; accepted: a torch.nn.Module.")
    return model


def _maker(role: str, given: object, named: dict[str, Maker]) -> Maker:
    if isinstance(given, nn.Module):
        raise ConfigError(
            f"{role} is a module that is already made, a {type(given).__name__}; give the function "
            "or class that makes it: it takes the number of features and the number of classes."
        )
    if callable(given):
        return given
    if given in named:
        return named[str(given)]
    raise ConfigError(unknown_name(role, given, named) + " Or a function that makes a module.")
