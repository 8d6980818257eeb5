"""The table of the jobs behind a report, each with the run that holds it."""

from collections.abc import Sequence

from fairkd.reporting.report.document import Cell, Table
from fairkd.reporting.report.raw import raw_cell
from fairkd.sweeps.labels import columns
from fairkd.sweeps.numbers import number
from fairkd.sweeps.outcome import MEASURES, SEED_KEYS, Outcome


def jobs_table(outcomes: Sequence[Outcome], taken: Sequence[str]) -> Table:
    """One row a job, in the order they were started.

    Args:
        outcomes: of the jobs.
        taken: the ids of the runs that a finding would take.
    """
    varied = columns([outcome.varied for outcome in outcomes])
    return Table(
        name="jobs",
        title="Jobs",
        caption="Each is one tracked run, by whose id it is found again. Numbers are on test.",
        headings=("name", *varied, *SEED_KEYS, "accuracy", "gap", "run"),
        rows=tuple(
            (
                Cell(outcome.name),
                *(raw_cell(texts[place]) for texts in varied.values()),
                *(raw_cell(str(outcome.seeds.get(key, ""))) for key in SEED_KEYS),
                *(
                    Cell(number(value), value)
                    for measure in MEASURES
                    for value in [outcome.value("student", "test", measure)]
                ),
                Cell(outcome.run_id),
            )
            for place, outcome in enumerate(outcomes)
        ),
        marked=frozenset(
            place for place, outcome in enumerate(outcomes) if outcome.run_id in taken
        ),
    )
