"""What a person should know of their data, said once however many jobs load it."""

import logging
from collections.abc import Sequence
from functools import cache

logger = logging.getLogger(__name__)


def tell_once(name: str, lines: Sequence[str]) -> None:
    """Log lines about a data set, once in this process.

    Args:
        name: of the data set.
        lines: at least one.
    """
    _tell(f"data={name}: " + "\n  ".join(lines))


@cache
def _tell(text: str) -> None:
    logger.info("%s", text)
