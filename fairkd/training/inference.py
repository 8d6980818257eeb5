"""A trained model's outputs on a whole split."""

from collections.abc import Sequence

import torch
from torch import nn

from fairkd.data.batch import Batch
from fairkd.data.dataset import Dataset
from fairkd.data.loaders import BatchLoader
from fairkd.models.answers import Answers
from fairkd.models.features import ModelOutputs, run


def outputs_of(
    model: nn.Module,
    dataset: Dataset,
    split: str,
    features: Sequence[str] = (),
    rows: int | None = None,
) -> ModelOutputs:
    """`outputs_on` a split of the data; looked up where the model only answers.

    Args:
        model: any.
        dataset: prepared splits.
        split: one of them.
        features: module paths to record.
        rows: how many of its first rows; ``None``: all.
    """
    if isinstance(model, Answers) and len(model.on(split)) and not features:
        return ModelOutputs(model.on(split)[:rows], {})
    chosen = dataset.splits[split]
    return outputs_on(model, chosen if rows is None else chosen.rows(slice(rows)), features)


def outputs_on(
    model: nn.Module, split: Batch, features: Sequence[str] = (), batch_size: int = 16_384
) -> ModelOutputs:
    """Logits and named features of every row, in the split's order, on the CPU.

    Args:
        model: put into evaluation mode for the call; it stays on its device.
        split: the rows.
        features: module paths to record.
        batch_size: rows per forward pass.
    """
    device = device_of(model)
    was_training = model.training
    model.eval()
    parts = []
    with torch.no_grad():
        for batch in BatchLoader(split, batch_size):
            parts.append(run(model, batch.x.to(device), features).to(torch.device("cpu")))
    model.train(was_training)
    return joined(parts)


def device_of(model: nn.Module) -> torch.device:
    """Where a model's weights are; the CPU for one that has none."""
    first = next(model.parameters(), None)
    return torch.device("cpu") if first is None else first.device


def joined(parts: Sequence[ModelOutputs]) -> ModelOutputs:
    """Outputs of consecutive batches as those of all their rows."""
    if len(parts) == 1:
        return parts[0]
    return ModelOutputs(
        torch.cat([part.logits for part in parts]),
        {name: torch.cat([part.features[name] for part in parts]) for name in parts[0].features},
    )


def joined_batch(parts: Sequence[Batch]) -> Batch:
    """Consecutive batches as one."""
    if len(parts) == 1:
        return parts[0]
    return Batch(*(torch.cat(field) for field in zip(*parts, strict=True)))
