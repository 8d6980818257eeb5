"""How values are written into MLflow: parameters and tags as text, metrics, JSON."""

import hashlib
import json
import math
import time
from collections.abc import Mapping

from mlflow.entities import Metric

from fairkd.tracking.slug import accepted

PARAM_MOST = 6000
"""The most characters of a parameter that MLflow keeps."""
TAG_MOST = 8000


def shown(value: object, most: int) -> str:
    """A parameter's or tag's text, as one would type it: ``0.3``, ``1.0``, ``true``, ``null``.

    Args:
        value: text stays as it is; numbers, booleans and None as above; lists and mappings as JSON.
        most: the most characters; a longer text is cut and ends in its length and hash.
    """
    text = value if isinstance(value, str) else _typed(value)
    if len(text) <= most:
        return text
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    ending = f"... ({len(text)} characters, sha256 {digest})"
    return text[: most - len(ending)] + ending


def _typed(value: object) -> str:
    if isinstance(value, bool | None | list | tuple | dict):
        return json.dumps(value, default=str, ensure_ascii=False)
    return str(value)


def as_metrics(values: Mapping[str, float], step: int, moment: int) -> list[Metric]:
    """Values of one step; what is not finite becomes NaN.

    Args:
        values: by name.
        step: the step.
        moment: as `now`.
    """
    return [
        Metric(accepted(name), value if math.isfinite(value) else math.nan, moment, step)
        for name, value in ((name, float(value)) for name, value in values.items())
    ]


def as_json(value: object) -> str:
    """Plain values as standard JSON; a number that is not finite becomes ``null``."""
    try:
        return json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):  # as rare as undefined numbers, and walking it all takes longer
        return json.dumps(_finite(value), allow_nan=False)


def _finite(value: object) -> object:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value


def now() -> int:
    """The time in MLflow's milliseconds."""
    return int(time.time() * 1000)
