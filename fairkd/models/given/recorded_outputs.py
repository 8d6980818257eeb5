"""A teacher of which only its outputs are there: in a file, or as columns of the data."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from torch import Tensor, nn

from fairkd.checks import as_typed
from fairkd.data.dataset import SPLITS, Dataset
from fairkd.data.values import Texts, as_numbers, as_text
from fairkd.errors import ConfigError, unknown_name
from fairkd.models.answers import Answers
from fairkd.models.given.class_order import check_meant
from fairkd.models.given.outputs import Values, logits_of
from fairkd.models.given.outputs_file import OutputsFile, read_outputs

_FEW = 5
Positions = Mapping[str, npt.NDArray[np.int64]]


@dataclass(frozen=True)
class RecordedOutputs:
    """Outputs for every row of the data, one column a class, or the positive one of two alone.

    Attributes:
        path: see `read_outputs`; ``None``: the columns are the data's own, and no features.
        key: a column of the file and of the data by which rows find each other; ``None``: the
            file has a row for every row of the data's source, in its order.
        columns: which hold the outputs, in the order of the classes; ``None``: those named as the
            classes, or the only other one for the positive class of two.
        holds: ``probabilities`` or ``logits``, see `logits_of`.
    """

    path: str | None = None
    key: str | None = None
    columns: Sequence[str] | None = None
    holds: str = "probabilities"

    @property
    def named_by(self) -> str:
        """The key that names them."""
        return "columns" if self.path is None else "path"

    @property
    def source(self) -> str:
        """The file, or the columns."""
        if self.path is not None:
            return self.path
        return f"the data's {', '.join(self.columns or ())}"

    def check(self, model: nn.Module, dataset: Dataset) -> None:
        """Refuse what `fill` refuses."""
        self.fill(model, dataset)

    def fill(self, model: nn.Module, dataset: Dataset) -> None:
        """Tell the model its answers.

        Raises:
            ConfigError: rows or columns are missing, or outputs are none.
            DataError: a column holds something other than numbers.
        """
        assert isinstance(model, Answers)
        model.tell(self._of_columns(dataset) if self.path is None else self._of_file(dataset))

    def _of_columns(self, dataset: Dataset) -> dict[str, Tensor]:
        named = list(self.columns or ())
        known = _columns(dataset)
        for name in named:
            if name not in known:
                raise ConfigError(unknown_name(f"column of data={dataset.name}", name, known))
        seen = set(dataset.preparation.columns if dataset.preparation is not None else ())
        features = [name for name in named if name in seen]
        if features:
            raise ConfigError(
                f"{', '.join(features)} is a feature of data={dataset.name}, so the student would "
                "be shown its teacher's outputs; leave it out of the features, or give a file."
            )
        check_meant(named, dataset.classes)
        return {
            split: self._logits(dataset.raw[split][named], named, dataset, f"The {split} part")
            for split in SPLITS
        }

    def _of_file(self, dataset: Dataset) -> dict[str, Tensor]:
        assert self.path is not None
        file = read_outputs(self.path)
        if self.key is None:
            positions = self._in_order(file, dataset)
        else:
            positions = self._matched(file.table, dataset, self.key)
        logits = self._logits(file.table, self._columns_of(file, dataset), dataset, self.path)
        return {split: logits[positions[split]] for split in SPLITS}

    def _columns_of(self, file: OutputsFile, dataset: Dataset) -> list[str]:
        names = [name for name in map(str, file.table) if name != self.key]
        for name in self.columns or ():
            if name not in names:
                raise ConfigError(unknown_name(f"column of {self.path}", name, names))
        if not file.named:
            return list(self.columns or names)
        found = list(self.columns or self._found(names, dataset))
        check_meant(found, dataset.classes)
        return found

    def _found(self, names: list[str], dataset: Dataset) -> list[str]:
        """The columns of the classes, by their names."""
        classes = list(dataset.classes)
        if set(classes) <= set(names):
            return classes
        if len(classes) == 2 and classes[1] in names and classes[0] not in names:
            return [classes[1]]
        if len(names) == 1 and len(classes) == 2:
            return names
        if names == [str(place) for place in range(len(classes))]:
            return names
        raise ConfigError(
            f"{self.path} has the columns {', '.join(names)}, and the classes of "
            f"data={dataset.name} are {', '.join(classes)}; name its columns so, or name the "
            "columns in the order of the classes by columns=[...]."
        )

    def _logits(
        self, table: pd.DataFrame, columns: Sequence[str], dataset: Dataset, where: str
    ) -> Tensor:
        values: Values = np.column_stack([as_numbers(table[name]) for name in columns])
        return logits_of(values, self.holds, len(dataset.classes), where)

    def _in_order(self, file: OutputsFile, dataset: Dataset) -> Positions:
        if not dataset.rows:
            raise ConfigError(
                f"data={dataset.name} does not tell which rows of its source are where, so "
                f"{self.path} cannot be matched with them; give a model that can be run."
            )
        given, needed = len(file.table), sum(map(len, dataset.rows.values()))
        if given != needed:
            lacks = "too few" if given < needed else "too many"
            raise ConfigError(
                f"{self.path} has {given:,} rows, and data={dataset.name} has {needed:,}, so that "
                f"they are {lacks}; give one for each row in its order, or a column that names "
                "the rows in both by key=NAME."
            )
        if file.mixed:
            raise ConfigError(
                f"{self.path} has an index that counts its rows in another order than they stand "
                f"in; sort it (sort_index) if that is the order of data={dataset.name}, or write "
                "it without one (index=False) if the rows are in order."
            )
        for name in file.table:
            if name in _columns(dataset) and _is_mixed(file.table[name], dataset, name):
                raise ConfigError(
                    f"{self.path} has the column {name} of data={dataset.name} in another order, "
                    "so its rows are others; bring them into the data's order, or match them by "
                    "key=NAME, a column of both whose values are all different."
                )
        return dataset.rows

    def _matched(self, table: pd.DataFrame, dataset: Dataset, key: str) -> Positions:
        if key not in table:
            raise ConfigError(unknown_name(f"column of {self.path} in key", key, map(str, table)))
        named = {split: _names(dataset, split, key) for split in SPLITS}
        where = f"data={dataset.name}"
        _refuse_repeated(np.concatenate(list(named.values())), key, where)
        index = pd.Index(as_text(table[key]))
        _refuse_repeated(index.to_numpy(), key, str(self.path))
        found = {split: index.get_indexer(pd.Index(names)) for split, names in named.items()}
        absent = [name for split in SPLITS for name in named[split][found[split] < 0]]
        if absent:
            few = ", ".join(map(str, absent[:_FEW])) + (", ..." if len(absent) > _FEW else "")
            raise ConfigError(
                f"{self.path} has no row for {len(absent):,} rows of {where}, by {key}: {few}; "
                "every row needs its outputs."
            )
        return found


def _is_mixed(column: "pd.Series[Any]", dataset: Dataset, name: str) -> bool:
    """Whether a column has the values of the data's own, in another order."""
    texts = as_text(column)
    theirs = np.concatenate([texts[dataset.rows[split]] for split in dataset.rows])
    ours = np.concatenate([as_text(dataset.raw[split][name]) for split in dataset.rows])
    return not np.array_equal(theirs, ours) and Counter(theirs) == Counter(ours)


def _names(dataset: Dataset, split: str, key: str) -> Texts:
    known = _columns(dataset)
    if key not in known:
        raise ConfigError(unknown_name(f"column of data={dataset.name} in key", key, known))
    return as_text(dataset.raw[split][key])


def _columns(dataset: Dataset) -> list[str]:
    return list(map(str, dataset.raw.some(SPLITS[0], slice(0)))) if dataset.raw else []


def _refuse_repeated(names: "npt.NDArray[np.object_]", key: str, where: str) -> None:
    column = pd.Series(names)
    if column.isna().any():
        raise ConfigError(
            f"key={key} names a column of {where} with {int(column.isna().sum()):,} empty "
            "values; every row needs a name of its own."
        )
    repeated = column[column.duplicated()]
    if len(repeated):
        raise ConfigError(
            f"key={key} names a column of {where} in which {as_typed(repeated.iloc[0])} stands "
            "more than once; every row needs a name of its own."
        )
