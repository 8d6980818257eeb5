"""A report as one HTML file that needs nothing beside it: no network, no other file."""

import json
import math
from functools import cache
from importlib.resources import files

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from fairkd import __version__
from fairkd.reporting.figures import theme
from fairkd.reporting.report.document import Report

MARK = "<!doctype html>\n<!-- fairkd report -->\n"
"""How the text of every page begins."""

_LOOKS = {"light": False, "dark": True}
_FEW_ROWS = 6
_MANY_ROWS = 25
_LONG_TEXT = 32  # characters, which may stand on several lines
_MOST_ON_PAPER = 18  # columns
# Nothing may be fetched, whatever a name or a library says.
_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; "
    "img-src data: blob:; font-src data:; base-uri 'none'; form-action 'none'"
)


def page(report: Report) -> str:
    """The whole page."""
    # Marked as safe are our own files, Plotly's library, and JSON without any "<".
    return (
        _environment()
        .from_string(_part("page.html"))
        .render(
            report=report,
            version=__version__,
            policy=_POLICY,
            few=_FEW_ROWS,
            many=_MANY_ROWS,
            long=_LONG_TEXT,
            broad=_MOST_ON_PAPER,
            style=Markup(_part("page.css")),
            behaviour=Markup(_part("page.js")),
            library=Markup(get_plotlyjs()),
            settings=Markup(embedded(_settings())),
            plots=[Markup(embedded(figure.plot.to_json())) for figure in report.figures],
        )
    )


def embedded(text: str) -> str:
    """JSON as it may stand within a script element: nothing in it can end the element."""
    changed: dict[str, str | int | None] = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"}
    changed |= {"\u2028": "\\u2028", "\u2029": "\\u2029"}
    return text.translate(str.maketrans(changed))


def _settings() -> str:
    """What the page's own lines need of the figures' look."""
    looks = {name: theme.template(dark).to_plotly_json() for name, dark in _LOOKS.items()}
    return json.dumps({"options": dict(theme.CONFIG), **looks})


@cache
def _environment() -> Environment:
    return Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_written,
    )


def _written(value: object) -> object:
    """NaN as JavaScript's Number() reads it."""
    return "NaN" if isinstance(value, float) and math.isnan(value) else value


@cache
def _part(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")
