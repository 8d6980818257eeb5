"""Markdown in which text from data is only ever text."""

import re
from collections.abc import Iterable, Sequence

_MARKS = re.compile(r"([\\`*_\[\]|~$])")
_AT_THE_END = re.compile(r"(?<![\\#])(#+)$")  # which closes a heading
_AT_THE_START = re.compile(r"^(\d*)([#=]|[.)+-](?=[ -]|$))")
_UNSHOWN = "\ufffd"  # for what is no letter, such as a change of the direction of reading
_ENTITIES = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    "@": "&#64;",
    "://": "&#58;//",
    "www.": "www&#46;",
}


def plain(text: object) -> str:
    """A text on one line, every letter of it shown as it is.

    Nothing in it becomes markup, HTML, a link, a mention or the end of a table's cell.
    """
    shown = "".join(one if one.isprintable() else _UNSHOWN for one in " ".join(str(text).split()))
    line = _AT_THE_START.sub(r"\1\\\2", _MARKS.sub(r"\\\1", shown))
    line = _AT_THE_END.sub(r"\\\1", line)
    for letters, entity in _ENTITIES.items():
        line = line.replace(letters, entity)
    return line


def table(headings: Sequence[str], rows: Iterable[Sequence[str]], numbers: bool = True) -> str:
    """A table; headings and cells are Markdown already.

    Args:
        headings: one a column.
        rows: their cells.
        numbers: whether all columns but the first stand to the right.
    """
    right = "---:" if numbers else "---"
    lines = [headings, ["---", *[right] * (len(headings) - 1)], *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def block(text: str, language: str = "") -> str:
    """A block of code whose fence is longer than any run of backticks within."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def bullets(lines: Iterable[str]) -> str:
    """A list; its lines are Markdown already."""
    return "\n".join(f"- {line}" for line in lines)
