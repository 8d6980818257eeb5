"""A teacher that only answers: its logits for the rows of the data, and nothing behind them."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from fairkd.data.dataset import SPLITS
from fairkd.errors import ConfigError


class Answers(nn.Module):
    """What a model that is not trained here says about every row of the data.

    It has no weights, no layers and no gradient, and answers rows of the data alone: see `on`.
    Before it is told anything all classes are alike to it. Its state is the answers, so that a
    store of tensors holds them, and nothing of the file that they came from.

    Args:
        n_classes: C.
        in_features: width of ``x``; any.
    """

    logits: Tensor
    sizes: Tensor

    def __init__(self, n_classes: int, in_features: int = 0) -> None:  # noqa: ARG002
        super().__init__()
        self.feature_names: tuple[str, ...] = ()
        self._n_classes = n_classes
        self.register_buffer("logits", torch.empty(0, n_classes))
        self.register_buffer("sizes", torch.zeros(len(SPLITS), dtype=torch.int64))

    def tell(self, answers: Mapping[str, Tensor]) -> None:
        """Take the logits of each split's rows, shape ``[N, C]`` each, in the order of its rows."""
        given = [answers[split] for split in SPLITS]
        self.logits = torch.cat(given)
        self.sizes = torch.tensor([len(rows) for rows in given])

    def on(self, split: str) -> Tensor:
        """The logits of a split's rows, shape ``[N, C]``."""
        place = SPLITS.index(split)
        start = int(self.sizes[:place].sum())
        return self.logits[start : start + int(self.sizes[place])]

    def forward(self, x: Tensor) -> Tensor:
        """Logits, shape ``[B, C]``, of an untold teacher.

        Raises:
            ConfigError: it was told answers; which of them belong to ``x`` cannot be seen.
        """
        if len(self.logits):
            raise ConfigError(
                "The teacher's outputs are known for the rows of the data alone, and it was asked "
                "about others; give a teacher that can be run."
            )
        return x.new_zeros(len(x), self._n_classes)

    def _load_from_state_dict(
        self, state_dict: dict[str, Any], prefix: str, *arguments: Any, **keywords: Any
    ) -> None:
        """Take the answers for any number of rows."""
        given = state_dict.get(f"{prefix}logits")
        if given is not None:
            self.logits = torch.empty_like(given)
        super()._load_from_state_dict(state_dict, prefix, *arguments, **keywords)
