"""Batches for every member, each distinct order of each data set drawn once."""

from collections.abc import Iterator, Sequence

import torch

from fairkd.data.batch import Batch
from fairkd.data.loaders import BatchLoader
from fairkd.models.features import ModelOutputs
from fairkd.training.stack.member import Member


class Streams:
    """The training batches of a stack: per step one `Batch` for each distinct order of rows.

    An order is one of a data set, a seed, and how likely each row is to be drawn.

    Args:
        members: of one stack, whose splits have equally many rows.
        device: where the splits are brought, once.
    """

    def __init__(self, members: Sequence[Member], device: torch.device) -> None:
        splits: dict[int, Batch] = {}
        loaders: dict[tuple[int, int, bytes], BatchLoader] = {}
        orders = []
        for member in members:
            data = id(member.dataset)
            if data not in splits:
                train = member.dataset.splits["train"]
                splits[data] = Batch(*(field.to(device) for field in train))
            chances = member.objective.chances(member.dataset.splits["train"])
            drawn = b"" if chances is None else chances.numpy().tobytes()
            orders.append((data, member.seed, drawn))
            if orders[-1] not in loaders:
                loaders[orders[-1]] = BatchLoader(
                    splits[data], member.settings.batch_size, member.seed, chances=chances
                )
        self.batch_size = members[0].settings.batch_size
        self._loaders = list(loaders.values())
        distinct = list(loaders)
        self.of_member = [distinct.index(order) for order in orders]

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of the next iteration."""
        for loader in self._loaders:
            loader.set_epoch(epoch)

    def __len__(self) -> int:
        return len(self._loaders[0])

    def __iter__(self) -> Iterator[list[Batch]]:
        return (list(batches) for batches in zip(*self._loaders, strict=True))


class MemberBatches:
    """Lay the batches of the streams, and the teachers' outputs for them, out by member.

    Args:
        streams: which stream each member reads.
        teachers: each member's teacher outputs on ``train``, on the device; ``None`` without one.
        device: of the batches.
    """

    def __init__(
        self,
        streams: Sequence[int],
        teachers: Sequence[ModelOutputs | None],
        device: torch.device,
    ) -> None:
        pairs = [(stream, id(teacher)) for stream, teacher in zip(streams, teachers, strict=True)]
        distinct = list(dict.fromkeys(pairs))
        self._streams = list(streams)
        self._stream = _Places(self._streams, device)
        self._pair = _Places([distinct.index(pair) for pair in pairs], device)
        self._read = [
            (pairs[first][0], teachers[first]) for first in (pairs.index(pair) for pair in distinct)
        ]

    def own(self, batches: Sequence[Batch]) -> list[Batch]:
        """Every member's batch, where its stream has it."""
        return [batches[stream] for stream in self._streams]

    def __call__(self, batches: Sequence[Batch]) -> tuple[Batch, ModelOutputs | None]:
        """Every member's batch and teacher outputs, with a leading axis K on every tensor."""
        batch = Batch(*(self._stream.lay_out(field) for field in zip(*batches, strict=True)))
        found = [
            teacher.rows(batches[stream].index)
            for stream, teacher in self._read
            if teacher is not None
        ]
        if not found:
            return batch, None
        logits = self._pair.lay_out([outputs.logits for outputs in found])
        features = {
            name: self._pair.lay_out([outputs.features[name] for outputs in found])
            for name in found[0].features
        }
        return batch, ModelOutputs(logits, features)


class _Places:
    """From one tensor per source to one per member."""

    def __init__(self, source_of: Sequence[int], device: torch.device) -> None:
        self._used = list(dict.fromkeys(source_of))
        self._size = len(source_of)
        self._index = torch.tensor([self._used.index(s) for s in source_of], device=device)
        self._one_each = len(self._used) == self._size

    def lay_out(self, sources: Sequence[torch.Tensor]) -> torch.Tensor:
        if len(self._used) == 1:
            only = sources[self._used[0]]
            return only.expand(self._size, *only.shape)
        together = torch.stack([sources[s] for s in self._used])
        return together if self._one_each else together.index_select(0, self._index)
