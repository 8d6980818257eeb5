"""The raw rows of every split, taken out of one table when they are asked for."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd


class SourceRows(Mapping[str, "pd.DataFrame"]):
    """Raw rows by split; each access copies them, so that the table is held once.

    Args:
        frame: all raw rows.
        rows: each split's positions in it, shape ``[N]``.
    """

    def __init__(self, frame: "pd.DataFrame", rows: "Mapping[str, npt.NDArray[np.int64]]") -> None:
        self._frame = frame
        self._rows = rows

    @classmethod
    def none(cls) -> "SourceRows":
        """Those of data without a table."""
        import pandas as pd

        return cls(pd.DataFrame(), {})

    def __getitem__(self, split: str) -> "pd.DataFrame":
        """All rows of a split, in its order, counted from 0."""
        return self.some(split, slice(None))

    def some(self, split: str, places: slice) -> "pd.DataFrame":
        """The rows at some places of a split, counted from 0."""
        return self._frame.iloc[self._rows[split][places]].reset_index(drop=True)

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)
