"""Which columns of ``Batch.group`` belong to which sensitive attribute."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from torch import Tensor

from fairkd.errors import ConfigError, unknown_name


@dataclass(frozen=True)
class Block:
    """One sensitive attribute (or intersection): a name, its cells, and where its columns start."""

    name: str
    cells: tuple[str, ...]
    start: int

    @property
    def columns(self) -> slice:
        """The block's columns in ``Batch.group``."""
        return slice(self.start, self.start + len(self.cells))

    def of(self, group: Tensor) -> Tensor:
        """The block's memberships, shape ``[B, G]``, out of ``group``, shape ``[B, sum G]``."""
        return group[..., self.columns]


@dataclass(frozen=True)
class Blocks:
    """All blocks of a data set, in the order of their columns.

    Attributes:
        blocks: one for each sensitive attribute or intersection.
        corrected: whether training rows' memberships or labels are corrected for known errors (see
            `fairkd.data.flips`), so that sums over them are right on average and noisy.
    """

    blocks: tuple[Block, ...]
    corrected: bool = False

    @classmethod
    def of(cls, cells: Mapping[str, Iterable[str]]) -> "Blocks":
        """Lay the blocks side by side.

        Args:
            cells: for each block's name, the names of its cells.
        """
        blocks: list[Block] = []
        for name, names in cells.items():
            start = blocks[-1].columns.stop if blocks else 0
            blocks.append(Block(name, tuple(names), start))
        return cls(tuple(blocks))

    def named(self, name: str | None) -> Block:
        """The block of that name; of no name, the first.

        Raises:
            ConfigError: the data has no such block.
        """
        return self[self.names[0] if name is None else name]

    def __getitem__(self, name: str) -> Block:
        """The block of that name.

        Raises:
            ConfigError: the data has no such block.
        """
        for block in self.blocks:
            if block.name == name:
                return block
        raise ConfigError(unknown_name("group block", name, self.names))

    def __iter__(self) -> Iterator[Block]:
        return iter(self.blocks)

    def __len__(self) -> int:
        return len(self.blocks)

    def __contains__(self, name: object) -> bool:
        return name in self.names

    @property
    def names(self) -> tuple[str, ...]:
        """The blocks' names."""
        return tuple(block.name for block in self.blocks)

    @property
    def width(self) -> int:
        """The number of columns of all blocks together."""
        return sum(len(block.cells) for block in self.blocks)

    def cells(self) -> dict[str, list[str]]:
        """The argument of `of`, as plain JSON types."""
        return {block.name: list(block.cells) for block in self}
