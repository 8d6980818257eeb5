"""Which of a model's classes are the data's."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from fairkd.checks import as_typed
from fairkd.data.values import as_text
from fairkd.errors import ConfigError


def class_order(given: Sequence[Any], classes: Sequence[str], path: str) -> list[int]:
    """Where each class of the data stands among a model's.

    Args:
        given: the model's classes, in its order: the data's names, or their places 0, 1, ...
        classes: the data's, in order.
        path: of the model, for the sentence.

    Raises:
        ConfigError: they are neither.
    """
    names = [str(name) for name in as_text(pd.Series(list(given)))]
    if sorted(names) == sorted(classes):
        return [names.index(name) for name in classes]
    if names == [str(place) for place in range(len(classes))]:
        return list(range(len(classes)))
    raise ConfigError(
        f"{path} knows the classes {', '.join(names)}, and those of the data are "
        f"{', '.join(classes)}; accepted: the data's own, or their places 0 to {len(classes) - 1}."
    )


def check_meant(columns: Sequence[str], classes: Sequence[str]) -> None:
    """Refuse columns that are called as classes and would be read as others.

    Raises:
        ConfigError: one column, of the first of two classes, or several in another order.
    """
    if len(columns) == 1 and len(classes) == 2 and columns[0] == classes[0]:
        raise ConfigError(
            f"The one column of outputs is called {columns[0]}, and one alone is read as that of "
            f"{classes[1]}; give that one, or one for each class."
        )
    if set(columns) == set(classes) and list(columns) != list(classes):
        raise ConfigError(
            f"columns={as_typed(list(columns))} are named as the classes, in another order; the "
            f"classes are {', '.join(classes)}, name the columns so."
        )
