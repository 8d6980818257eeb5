"""Multinomial logistic regression."""

from torch import Tensor, nn


class Linear(nn.Module):
    """One linear layer from ``x`` to the logits; it has no intermediate feature.

    Args:
        in_features: width of ``x`` once flattened.
        n_classes: number of logits.
    """

    def __init__(self, in_features: int, n_classes: int) -> None:
        super().__init__()
        self.head = nn.Linear(in_features, n_classes)
        self.feature_names: tuple[str, ...] = ()

    def forward(self, x: Tensor) -> Tensor:
        """Logits, shape ``[B, C]``, of ``x``, shape ``[B, ...]``."""
        logits: Tensor = self.head(x.flatten(1))
        return logits
