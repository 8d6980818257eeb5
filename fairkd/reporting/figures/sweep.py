"""The figures of one comparison of a sweep."""

from collections.abc import Sequence

from fairkd.reporting.figures.differences import differences_figure
from fairkd.reporting.figures.figure import Figure
from fairkd.reporting.figures.frontier import frontier
from fairkd.reporting.figures.heat_map import heat_map
from fairkd.reporting.figures.parallel import parallel
from fairkd.reporting.figures.stability import stability
from fairkd.reporting.figures.temperature import temperature
from fairkd.sweeps.summary import Row


def sweep_figures(
    rows: Sequence[Row], threshold: float | None = None, confidence: float = 0.95
) -> list[Figure]:
    """What a comparison has numbers for, the most important first; nothing for no rows.

    Args:
        rows: of one comparison (`fairkd.sweeps.summary.Summary.comparisons`), best first.
        threshold: a bound to draw on the frontier.
        confidence: of the intervals over repetitions, as the summary was made with.
    """
    if not rows:
        return []
    found = [
        frontier(rows, threshold, confidence),
        temperature(rows, confidence),
        heat_map(rows),
        differences_figure(rows, confidence),
        stability(rows),
        parallel(rows),
    ]
    return [figure for figure in found if figure is not None]
