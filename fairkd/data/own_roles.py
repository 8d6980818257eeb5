"""What the columns of a user's table are for, before any of its rows are read."""

from collections.abc import Sequence
from dataclasses import dataclass

from fairkd.checks import as_typed
from fairkd.data.classes import one_label
from fairkd.data.group_spec import block_names
from fairkd.data.splitting import Splitting
from fairkd.data.table import group_columns
from fairkd.errors import ConfigError, unknown_name


@dataclass(frozen=True)
class Roles:
    """The columns that are named for a purpose.

    Attributes:
        label: the label's column.
        blocks: the group blocks: columns, and intersections ``a+b``.
        splitting: how rows are divided, perhaps by a column.
        weights: the column of row weights, if there is one.
        soft: the columns of label probabilities.
        outputs: the columns of a teacher's outputs.
        columns: the only features to be read; None for all.
        drop: columns that are no features.
    """

    label: str
    blocks: tuple[str, ...]
    splitting: Splitting
    weights: str | None = None
    soft: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    columns: tuple[str, ...] | None = None
    drop: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        *,
        label: object,
        groups: object,
        splitting: Splitting,
        weights: str | None,
        soft_labels: object,
        outputs: object,
        columns: object,
        drop: object,
    ) -> "Roles":
        """Check configured values.

        Raises:
            ConfigError: a label that is no name of a column, groups that are no blocks, or
                something else that is no list of names.
        """
        return cls(
            label=one_label(label),
            blocks=block_names(groups),
            splitting=splitting,
            weights=weights,
            soft=names_in("data.soft_labels", soft_labels),
            outputs=names_in("data.outputs", outputs),
            columns=None if columns is None else names_in("data.columns", columns),
            drop=names_in("data.drop", drop),
        )

    @property
    def others(self) -> dict[str, str]:
        """What columns that are neither label, group nor feature are for, by their names."""
        found = dict.fromkeys(self.soft, "label probability")
        found |= dict.fromkeys(self.outputs, "teacher's output")
        if self.weights is not None:
            found[self.weights] = "row weight"
        if self.splitting.column is not None:
            found[self.splitting.column] = f"split by {self.splitting.by}"
        return found

    def groups(self, names: Sequence[str]) -> tuple[str, ...]:
        """The columns that the blocks are made of, among those of a table.

        Raises:
            ConfigError: a column is not there, or is the label.
        """
        found = (group_columns(block, self.label, names) for block in self.blocks)
        return tuple(dict.fromkeys(name for columns in found for name in columns))

    def wanted(self, names: Sequence[str]) -> list[str]:
        """Which columns of a file are to be read.

        Args:
            names: those of the file, in its order; a column without a name is ``""``.

        Raises:
            ConfigError: a column that is not there, or the label among those left out.
        """
        known = [name for name in names if name]
        if self.label not in known and not self.soft:
            raise ConfigError(unknown_name("column in data.label", self.label, known))
        lists = {"columns": self.columns or (), "drop": self.drop, "soft_labels": self.soft}
        lists["outputs (teacher.columns)"] = self.outputs
        for key, listed in lists.items():
            for name in listed:
                if name not in known:
                    raise ConfigError(unknown_name(f"column in data.{key}", name, known))
        needed = {self.label, *self.groups(known), *self.others}
        for name in self.drop:
            if name == self.label or name in self.others:
                what = "label" if name == self.label else self.others[name]
                raise ConfigError(
                    f"'{name}' in data.drop is the {what}, which is no feature anyway; take it out "
                    "of data.drop."
                )
        features = {*names} if self.columns is None else {*self.columns}
        return [name for name in names if name in needed or name in features - {*self.drop}]


def names_in(key: str, given: object) -> tuple[str, ...]:
    """A configured list of columns.

    Raises:
        ConfigError: not a list of names.
    """
    if not isinstance(given, list | tuple) or not all(isinstance(name, str) for name in given):
        raise ConfigError(
            f"{key}={as_typed(given)} is not a list of columns; accepted: names, as in "
            f"{key}=[first,second]."
        )
    return tuple(given)
