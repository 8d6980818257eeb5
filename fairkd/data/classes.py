"""The classes of a label column, which of two is the positive one, and what is no label at all."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from fairkd.checks import as_typed
from fairkd.data.kinds import YES, is_nested
from fairkd.data.values import as_text, is_number
from fairkd.errors import ConfigError, DataError, unknown_name

MOST_NUMBERS = 20
"""More distinct numbers than these are a quantity."""
MOST_CLASSES = 1_000
FEWEST_ROWS = 20
"""With fewer rows, that most labels differ means nothing."""

POSITIVE_WORDS = YES | {"positive", "pos", "+"}
"""Beside 1, where the other is 0 or -1."""
_NEGATIONS = ("not ", "not_", "not-", "non ", "non_", "non-", "no ", "no_", "no-", "un")
_SEPARATORS = (";", "|")
_MULTI_LABEL = (
    "several labels a row (a multi-label target) cannot be learned here; name a column with one "
    "class a row in data.label."
)


class Classes(NamedTuple):
    """A label's values.

    Attributes:
        names: as text; of two, the positive one is the last.
        how: how that was found, in words for a person.
    """

    names: tuple[str, ...]
    how: str


def one_label(given: object) -> str:
    """The label's column, as it was configured.

    Raises:
        ConfigError: several columns, none, or no text.
    """
    if isinstance(given, list | tuple) and len(given) > 1:
        raise ConfigError(f"data.label={as_typed(given)} names several columns: {_MULTI_LABEL}")
    if not isinstance(given, str) or not given:
        raise ConfigError(f"data.label={as_typed(given)} is not the name of a column.")
    return given


def classes_of(column: "pd.Series[Any]", positive: object = None) -> Classes:
    """The classes that a label column holds; rows without a label are passed over.

    Of two classes the positive one is named, or else found: the one that says yes, that is above
    the other (``>50K``), or whose negation the other is; failing those, the rarer one.

    Args:
        column: the label of every row.
        positive: the positive class as it was configured; ``None`` to find it.

    Raises:
        DataError: a quantity (regression), several labels a row, fewer than two classes, or so
            many that they are none.
        ConfigError: ``positive`` is no class, or is given beside more than two.
    """
    _refuse_lists(column)
    texts = pd.Series(as_text(column)).dropna()
    counts = texts.value_counts()
    names = [str(name) for name in counts.index]
    called = f"The label column '{column.name}'"
    if len(names) < 2:
        has = f"only the class '{names[0]}'" if names else "no value"
        raise DataError(f"{called} has {has}; at least two classes are needed.")
    _refuse_quantity(column, names, len(texts))
    _refuse_separated(column, names)
    if len(names) > MOST_CLASSES or (
        len(texts) >= FEWEST_ROWS and len(names) > len(texts) / 2 and len(names) > MOST_NUMBERS
    ):
        raise DataError(
            f"{called} holds {len(names):,} different values in {len(texts):,} rows, which are no "
            "classes; name another column in data.label."
        )
    if len(names) > 2:
        return _several(column, names, positive)
    chosen, how = _positive(counts, positive)
    (other,) = (name for name in names if name != chosen)
    return Classes((other, chosen), how)


def _several(column: "pd.Series[Any]", names: list[str], positive: object) -> Classes:
    if positive is not None:
        raise ConfigError(
            f"data.positive={as_typed(positive)} is for a label of two classes, and "
            f"'{column.name}' has {len(names)} ({_listed(names)}); leave data.positive null: the "
            "rates are then of each class against the rest."
        )
    return Classes(tuple(_in_order(names)), f"{len(names)} classes, of which none is the positive")


def _positive(counts: "pd.Series[int]", given: object) -> tuple[str, str]:
    """The positive one of two classes, and how it was found."""
    first, second = (str(name) for name in counts.index)  # the more common one comes first
    if given is not None:
        wanted = _folded(as_typed(given))
        fitting = [name for name in (first, second) if _folded(name) == wanted]
        exact = [name for name in fitting if name == as_typed(given)]
        if len(exact or fitting) != 1:
            raise ConfigError(unknown_name("class in data.positive", given, [first, second]))
        return (exact or fitting)[0], "as data.positive says"
    for rule, found in (
        ("the one that says yes", _says_yes(first, second)),
        ("the one above the other", _above(first, second)),
        ("the one that the other negates", _negated(first, second)),
    ):
        if found is not None:
            return found, f"{rule}; data.positive names another"
    if counts.iloc[0] == counts.iloc[1]:
        last = _in_order([first, second])[1]
        return last, "the last in order, as both are equally common; data.positive names another"
    share = counts.iloc[1] / counts.sum()
    return second, f"the rarer one, {share:.1%} of the rows; data.positive names another"


def _says_yes(first: str, second: str) -> str | None:
    if "1" in (first, second) and {"0", "-1"} & {first, second}:
        return "1"
    yes = [name for name in (first, second) if _folded(name) in POSITIVE_WORDS]
    return yes[0] if len(yes) == 1 else None


def _above(first: str, second: str) -> str | None:
    above = [name for name in (first, second) if name.strip().startswith((">", "\u2265"))]
    return above[0] if len(above) == 1 else None


def _negated(first: str, second: str) -> str | None:
    for one, other in ((first, second), (second, first)):
        if any(_folded(other) == negation + _folded(one) for negation in _NEGATIONS):
            return one
    return None


def _refuse_lists(column: "pd.Series[Any]") -> None:
    if is_nested(column):
        raise DataError(f"The label column '{column.name}' holds lists: {_MULTI_LABEL}")


def _refuse_quantity(column: "pd.Series[Any]", names: Sequence[str], rows: int) -> None:
    numbers = pd.to_numeric(pd.Series(names, dtype="str"), errors="coerce")
    if numbers.isna().any():
        return
    broken = bool((numbers != numbers.round()).any())
    if len(names) > MOST_NUMBERS or (broken and len(names) > max(2, rows / 2)):
        raise DataError(
            f"The label column '{column.name}' holds {len(names):,} different numbers, from "
            f"{numbers.min():g} to {numbers.max():g}: a quantity (a regression target), and fairkd "
            "learns classes. Name a column of classes in data.label, or make one of ranges of "
            "these numbers."
        )


def _refuse_separated(column: "pd.Series[Any]", names: Sequence[str]) -> None:
    """Values such as ``a;b`` whose parts are values, or parts of other values, too."""
    if is_number(column):
        return
    for separator in (*_SEPARATORS, ","):
        parts = {name: {part.strip() for part in name.split(separator)} for name in names}
        joined = [name for name in names if len(parts[name]) > 1]
        for name in joined:
            others = [parts[other] for other in names if other != name]
            alone = [{part} in others for part in parts[name]]
            shared = any(parts[name] & other for other in others)
            if all(alone) or (separator in _SEPARATORS and shared):
                raise DataError(
                    f"The label column '{column.name}' holds '{name}', which reads as several "
                    f"labels with '{separator}' between them: {_MULTI_LABEL}"
                )


def _in_order(names: Sequence[str]) -> list[str]:
    numbers = pd.to_numeric(pd.Series(names, dtype="str"), errors="coerce")
    if numbers.isna().any():
        return sorted(names)
    return [names[int(place)] for place in np.argsort(numbers.to_numpy(), kind="stable")]


def _listed(names: Sequence[str]) -> str:
    few = ", ".join(_in_order(names)[:5])
    return f"{few}, ..." if len(names) > 5 else few


def _folded(text: str) -> str:
    return text.strip().casefold()
