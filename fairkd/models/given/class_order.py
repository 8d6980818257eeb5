"""Which of a model's classes are the data's."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

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
        f"{', '.join(classes)}; give one that was fitted on the data's own, or on their places "
        f"0 to {len(classes) - 1}."
    )
