"""Retrain a trained model's last layer on rows balanced over label and group."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from fairkd import checks
from fairkd.data.batch import Batch
from fairkd.data.dataset import Dataset
from fairkd.errors import ConfigError, unknown_name
from fairkd.models.ensemble import Ensemble
from fairkd.models.head import FEW_ROWS, linear_head
from fairkd.training.inference import outputs_on
from fairkd.training.last_layer import cell_weights, fit_last_layer
from fairkd.training.randomness import deterministic, threads
from fairkd.training.ranges import check_balance
from fairkd.training.validation import judged


@dataclass(frozen=True)
class Balance:
    """How a last layer is retrained.

    Deep feature reweighting: the network keeps the features that it learned, and its last layer is
    fitted anew on rows of which every cell of label and group weighs the same in total (see
    `fairkd.training.last_layer`).

    Attributes:
        by: the group block.
        rows: the split whose rows it is fitted on, ``train`` or ``validation``.
        members: of an ensemble, those whose last layers are retrained; ``None``: all.
        C: inverse strength of the L2 penalty, above 0.
    """

    by: str
    rows: str = "train"
    members: Sequence[str] | None = None
    C: float = 1.0

    def __post_init__(self) -> None:
        """Check every range."""
        check_balance(vars(self))

    def chosen(self, model: nn.Module) -> dict[str, nn.Module]:
        """The models whose last layers are retrained: members by name, or the model as ``""``.

        Raises:
            ConfigError: members that the model does not have.
        """
        if not isinstance(model, Ensemble):
            if self.members is not None:
                raise ConfigError(
                    f"members={checks.as_typed(list(self.members))} names members of an ensemble, "
                    f"and the teacher is one {type(model).__name__}; leave it null, or choose "
                    "teacher=ensemble."
                )
            return {"": model}
        names = tuple(model.members) if self.members is None else self.members
        for name in names:
            if name not in model.members:
                raise ConfigError(unknown_name("member in members", name, model.members))
        return {name: model.members[name] for name in names}

    def check(self, model: nn.Module, dataset: Dataset) -> None:
        """Refuse, before anything trains, a model or rows that cannot be balanced.

        Raises:
            ConfigError: an unknown block or member, a model without a linear last layer, or a class
                of which no row has a known group.
        """
        for one in self.chosen(model).values():
            linear_head(one, dataset.splits["train"].rows(slice(FEW_ROWS)).floats)
        self.weights(dataset)

    def weights(self, dataset: Dataset) -> Tensor:
        """`cell_weights` of the rows, shape ``[N, C]``.

        Raises:
            ConfigError: an unknown block, or a class of which no row has a known group.
        """
        split, block = dataset.splits[self.rows], dataset.blocks[self.by]
        weights = cell_weights(split.y, block.of(split.group), split.weight, len(dataset.classes))
        for name, total in zip(dataset.classes, weights.sum(0), strict=True):
            if not total > 0:
                raise ConfigError(
                    f"by={self.by} leaves the class '{name}' without rows: none of them in "
                    f"{self.rows} has a known group; choose another block, or other rows."
                )
        return weights


def rebalance(
    model: nn.Module, dataset: Dataset, balance: Balance, *, count: int = 1
) -> dict[str, float]:
    """Retrain the last layer in place, and judge the model as an epoch is judged.

    Args:
        model: trained, on the CPU; no ensemble.
        dataset: prepared splits.
        balance: how.
        count: CPU threads per operation.

    Returns:
        The values of an epoch's row: ``train/...`` and ``val/...``.

    Raises:
        ConfigError: as `Balance.check`.
    """
    split = dataset.splits[balance.rows]
    with deterministic(), threads(count):
        head = linear_head(model, split.rows(slice(FEW_ROWS)).floats)
        weight, bias = fit_last_layer(
            _inputs(head, model, split),
            balance.weights(dataset),
            strength=balance.C,
            bias=head.bias is not None,
        )
        with torch.no_grad():
            head.weight.copy_(weight)
            if head.bias is not None:
                head.bias.copy_(bias)
        return judged(model, dataset)


def _inputs(layer: nn.Module, model: nn.Module, split: Batch) -> Tensor:
    """What the layer is given for every row, shape ``[N, D]``."""
    seen: list[Tensor] = []

    def note(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:  # noqa: ARG001
        seen.append(inputs[0].detach())

    handle = layer.register_forward_pre_hook(note)
    try:
        outputs_on(model, split)
    finally:
        handle.remove()
    return torch.cat(seen)
