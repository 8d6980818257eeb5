"""The raw rows of every split, taken out of one table when they are asked for."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

_LEAST_REPEATED = 10
"""Text whose values come less often than that on average is left as it is."""


class SourceRows(Mapping[str, "pd.DataFrame"]):
    """Raw rows by split; each access copies them, so that the table is held once.

    Args:
        frame: all raw rows.
        rows: each split's positions in it, shape ``[N]``.
        texts: the types that columns of it have once more when they are asked for.
    """

    def __init__(
        self,
        frame: "pd.DataFrame",
        rows: "Mapping[str, npt.NDArray[np.int64]]",
        texts: Mapping[str, Any] | None = None,
    ) -> None:
        self._frame = frame
        self._rows = rows
        self._texts = texts or {}

    @classmethod
    def none(cls) -> "SourceRows":
        """Those of data without a table."""
        import pandas as pd

        return cls(pd.DataFrame(), {})

    def packed(self) -> "SourceRows":
        """The same rows in less memory: text that repeats is held once, and numbered by row."""
        import pandas as pd

        numbered: dict[str, pd.Categorical] = {}
        texts = dict(self._texts)
        for name, column in self._frame.items():
            if not isinstance(column.dtype, pd.StringDtype):
                continue
            codes, values = pd.factorize(column)
            if len(values) * _LEAST_REPEATED <= len(column):
                numbered[str(name)] = pd.Categorical.from_codes(codes, values)
                texts[str(name)] = column.dtype
        return SourceRows(self._frame.assign(**numbered), self._rows, texts)

    def __getitem__(self, split: str) -> "pd.DataFrame":
        """All rows of a split, in its order, counted from 0."""
        return self.some(split, slice(None))

    def some(self, split: str, places: slice) -> "pd.DataFrame":
        """The rows at some places of a split, counted from 0."""
        rows = self._frame.iloc[self._rows[split][places]].reset_index(drop=True)
        return rows.astype(self._texts) if self._texts else rows

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)
