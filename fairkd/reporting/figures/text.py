"""Text in a plot: from data it is shown letter by letter, and no longer than there is room.

Plotly reads a part of HTML in every text (ticks, legends, hovers, menus), so a group may not be
called ``<b>`` without this.
"""

import textwrap
from collections.abc import Iterable, Sequence

ON_AXIS = 24
"""The most characters of a name beside an axis, of which a phone has room for few."""
IN_LEGEND = 40

_HOVER_WIDTH = 60
_CUT = "\u2026"


def literal(text: str) -> str:
    """A text as Plotly shows it letter by letter, on one line."""
    plain = " ".join(text.split())
    return plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def shortened(text: str, most: int) -> str:
    """A text on one line, without its middle where it is longer than ``most`` characters."""
    plain = " ".join(text.split())
    if len(plain) <= most:
        return plain
    start = (most - 1) * 2 // 3
    return plain[:start].rstrip() + _CUT + plain[start + 1 - most :].lstrip()


def distinct(names: Sequence[str], most: int) -> list[str]:
    """`shortened` names; of those that would read alike, each gains its place in the list."""
    found = [shortened(name, most) for name in names]
    return [
        f"{name} ({place + 1})" if found.count(name) > 1 else name
        for place, name in enumerate(found)
    ]


def short(text: str, most: int = ON_AXIS) -> str:
    """`shortened` and `literal`."""
    return literal(shortened(text, most))


def ticks(names: Sequence[str], most: int = ON_AXIS) -> list[str]:
    """`distinct` and `literal`."""
    return list(map(literal, distinct(names, most)))


def hover(name: str, lines: Iterable[str]) -> str:
    """A hover's text: a name from data, whole and bold, above lines.

    Args:
        name: as it is in the data.
        lines: already `literal` where they hold text from data.
    """
    wrapped = textwrap.wrap(name, _HOVER_WIDTH) or [""]
    return "<br>".join([f"<b>{'<br>'.join(map(literal, wrapped))}</b>", *lines])
