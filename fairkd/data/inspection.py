"""What the columns of a user's table are, which of them are features, and why others are not."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from fairkd.checks import as_typed, choice
from fairkd.data.dates import as_days
from fairkd.data.group_spec import columns_of
from fairkd.data.kinds import CATEGORY, DATE, NESTED, NUMBER, TYPES, Seen, seen
from fairkd.data.leaks import Leak, label_copies, leaks
from fairkd.data.left_out import reason_left_out
from fairkd.data.table import MOST_GROUP_VALUES
from fairkd.errors import ConfigError, DataError, unknown_name

_MOST_LINES = 12
_PLURALS = {CATEGORY: "categories", NESTED: "nested"}


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes:
        name: its name.
        kind: ``number``, ``category``, ``boolean``, ``date`` or ``nested`` (lists and the like).
        distinct: how many different values, missing not counted; 0 where nested.
        missing: rows without a value.
        role: ``feature``, ``label``, ``group``, ``left out``, or what else it is for.
        reason: why it is left out; empty for all others.
        note: what a person should know of how it was read; may be empty.
    """

    name: str
    kind: str
    distinct: int
    missing: int
    role: str
    reason: str = ""
    note: str = ""


@dataclass(frozen=True, eq=False)
class Inspection:
    """A table after `inspect`.

    Attributes:
        frame: all columns, converted to what they are.
        features: the columns a model may see, group columns among them.
        columns: what is known of each column, in the table's order.
        leaks: features that alone tell nearly every label.
    """

    frame: pd.DataFrame
    features: tuple[str, ...]
    columns: tuple[Column, ...]
    leaks: tuple[Leak, ...] = ()

    @property
    def left_out(self) -> tuple[Column, ...]:
        """The columns that are nothing to a model, each with its reason."""
        return tuple(column for column in self.columns if column.role == "left out")

    def told(self) -> list[str]:
        """What a person should know, a line each: kinds, what is left out, warnings, notes."""
        kinds = Counter(column.kind for column in self.columns)
        counted = ", ".join(f"{count} {_plural(kind, count)}" for kind, count in kinds.items())
        left = [f"{_name(each.name)} is left out: {each.reason}" for each in self.left_out]
        notes = [f"{_name(each.name)}: {each.note}" for each in self.columns if each.note]
        return [
            f"{len(self.columns)} columns: {counted}",
            *_few(left, "left out"),
            *_few([told_of(leak) for leak in self.leaks], "like the label"),
            *_few(notes, "read with a note"),
        ]


def inspect(
    frame: pd.DataFrame,
    *,
    label: str,
    sensitive: Sequence[str],
    types: Mapping[str, str],
    keep: Sequence[str],
    roles: Mapping[str, str] | None = None,
) -> Inspection:
    """Find what each column is, convert it, and choose the features.

    Left out are columns with one value or none, identifiers, dates, free text and nested values,
    unless ``keep`` names them; a group's column never is. A date that is kept, or that ``types``
    calls one, becomes days since 1970.

    Args:
        frame: raw rows; column names are text.
        label: the label's column; it is left as it is, unless ``types`` names it.
        sensitive: the group blocks: columns, and intersections ``a+b``.
        types: what some columns are, one of `TYPES`, whatever they look like.
        keep: columns that stay features.
        roles: columns that are for something else, such as ``row weights``; never features.

    Raises:
        ConfigError: a name that is no column, or an unknown type.
        DataError: a feature that is the label in other words or holds an infinite number; a group
            that holds lists; a value that is not what ``types`` says.
    """
    names = [str(name) for name in frame.columns]
    if label not in names:
        raise ConfigError(unknown_name("column in data.label", label, names))
    others = [name for name in names if name != label]
    groups = {name for block in sensitive for name in columns_of(block, others)}
    _check_names(types, keep, names, others)
    roles = roles or {}
    columns, converted = [], {}
    for name in names:
        found = seen(frame[name], types.get(name))
        role, reason = "feature", ""
        if name == label:
            role = "label"
        elif name in roles:
            role = roles[name]
        elif name in groups:
            role = "group"
            found = _as_group(found, name, types)
        else:
            reason = reason_left_out(found, name, name in types, name in keep)
            role = "left out" if reason else "feature"
        if role == "feature" and found.kind == DATE and name not in types:
            found = found._replace(column=as_days(found.column))
        if role in ("feature", "group"):
            _refuse_infinite(found)
        if name != label or name in types:
            converted[name] = found.column
        columns.append(
            Column(name, found.kind, found.distinct, found.missing, role, reason, found.note)
        )
    clean = frame.assign(**converted)
    candidates = [column.name for column in columns if column.role == "feature"]
    nested_label = any(each.role == "label" and each.kind == NESTED for each in columns)
    if not nested_label:
        _refuse_copies(clean, label, candidates)
    return Inspection(
        frame=clean,
        features=tuple(each.name for each in columns if each.role in ("feature", "group")),
        columns=tuple(columns),
        leaks=() if nested_label else tuple(leaks(clean, label, candidates)),
    )


def told_of(leak: Leak) -> str:
    """The warning of a column that alone tells nearly every label."""
    return (
        f"warning: '{_name(leak.column)}' alone tells the label of {leak.accuracy:.1%} of the rows "
        f"(the most common class: {leak.base:.1%}); if it is known only after the label, leave it "
        f"out: data.drop=[{_name(leak.column)}]"
    )


def _check_names(
    types: Mapping[str, str], keep: Sequence[str], names: Sequence[str], others: Sequence[str]
) -> None:
    for name, kind in types.items():
        if name not in names:
            raise ConfigError(unknown_name("column in data.types", name, names))
        choice(f"data.types.{name}", kind, TYPES)
    for name in keep:
        if name not in others:
            raise ConfigError(unknown_name("column in data.keep", name, others))


def _as_group(found: Seen, name: str, types: Mapping[str, str]) -> Seen:
    if found.kind == NESTED:
        raise DataError(
            f"The column '{name}' in data.groups holds lists or other nested values; a group is "
            "one value a row, so name another column."
        )
    if found.kind == DATE and name not in types and found.distinct > MOST_GROUP_VALUES:
        raise DataError(
            f"The column '{name}' in data.groups holds {found.distinct:,} different dates; set "
            f"'data.types={{{name}: date}}', which makes them days since 1970, and name ranges of "
            "those in data.bins, or name another column."
        )
    if found.kind != NUMBER and found.distinct > MOST_GROUP_VALUES and name not in types:
        note = f"{found.distinct:,} groups; small ones are merged with data.rare_groups"
        return found._replace(note=f"{found.note}; {note}" if found.note else note)
    return found


def _refuse_infinite(found: Seen) -> None:
    if found.kind != NUMBER:
        return
    infinite = np.isinf(found.column.to_numpy(dtype=np.float64, na_value=np.nan))
    if infinite.any():
        count = int(infinite.sum())
        raise DataError(
            f"The column '{found.column.name}' holds {count:,} infinite "
            f"number{'' if count == 1 else 's'}, the first in row {int(infinite.argmax()) + 1}; "
            "correct them, leave them empty if they are missing, or leave the column out with "
            f"data.drop=[{found.column.name}]."
        )


def _refuse_copies(frame: pd.DataFrame, label: str, candidates: Sequence[str]) -> None:
    copies = label_copies(frame, label, candidates)
    if copies:
        which = f"column '{copies[0]}' is" if len(copies) == 1 else f"columns {_quoted(copies)} are"
        raise DataError(
            f"The {which} the label '{label}' in other words: values and classes go together one "
            f"to one. Leave out what is known only with the label: data.drop={as_typed(copies)}."
        )


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)


def _few(lines: Sequence[str], what: str) -> list[str]:
    """The first lines, and how many more there are."""
    more = len(lines) - _MOST_LINES
    return [*lines[:_MOST_LINES], *([f"and {more} more columns are {what}"] if more > 0 else [])]


def _plural(kind: str, count: int) -> str:
    return kind if count == 1 else _PLURALS.get(kind, f"{kind}s")


def _name(name: str) -> str:
    """A column's name on one line."""
    return " ".join(name.split())
