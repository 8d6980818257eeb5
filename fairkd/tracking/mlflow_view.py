"""How MLflow's page of an experiment's runs opens: which view, which columns, in which order.

MLflow keeps a view that someone shares as a tag of the experiment, and the page's address names
the tag. Ours is written where the experiment is made.
"""

import json
from collections.abc import Mapping

from fairkd.tracking.interface import COMPARED

KEY = "fairkd"
VIEW = f"mlflow.sharedViewState.{KEY}"
KIND = {"mlflow.experimentKind": "custom_model_development"}
"""MLflow's pages are about language models unless an experiment says that it trains models."""

PARAMETERS = ("distillation.temperature", "constraint.weight")
TAGS = ("fairkd.method", "fairkd.seed")

_FIRST = ("attributes.`Run Name`", "attributes.`Created`")
_LAST = ("attributes.`Dataset`", "attributes.`Models`")
_WIDTHS = {
    "test/disparity_change": 160,
    "distillation.temperature": 170,
    "constraint.weight": 130,
    "fairkd.method": 230,
}
_WIDTH = 110


def experiment_tags() -> dict[str, str]:
    """The tags of an experiment by which its pages open as they should."""
    return {**KIND, VIEW: json.dumps(_state())}


def address(experiment_id: str, tags: Mapping[str, str]) -> str:
    """The part of the address, after the server's, of an experiment's runs in our view.

    Args:
        experiment_id: MLflow's.
        tags: the experiment's; without the view's the page opens as MLflow has it.
    """
    view = f"&viewStateShareKey={KEY}" if VIEW in tags else ""
    return f"#/experiments/{experiment_id}/runs?workflowType=machine_learning{view}"


def _state() -> dict[str, object]:
    """The state of the page, with MLflow's own names."""
    named = {"metrics": COMPARED, "params": PARAMETERS, "tags": TAGS}
    widths = {
        f"{kind}.`{name}`": _WIDTHS.get(name, _WIDTH)
        for kind, names in named.items()
        for name in names
    }
    return {
        "selectedColumns": [*widths, *_LAST],
        "columnOrder": [*_FIRST, *widths, *_LAST],
        "columnWidths": widths,
    }
