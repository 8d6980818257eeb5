"""The tracking store of a configuration."""

from copy import copy

from omegaconf import DictConfig, open_dict

from fairkd.commands.building.made import made
from fairkd.tracking.interface import Tracking

FIGURES = "figures"
"""The one key of the section ``tracking`` that is no argument of the store."""


def build_tracking(config: DictConfig) -> Tracking:
    """The tracking store, not yet prepared."""
    section = copy(config.tracking)  # beside its place, for what it refers to
    with open_dict(section):
        section.pop(FIGURES, None)
    tracking: Tracking = made("tracking", section)
    return tracking
