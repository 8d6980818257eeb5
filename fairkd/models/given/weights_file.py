"""A model whose trained weights are in a file."""

from dataclasses import dataclass
from pathlib import Path

from torch import nn

from fairkd.data.dataset import Dataset
from fairkd.models.weights import load_weights


@dataclass(frozen=True)
class WeightsFile:
    """Weights for a model of the same architecture, on data prepared as it was then.

    Attributes:
        path: see `load_weights`.
    """

    path: Path
    named_by = "weights"

    @property
    def source(self) -> str:
        """The file."""
        return str(self.path)

    def check(self, model: nn.Module, dataset: Dataset) -> None:
        """Refuse what `fill` refuses."""
        self.fill(model, dataset)

    def fill(self, model: nn.Module, dataset: Dataset) -> None:  # noqa: ARG002
        """Put the weights into the model.

        Raises:
            ConfigError: see `load_weights`.
        """
        load_weights(model, self.path)
