"""What captions, axes and hovers say about a sweep's numbers, in one voice."""

import textwrap
from collections.abc import Iterable, Iterator, Sequence

from fairkd.record import Headline
from fairkd.reporting.figures.text import hover, literal, shortened
from fairkd.sweeps.estimate import Estimate
from fairkd.sweeps.numbers import with_interval
from fairkd.sweeps.outcome import MEASURES, Measure
from fairkd.sweeps.summary import Row

MOST_RUNS = 6
"""Run ids in one hover."""

_LINE = 48  # characters that a phone has room for


def disparity_words(headline: Headline) -> str:
    """A headline as people say it: ``demographic parity difference by sex``."""
    return f"{headline.metric.replace('_', ' ')} by {headline.block}"


def axis_words(
    measure: Measure, headline: Headline, ending: str = "", width: int = _LINE, lines: int = 1
) -> str:
    """An axis' title, with its unit; text from data is literal.

    Args:
        measure: what the axis shows.
        headline: which disparity is meant.
        ending: instead of the unit, such as ``minus control``.
        width: the most characters of a line.
        lines: the most lines; what does not fit loses its middle.
    """
    if measure == "accuracy":
        words, end = "accuracy", ending or "(share of test rows)"
    else:
        words, end = disparity_words(headline), ending or "(test)"
    for most in range(width * lines, 0, -1):
        found = textwrap.wrap(f"{shortened(words, most)} {end}", width)
        if len(found) <= lines:
            break
    return "<br>".join(map(literal, found))


def counted(n: int, what: str) -> str:
    """``1 group``, ``2 groups``."""
    return f"{n:,} {what}{'' if n == 1 else 's'}"


def repeated(rows: Sequence[Row]) -> str:
    """``4 repetitions (only the student varies: conditional on ...)``."""
    counts = {row.repetitions for row in rows}
    few, many = min(counts), max(counts)
    times = counted(many, "repetition") if few == many else f"{few} to {many} repetitions"
    conditions = list(dict.fromkeys(row.repetitions_vary for row in rows))
    return f"{times} ({conditions[0]})" if len(conditions) == 1 else times


def intervals(estimates: Iterable[Estimate], confidence: float, what: str = "Bars") -> str:
    """A sentence on what the intervals are."""
    kinds = {estimate.interval for estimate in estimates}
    told = []
    if "repetitions" in kinds:
        told.append(f"{confidence:.0%} Student t intervals of the mean over repetitions")
    if "test rows" in kinds:
        told.append("a single repetition's bootstrap intervals over test rows")
    if not told:
        return "A single repetition gives no intervals."
    return f"{what} are {' or '.join(told)}."


def left_out(n: int, of: int, what: str, why: str) -> str:
    """A sentence on what is not drawn, with a space before it; empty where everything is."""
    if not n:
        return ""
    verb = "is" if n == 1 else "are"
    return f" {n:,} of {counted(of, what)} {verb} not drawn: {why}."


def of_row(row: Row, label: str) -> str:
    """A configuration's hover: its numbers, intervals, repetitions and runs."""
    accuracy, disparity = (row.estimate("student", "test", measure) for measure in MEASURES)
    lines = [
        f"accuracy {with_interval(accuracy)}",
        f"disparity {with_interval(disparity)}",
        *(
            f"{measure} minus control {with_interval(row.minus_control[measure], signed=True)}"
            for measure in MEASURES
        ),
        counted(row.repetitions, "repetition") + (", on the front" if row.on_front else ""),
        *_runs(row),
    ]
    return hover(label or "the only configuration", lines)


def _runs(row: Row) -> Iterator[str]:
    ids = [outcome.run_id for outcome in row.outcomes if outcome.run_id]
    yield from (f"run {literal(run_id)}" for run_id in ids[:MOST_RUNS])
    if len(ids) > MOST_RUNS:
        yield f"and {len(ids) - MOST_RUNS} more"
