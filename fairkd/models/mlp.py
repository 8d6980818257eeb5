"""A multilayer perceptron that names its hidden layers."""

from collections.abc import Sequence

from torch import Tensor, nn

from fairkd import checks

_ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
}


class MLP(nn.Module):
    """Fully connected layers ``hidden1``, ``hidden2``, ... and a linear ``head``.

    A feature named ``hidden2`` is the second hidden layer after its activation and dropout, shape
    ``[B, hidden[1]]``.

    Args:
        in_features: width of ``x`` once flattened.
        n_classes: number of logits.
        hidden: width of each hidden layer; at least one.
        activation: ``relu``, ``gelu``, ``silu`` or ``tanh``.
        dropout: probability of dropping a hidden unit while training.

    Raises:
        ConfigError: a width below 1, an unknown activation, or a probability outside 0 to 0.95.
    """

    def __init__(
        self,
        in_features: int,
        n_classes: int,
        hidden: Sequence[int] = (64,),
        activation: str = "relu",
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        checks.choice("activation", activation, tuple(_ACTIVATIONS))
        checks.number("dropout", dropout, least=0.0, most=0.95)
        checks.whole("the number of hidden layers", len(hidden), least=1)
        width = in_features
        for depth, units in enumerate(hidden, start=1):
            checks.whole("hidden", units, least=1)
            layers: list[nn.Module] = [nn.Linear(width, units), _ACTIVATIONS[activation]()]
            if dropout > 0:
                layers.append(nn.Dropout(dropout))
            self.add_module(f"hidden{depth}", nn.Sequential(*layers))
            width = units
        self.head = nn.Linear(width, n_classes)
        self.feature_names = tuple(f"hidden{depth}" for depth in range(1, len(hidden) + 1))

    def forward(self, x: Tensor) -> Tensor:
        """Logits, shape ``[B, C]``, of ``x``, shape ``[B, ...]``."""
        x = x.flatten(1)
        for name in self.feature_names:
            x = self.get_submodule(name)(x)
        logits: Tensor = self.head(x)
        return logits
