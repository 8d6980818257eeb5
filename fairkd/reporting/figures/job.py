"""The figures of one job."""

from fairkd.record import JobRecord
from fairkd.reporting.figures.curves import curves
from fairkd.reporting.figures.figure import Figure
from fairkd.reporting.figures.flips import flips
from fairkd.reporting.figures.groups import groups
from fairkd.reporting.figures.membership import membership
from fairkd.reporting.figures.training import training


def job_figures(record: JobRecord) -> list[Figure]:
    """What a record has numbers for, the most important first.

    Args:
        record: of one job.
    """
    found = [
        *groups(record),
        *flips(record),
        training(record),
        *curves(record),
        *membership(record),
    ]
    return [figure for figure in found if figure is not None]
