"""Several teachers as one."""

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn

from fairkd import checks
from fairkd.errors import ConfigError, unknown_name
from fairkd.models.inputs import input_of
from fairkd.models.probabilities import log_probabilities

COMBINATIONS = ("mean_logits", "mean_probabilities")
_LEARNED = "learned"


class Ensemble(nn.Module):
    """The mean of several models' logits, or the logarithm of the mean of their probabilities.

    Each member is trained by itself (see `fairkd.training.at_once`), from weights of its own.
    The members' own logits are features, ``members.<name>``, shape ``[B, C]``.

    Args:
        in_shape: of a row.
        n_classes: C.
        members: what makes each member, by name; called with ``in_features`` or ``in_shape``, and
            ``n_classes``.
        combine: ``mean_logits`` or ``mean_probabilities``.
        weights: how much each member counts, by name; ``None``: all alike. They are divided by
            their sum. ``learned``: all alike until whoever trains the members sets the buffer
            ``weights`` (see `fairkd.training.member_weights`).

    Attributes:
        learns_weights: whether the weights are to be learned.

    Raises:
        ConfigError: fewer than two members, an unknown name or combination, or weights that cannot
            be.
    """

    weights: Tensor

    def __init__(
        self,
        in_shape: Sequence[int],
        n_classes: int,
        members: Mapping[str, Callable[..., nn.Module]],
        combine: str = "mean_logits",
        weights: Mapping[str, float] | str | None = None,
    ) -> None:
        super().__init__()
        checks.whole("the number of members", len(members), least=2)
        self.combine = checks.choice("combine", combine, COMBINATIONS)
        self.members = nn.ModuleDict(
            {
                name: maker(**input_of(maker, in_shape), n_classes=n_classes)
                for name, maker in members.items()
            }
        )
        self.learns_weights = weights == _LEARNED
        given = _checked(weights, members)
        self.register_buffer("weights", torch.tensor(given) / sum(given))
        self.feature_names = tuple(f"members.{name}" for name in members)

    def forward(self, x: Tensor) -> Tensor:
        """The combined logits, shape ``[B, C]``."""
        every = torch.stack([member(x) for member in self.members.values()])
        weights = self.weights[:, None, None].to(every.dtype)
        if self.combine == "mean_logits":
            return (weights * every).sum(0)
        return (weights.log() + log_probabilities(every)).logsumexp(0)


def _checked(weights: object, members: Mapping[str, object]) -> list[float]:
    if weights is None or weights == _LEARNED:
        return [1.0] * len(members)
    if not isinstance(weights, Mapping):
        raise ConfigError(
            f"weights={checks.as_typed(weights)} is not known; accepted: learned, null for all "
            "alike, or how much each member counts, as {a:2,b:1}."
        )
    for name in weights:
        if name not in members:
            raise ConfigError(unknown_name("member in weights", name, members))
    given = [checks.number(f"weights.{n}", weights.get(n, 0.0), least=0.0) for n in members]
    if not sum(given):
        raise ConfigError("weights are all 0; give at least one member a weight above 0.")
    return given
