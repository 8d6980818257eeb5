"""A trained model's outputs on a whole split."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

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
    gathered = Gathered(split.size)
    with torch.no_grad():
        for batch in BatchLoader(split, batch_size):
            part = run(model, batch.x.to(device), features)
            gathered.add(part.to(torch.device("cpu")))
    model.train(was_training)
    return gathered.whole()


class Gathered:
    """Outputs of consecutive batches as those of all their rows, each written into one room.

    Parts that were kept one by one would lie between the layers' freed memory and split it, so that
    every batch took new memory for its layers.

    Args:
        rows: how many there will be; not known, the room grows with them, and a lone batch's
            outputs are kept as they are.

    Attributes:
        rows: how many there are so far.
    """

    def __init__(self, rows: int | None = None) -> None:
        self.rows = 0
        self._expected = rows
        self._room: ModelOutputs | None = None

    def add(self, part: ModelOutputs) -> None:
        """Add a batch's outputs."""
        start, self.rows = self.rows, self.rows + len(part.logits)
        if self._room is None and self._expected is None:
            self._room = part
            return
        if self._room is None:
            self._room = _room(part, self._expected or 0)
        elif self.rows > len(self._room.logits):
            before, self._room = self._room, _room(part, 2 * self.rows)
            _write(self._room, before.rows(slice(start)), slice(start))
        _write(self._room, part, slice(start, self.rows))

    def whole(self) -> ModelOutputs:
        """The outputs of all rows so far.

        Raises:
            RuntimeError: nothing was added.
        """
        if self._room is None:
            raise RuntimeError("A loader gives at least one batch.")
        return self._room.rows(slice(self.rows))


def _room(like: ModelOutputs, rows: int) -> ModelOutputs:
    """Outputs of so many rows, yet to be filled."""
    return ModelOutputs(
        like.logits.new_empty(rows, *like.logits.shape[1:]),
        {name: v.new_empty(rows, *v.shape[1:]) for name, v in like.features.items()},
    )


def _write(room: ModelOutputs, part: ModelOutputs, place: slice) -> None:
    room.logits[place] = part.logits
    for name, values in part.features.items():
        room.features[name][place] = values


def device_of(model: nn.Module) -> torch.device:
    """Where a model's weights are; the CPU for one that has none."""
    first = next(model.parameters(), None)
    return torch.device("cpu") if first is None else first.device


def joined_batch(parts: Sequence[Batch]) -> Batch:
    """Consecutive batches as one."""
    if len(parts) == 1:
        return parts[0]
    return Batch(*(_joined(field) for field in zip(*parts, strict=True)))


def _joined(parts: Sequence[Tensor]) -> Tensor:
    """Rows under rows; without a copy where they lie so already, as slices of one tensor do."""
    first, end = parts[0], parts[0].storage_offset()
    rows = sum(map(len, parts))
    for part in parts:
        if (
            part.untyped_storage().data_ptr() != first.untyped_storage().data_ptr()
            or part.storage_offset() != end
            or part.stride() != first.stride()
            or part.shape[1:] != first.shape[1:]
            or part.dtype != first.dtype
        ):
            return torch.cat(list(parts))
        end += len(part) * part.stride(0)
    return first.as_strided((rows, *first.shape[1:]), first.stride())
