"""How MLflow's page of an experiment's runs opens: which view, which columns, in which order.

MLflow keeps a view that someone shares as a tag of the experiment, and the page's address names
the tag. Ours is written where the experiment is made.
"""

import json
from collections.abc import Mapping

KEY = "fairkd"
VIEW = f"mlflow.sharedViewState.{KEY}"
KIND = {"mlflow.experimentKind": "custom_model_development"}
"""MLflow's pages are about language models unless an experiment says that it trains models."""

METRICS = ("test/accuracy", "test/disparity", "test/disparity_change", "test/holds")
PARAMETERS = ("distillation.temperature", "constraint.weight")
TAGS = ("fairkd.method", "fairkd.seed")
_WIDTHS = {"test/disparity_change": 170}


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
    columns = [
        *(f"metrics.`{name}`" for name in METRICS),
        *(f"params.`{name}`" for name in PARAMETERS),
        *(f"tags.`{name}`" for name in TAGS),
        "attributes.`Dataset`",
        "attributes.`Models`",
    ]
    return {
        "selectedColumns": columns,
        "columnWidths": {f"metrics.`{name}`": width for name, width in _WIDTHS.items()},
    }
