"""Refusals as scikit-learn expects them: a `ValueError`, its text about arguments and not keys."""

from collections.abc import Iterator
from contextlib import contextmanager

from fairkd.errors import FairkdError

_ARGUMENTS = (
    (" or a lower data.rare_groups.limit", ""),
    ("merge rare cells with data.rare_groups when training", "merge rare groups before fitting"),
    ("data.use_groups_as_features=true", "use_groups_as_features=True"),
    ("data.groups", "sensitive_features"),
    ("data.validation_fraction", "validation_fraction"),
    (" Logits: set holds=logits.", ""),
    ("evaluation.confidence", "confidence"),
    ("(optimizer.lr) or set gradient_clip_val", "(learning_rate)"),
)


class RefusedError(FairkdError, ValueError):
    """Rows or an argument that `FairDistiller` cannot work with."""


@contextmanager
def refusals() -> Iterator[None]:
    """Let what the block refuses name arguments of Python in place of configuration keys.

    Raises:
        RefusedError: in place of any other `FairkdError`.
    """
    try:
        yield
    except RefusedError:
        raise
    except FairkdError as error:
        text = str(error)
        for key, argument in _ARGUMENTS:
            text = text.replace(key, argument)
        raise RefusedError(text) from error
