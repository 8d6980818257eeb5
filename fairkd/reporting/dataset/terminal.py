"""A data set on the terminal."""

from collections.abc import Iterator

import pandas as pd
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from fairkd.data.dataset import CERTIFY
from fairkd.reporting.dataset.facts import Facts
from fairkd.reporting.dataset.groups import FEW, Groups, half_width
from fairkd.sweeps.numbers import number, with_ends

MOST_COLUMNS = 40
MOST_GROUPS = 40
_MOST_SMALL = 12
_MOST_MISSING = 8
_MOST_CLASSES = 4


def show_facts(facts: Facts, console: Console) -> None:
    """Print what a data set holds; every table fits into 100 columns."""
    for line in _opening(facts):
        console.print(line, markup=False, highlight=False)
    if facts.columns:
        console.print(_columns(facts))
    for groups in facts.groups.values():
        console.print(_groups(groups))
    for line in _closing(facts):
        console.print(line, markup=False, highlight=False)


def _opening(facts: Facts) -> Iterator[str]:
    rows = facts.rows
    splits = ", ".join(f"{name} {count:,}" for name, count in rows.items())
    yield f"{facts.dataset.name}: {sum(rows.values()):,} rows ({splits})"
    shares = [f"{_line(name)} {share:.1%}" for name, share in facts.shares.items()]
    positive = f"; positive: {_line(facts.dataset.classes[1])}" if len(shares) == 2 else ""
    label = "label" if facts.label is None else f"label {_line(facts.label)}"
    yield f"{label}: {', '.join(shares)}{positive}"
    if not facts.columns:
        shape = " x ".join(map(str, facts.dataset.shape))
        yield f"each row is an array of {shape} numbers"
    yield from map(_line, facts.dataset.told)


def _columns(facts: Facts) -> Table:
    more = len(facts.columns) - MOST_COLUMNS
    title = f"Columns (and {more} more in columns.csv)" if more > 0 else "Columns"
    table = _table(title, "column", "kind", "distinct", "missing", "for")
    total = sum(facts.rows.values())
    for each in facts.columns[:MOST_COLUMNS]:
        table.add_row(
            escape(_line(each.name)),
            each.kind,
            f"{each.distinct:,}",
            f"{each.missing:,} ({each.missing / total:.1%})" if each.missing else "",
            escape(_line(each.role)),
        )
    return table


def _groups(groups: Groups) -> Table:
    shown = groups.shown_classes[:_MOST_CLASSES]
    splits = list(groups.counts)
    found = groups.table()
    kept = set(found["rows"].nlargest(MOST_GROUPS).index)
    left_out = [
        f"the {MOST_GROUPS} largest of {len(found)}" if len(kept) < len(found) else "",
        "intervals in its file" if len(shown) > 1 else "",
        f"{len(shown)} of {len(groups.classes)} classes"
        if len(shown) < len(groups.shown_classes)
        else "",
    ]
    told = "; ".join(filter(None, left_out))
    title = f"Groups of {escape(_line(groups.block))}{f' ({told})' if told else ''}"
    rates = [f"share of {escape(_line(groups.classes[place]))}" for place in shown]
    table = _table(title, "group", "rows", "share", *splits, *rates)
    for cell, row in found.iterrows():
        if cell in kept:
            table.add_row(
                escape(_line(str(cell))),
                f"{int(row['rows']):,}",
                f"{row['share']:.1%}",
                *(f"{int(row[split]):,}" for split in splits),
                *(escape(_rate(row, groups.rate_name(place), len(shown) == 1)) for place in shown),
            )
    return table


def _rate(row: "pd.Series[float]", name: str, with_interval: bool) -> str:
    value = float(row[name])
    if not with_interval:
        return number(value)
    return with_ends(value, (float(row[f"{name}_low"]), float(row[f"{name}_high"])))


def _closing(facts: Facts) -> Iterator[str]:
    for groups in facts.groups.values():
        value, low, high = groups.gap()
        yield (
            f"base rates by {_line(groups.block)} differ by up to {with_ends(value, (low, high))}"
        )
        if groups.unknown:
            yield f"{groups.unknown:,} rows are in no known group of {_line(groups.block)}"
    yield from _missing(facts)
    yield from small_lines(facts)
    yield from certifiable_lines(facts)


def _missing(facts: Facts) -> Iterator[str]:
    found = facts.missing
    ordered = found.sort_values("all rows", ascending=False, kind="stable")
    first = next(iter(facts.groups.values()))
    for name in ordered.index[:_MOST_MISSING]:
        row = ordered.loc[name]
        shares = {cell: float(row[f"{first.block}={cell}"]) for cell in first.cells}
        known = {cell: share for cell, share in shares.items() if share == share}
        text = f"{_line(str(name))} is missing in {row['all rows']:.1%} of rows"
        if known:
            least, most = min(known, key=known.__getitem__), max(known, key=known.__getitem__)
            text += f" ({_line(least)} {known[least]:.1%}, {_line(most)} {known[most]:.1%})"
        yield text
    if len(ordered) > _MOST_MISSING:
        yield f"and {len(ordered) - _MOST_MISSING} more features have missing values: missing.csv"


def small_lines(facts: Facts) -> Iterator[str]:
    """The groups with few test rows of a class, and what that does to rates over them."""
    found = [(groups, *small) for groups in facts.groups.values() for small in groups.small("test")]
    for groups, cell, name, rows in found[:_MOST_SMALL]:
        where = (
            f"{_line(groups.block)}={_line(cell)} has {rows} test {_plural(rows)} of {_line(name)}"
        )
        if rows == 0:
            yield f"{where}: rates over them are undefined"
        else:
            reach = half_width(rows)
            yield f"{where}: a rate over them is known to about \u00b1{reach:.2f}"
    if len(found) > _MOST_SMALL:
        yield f"and {len(found) - _MOST_SMALL} more with fewer than {FEW} test rows of a class"


def certifiable_lines(facts: Facts) -> Iterator[str]:
    """Which bounds the rows can show, a line a block below one of all."""
    rows = facts.certifiable[0].rows
    kept = CERTIFY in facts.dataset.splits
    which = "are kept to certify" if kept else "would certify with constraint.confidence=0.95"
    yield f"{rows:,} rows {which}; the smallest bounds on a largest difference they can show:"
    for block in facts.groups:
        told = [
            f"{each.statistic.replace('_', ' ')} {_bound(each.bound)}"
            for each in facts.certifiable
            if each.block == block
        ]
        yield f"by {_line(block)}: {', '.join(told)}"


def _bound(value: float) -> str:
    return "none" if value >= 1 else number(value)


def _table(title: str, *headings: str) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    for place, heading in enumerate(headings):
        left = place == 0 or heading in ("kind", "for")
        table.add_column(heading, justify="left" if left else "right", overflow="fold")
    return table


def _plural(rows: int) -> str:
    return "row" if rows == 1 else "rows"


def _line(text: str) -> str:
    """A text from data on one line."""
    return " ".join("".join(one if one.isprintable() else " " for one in text).split())
