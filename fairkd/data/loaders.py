"""Batches out of tensors held in memory."""

from collections.abc import Iterator
from itertools import islice

import torch
from torch import Tensor

from fairkd.data.batch import Batch

# Rows are gathered in their new order some batches at a time: one large gather costs less than many
# small ones, and the shuffled copy stays far below the size of the split.
_BATCHES_PER_GATHER = 64


class BatchLoader:
    """Iterate over a split in batches that are slices of tensors; their ``x`` is floating point.

    The order of an epoch depends on the seed and the epoch's number alone, so it is the same
    whatever ran before in the process, and the same again when training resumes at that epoch; in
    the middle of one, it goes on after the batches that were given.

    Args:
        split: all rows.
        batch_size: rows per batch; the last batch of an epoch may be smaller.
        shuffle_seed: seed of the order; ``None`` keeps the rows in place.
        rank: which process this is; each has its own share of the rows and equally many batches.
            Where the rows do not divide, a shuffled order begins again until every share is equal
            (all step together); rows in place are never repeated (each counts once), so the
            shorter shares may end with an empty batch.
        world_size: the number of processes.
        chances: how likely each row is to be drawn, with replacement, into every place of a
            shuffled order, shape ``[N]``; ``None``: each row comes once in an epoch.
    """

    def __init__(
        self,
        split: Batch,
        batch_size: int,
        shuffle_seed: int | None = None,
        *,
        rank: int = 0,
        world_size: int = 1,
        chances: Tensor | None = None,
    ) -> None:
        self.split = split
        self.batch_size = batch_size
        self.shuffle_seed = shuffle_seed
        self.rank = rank
        self.world_size = world_size
        self.chances = chances
        self._epoch = 0
        self._given = 0
        self._first = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of the next iteration; it counts until the first batch is asked for."""
        self._epoch = epoch

    def __len__(self) -> int:
        return -(-self._largest_share() // self.batch_size)

    def state_dict(self) -> dict[str, int]:
        """How many batches of the iteration under way were given, for a checkpoint."""
        return {"given": self._given % max(len(self), 1)}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Let the next iteration begin after the batches that were given."""
        self._first = state["given"]

    def __iter__(self) -> Iterator[Batch]:
        self._given, self._first = self._first, 0
        for batch in islice(self._batches(), self._given, None):
            self._given += 1
            yield batch

    def _batches(self) -> Iterator[Batch]:
        if self.shuffle_seed is None and self.world_size == 1:
            yield from _slices(self.split, self.batch_size)
            return
        order = self._order().to(self.split.x.device)
        for part in torch.split(order, self.batch_size * _BATCHES_PER_GATHER):
            yield from _slices(self.split.rows(part), self.batch_size)
        if 0 < len(order) <= (len(self) - 1) * self.batch_size:
            yield from _slices(self.split.rows(order[:0]), self.batch_size)

    def _order(self) -> Tensor:
        if self.shuffle_seed is None:
            return torch.arange(self.split.size)[self.rank :: self.world_size]
        generator = torch.Generator().manual_seed(_mixed(self.shuffle_seed, self._epoch))
        rows = self._largest_share() * self.world_size
        if self.chances is not None:
            drawn = torch.multinomial(self.chances, rows, replacement=True, generator=generator)
            return drawn[self.rank :: self.world_size]
        order = torch.randperm(self.split.size, generator=generator)
        return order.repeat(-(-rows // self.split.size))[:rows][self.rank :: self.world_size]

    def _largest_share(self) -> int:
        return -(-self.split.size // self.world_size)


def _slices(rows: Batch, size: int) -> Iterator[Batch]:
    for fields in zip(*(torch.split(field, size) for field in rows), strict=True):
        batch = Batch(*fields)
        yield batch._replace(x=batch.floats)


def _mixed(seed: int, epoch: int) -> int:
    """One generator seed per (seed, epoch); neighbouring pairs do not meet."""
    return (seed * 1_000_003 + epoch) % (2**63)
