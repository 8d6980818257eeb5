"""What a model's maker is told of the data: the shape of a row, or its width."""

import inspect
import math
from collections.abc import Callable, Sequence
from typing import Any


def input_of(maker: Callable[..., Any], shape: Sequence[int]) -> dict[str, Any]:
    """The argument by which a model learns what it gets.

    Args:
        maker: a class, function or partial call; it takes ``in_shape`` (models of images) or
            ``in_features``.
        shape: of one row.
    """
    try:
        asks_for_shape = "in_shape" in inspect.signature(maker).parameters
    except (TypeError, ValueError):  # calling it will say what is wrong
        asks_for_shape = False
    return {"in_shape": tuple(shape)} if asks_for_shape else {"in_features": math.prod(shape)}
