"""Fairness-aware knowledge distillation, tracked and compared.

What did distillation do to each group of people, and what does it cost to keep that within a bound?
Importing this package imports nothing heavy; each room is imported where it is used.
"""

import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fairkd.estimator import AccuracyParity as AccuracyParity
    from fairkd.estimator import DemographicParity as DemographicParity
    from fairkd.estimator import EqualizedOdds as EqualizedOdds
    from fairkd.estimator import EqualOpportunity as EqualOpportunity
    from fairkd.estimator import FairDistiller as FairDistiller
    from fairkd.estimator import PredictiveEquality as PredictiveEquality

__version__ = "0.1.0"

_ESTIMATOR = (
    "AccuracyParity",
    "DemographicParity",
    "EqualOpportunity",
    "EqualizedOdds",
    "FairDistiller",
    "PredictiveEquality",
)

# Hydra looks for plugins in a folder named hydra_plugins anywhere on the path.
_PLUGINS = str(Path(__file__).parent / "_plugins")
if _PLUGINS not in sys.path:
    sys.path.append(_PLUGINS)


def __getattr__(name: str) -> Any:
    """The estimator's names, imported when they are asked for."""
    if name in _ESTIMATOR:
        return getattr(import_module("fairkd.estimator"), name)
    raise AttributeError(f"module 'fairkd' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted({*globals(), *_ESTIMATOR})
