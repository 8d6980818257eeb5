"""From raw columns to group blocks: a column's values, or the cells of an intersection."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from fairkd.data.blocks import Blocks
from fairkd.data.group_spec import RareGroups, columns_of
from fairkd.data.values import Codes, as_codes
from fairkd.errors import DataError

OTHER = "other"
_SHOWN = 20

Values = tuple[str, ...]


@dataclass(frozen=True)
class CellMap:
    """One block as fitted: which values of which columns belong to which cell.

    Attributes:
        block: the block's name.
        columns: the raw columns it is made of.
        cell_of: the cell of each combination of values seen in fitting.
        merged: the cell that rare combinations were merged into, if any.
    """

    block: str
    columns: tuple[str, ...]
    cell_of: Mapping[Values, str]
    merged: str | None

    @property
    def cells(self) -> tuple[str, ...]:
        """The cells, in the order of their columns; the merged one comes last."""
        kept = dict.fromkeys(cell for cell in self.cell_of.values() if cell != self.merged)
        return (*kept, self.merged) if self.merged is not None else tuple(kept)


@dataclass(frozen=True)
class GroupEncoder:
    """Raw rows to group memberships, fitted on training rows."""

    maps: tuple[CellMap, ...]

    @classmethod
    def fit(cls, frame: pd.DataFrame, blocks: Sequence[str], rare: RareGroups) -> "GroupEncoder":
        """Learn the cells of each block.

        Args:
            frame: the training rows, raw.
            blocks: columns (``sex``) and intersections (``sex+race``).
            rare: what becomes of cells with few rows.

        Raises:
            ConfigError: a block names a column that is not there, or a column twice.
            DataError: a block with fewer than two cells, or cells with equal names.
        """
        available = [str(name) for name in frame.columns]
        maps = (_fit_block(frame, name, columns_of(name, available), rare) for name in blocks)
        return cls(tuple(maps))

    def encode(self, frame: pd.DataFrame) -> npt.NDArray[np.float32]:
        """Memberships, shape ``[N, sum G]``: one-hot by block, a zero row where a value is missing.

        Raises:
            DataError: a column is missing, or a value was never seen in fitting and its block has
                no merged cell.
        """
        encoded = np.zeros((len(frame), self.blocks.width), dtype=np.float32)
        for cell_map, block in zip(self.maps, self.blocks, strict=True):
            place = {name: block.start + i for i, name in enumerate(block.cells)}
            codes, occurring = _combinations(frame, block.name, cell_map.columns)
            columns = np.array([place[_cell(cell_map, values)] for values in occurring], dtype=int)
            known = np.flatnonzero(codes >= 0)
            encoded[known, columns[codes[known]]] = 1
        return encoded

    @property
    def blocks(self) -> Blocks:
        """The blocks' names, cells and columns."""
        return Blocks.of({cell_map.block: cell_map.cells for cell_map in self.maps})

    @property
    def columns(self) -> tuple[str, ...]:
        """The raw columns that any block is made of."""
        return tuple(dict.fromkeys(name for each in self.maps for name in each.columns))

    def to_json(self) -> list[dict[str, Any]]:
        """The fitted state as plain JSON types."""
        return [
            {
                "block": each.block,
                "columns": list(each.columns),
                "cell_of": [[list(values), cell] for values, cell in each.cell_of.items()],
                "merged": each.merged,
            }
            for each in self.maps
        ]

    @classmethod
    def from_json(cls, state: Iterable[Mapping[str, Any]]) -> "GroupEncoder":
        """The encoder whose `to_json` gave this state."""
        return cls(
            tuple(
                CellMap(
                    each["block"],
                    tuple(each["columns"]),
                    {tuple(values): cell for values, cell in each["cell_of"]},
                    each["merged"],
                )
                for each in state
            )
        )


def _fit_block(
    frame: pd.DataFrame, block: str, columns: tuple[str, ...], rare: RareGroups
) -> CellMap:
    codes, occurring = _combinations(frame, block, columns)
    counts = np.bincount(codes[codes >= 0], minlength=len(occurring))
    rows = dict(zip(occurring, counts.tolist(), strict=True))
    known = sum(rows.values())
    few = {values for values, count in rows.items() if rare.are(count, known)}
    kept = {
        values: _name(values) for values in _in_order(rows, frame, columns) if values not in few
    }
    _refuse_equal_names(block, kept)
    merged = _merged_name(set(kept.values())) if few else None
    merging = dict.fromkeys(sorted(few), merged) if merged is not None else {}
    fitted = CellMap(block, columns, kept | merging, merged)
    if len(fitted.cells) < 2:
        has = f"only the cell '{fitted.cells[0]}'" if fitted.cells else "no cell"
        raise DataError(
            f"The group block '{block}' has {has} in the training rows, so there is nothing to "
            "compare; choose another block in data.groups or a lower data.rare_groups.limit."
        )
    return fitted


def _in_order(
    occurring: Iterable[Values], frame: pd.DataFrame, columns: Sequence[str]
) -> list[Values]:
    """By the order of ordered categories, such as ranges of numbers, and of others as text."""
    places: list[dict[str, int]] = []
    for name in columns:
        kind = frame[name].dtype
        is_ordered = isinstance(kind, pd.CategoricalDtype) and kind.ordered
        categories = frame[name].cat.categories if is_ordered else ()
        places.append({str(value): place for place, value in enumerate(categories)})
    return sorted(
        occurring,
        key=lambda values: [
            (place.get(value, -1), value) for place, value in zip(places, values, strict=True)
        ],
    )


def _combinations(
    frame: pd.DataFrame, block: str, columns: tuple[str, ...]
) -> tuple[Codes, list[Values]]:
    """Each row's place among the occurring combinations of values, -1 where one is missing.

    The combinations come in the order of their first rows.
    """
    for name in columns:
        if name not in frame.columns:
            raise DataError(
                f"The rows have no column '{name}', which the group block '{block}' needs; "
                f"they have: {', '.join(map(str, frame.columns))}."
            )
    joint, texts = as_codes(frame[columns[0]])
    combinations: list[Values] = [(text,) for text in texts]
    for name in columns[1:]:
        codes, texts = as_codes(frame[name])
        known = (joint >= 0) & (codes >= 0)
        numbers = joint[known] * len(texts) + codes[known]
        joint = np.full(len(frame), -1, dtype=np.int64)
        joint[known], occurring = pd.factorize(numbers)
        before, last = np.divmod(occurring, max(len(texts), 1))
        combinations = [(*combinations[i], texts[j]) for i, j in zip(before, last, strict=True)]
    return joint, combinations


def _cell(cell_map: CellMap, values: Values) -> str:
    cell = cell_map.cell_of.get(values, cell_map.merged)
    if cell is None:
        known = ", ".join(cell_map.cells[:_SHOWN]) + (
            ", ..." if len(cell_map.cells) > _SHOWN else ""
        )
        raise DataError(
            f"The value '{'+'.join(values)}' of the group block '{cell_map.block}' was never seen "
            f"in the training rows; known cells: {known}. Correct it, leave it "
            "empty for a missing group, or merge rare cells with data.rare_groups when training."
        )
    return cell


def _name(values: Values) -> str:
    return "+".join(value.strip().lower() for value in values)


def _merged_name(kept: set[str]) -> str:
    """``other``, unless that is a group of its own, as among Adult's races."""
    return f"{OTHER}_merged" if OTHER in kept else OTHER


def _refuse_equal_names(block: str, names: Mapping[Values, str]) -> None:
    first: dict[str, Values] = {}
    for values, name in names.items():
        if name in first:
            raise DataError(
                f"The values '{'+'.join(first[name])}' and '{'+'.join(values)}' of the group block "
                f"'{block}' would both be the cell '{name}'; give them one spelling in the source."
            )
        first[name] = values
