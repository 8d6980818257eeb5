"""A report's sentences, figures and tables, put together from tracked runs."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace

from fairkd.reporting.certificate import joint_lines
from fairkd.reporting.figures.figure import Figure
from fairkd.reporting.figures.job import job_figures
from fairkd.reporting.figures.sweep import sweep_figures
from fairkd.reporting.recorded import RecordedJob, outcomes_of, recorded_jobs
from fairkd.reporting.report.alone import is_distillation_alone
from fairkd.reporting.report.answer import answer, basis
from fairkd.reporting.report.comparison import Compared, compared
from fairkd.reporting.report.configurations import configurations_table
from fairkd.reporting.report.differences import differences_table
from fairkd.reporting.report.document import Command, Finding, Report, Table
from fairkd.reporting.report.flipped import ARTIFACT, flipped_table
from fairkd.reporting.report.groups import groups_table
from fairkd.reporting.report.jobs import jobs_table
from fairkd.reporting.report.made import facts, job_commands, sweeps_commands
from fairkd.reporting.report.own_intervals import with_own_intervals
from fairkd.reporting.report.paper import paper_table
from fairkd.reporting.report.privacy import privacy_table
from fairkd.reporting.runs import FoundRuns
from fairkd.reporting.threshold import threshold_of
from fairkd.sweeps.joint import joint
from fairkd.sweeps.outcome import Outcome
from fairkd.sweeps.summary import Summary, summarise
from fairkd.tracking.reading import Reading

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Wanted:
    """What is asked of a report.

    Attributes:
        threshold: of the gap; ``None`` takes that of the jobs.
        words: of the command that asks for it.
        figures: whether there will be figures.
        rows: how many flipped rows to show.
    """

    threshold: float | None = None
    words: tuple[str, ...] = ()
    figures: bool = True
    rows: int = 50


def report_of(reading: Reading, found: FoundRuns, wanted: Wanted) -> tuple[Report, Summary]:
    """The report on tracked runs, and the summary that it is of.

    Args:
        reading: where the runs are.
        found: which they are.
        wanted: what is asked for.

    Raises:
        TrackingError: something of a run cannot be read.
    """
    jobs = recorded_jobs(reading, found.jobs)
    outcomes = outcomes_of(jobs)
    summary = summarise(outcomes, CONFIDENCE)
    at = threshold_of((job.record for job in jobs), wanted.threshold)
    comparisons = _comparisons(summary, jobs, at.value)
    several = len(comparisons) > 1
    findings: list[Finding] = []
    figures: list[Figure] = []
    tables: list[Table] = []
    taken: list[RecordedJob] = []
    for place, (name, one) in enumerate(comparisons.items(), start=1):
        end = f"-{place}" if several else ""
        job = None if one.job is None else jobs[one.job.number]
        taken += [] if job is None else [job]
        first = jobs[one.rows[0].outcomes[0].number]
        sentences = basis(one, summary.confidence, first.confidence, len(first.record.trio.classes))
        findings.append(Finding(name if several else "", tuple(answer(one)), tuple(sentences)))
        of_this = _tables(one, end, summary.confidence)
        of_this += [] if job is None else _job_tables(reading, job, end, wanted.rows)
        drawn = _figures(one, job, end) if wanted.figures else []
        which = f" ({name})" if several else ""
        tables += [replace(table, title=f"{table.title}{which}") for table in of_this]
        figures += [replace(figure, title=f"{figure.title}{which}") for figure in drawn]
    mixing = [f"These are {len(comparisons)} comparisons that do not mix."] if several else []
    report = Report(
        title=_title(jobs, summary),
        subtitle=_subtitle(found, summary),
        findings=findings,
        notes=[*_missing(found), *mixing, at.source, *_certified(outcomes)],
        figures=figures,
        tables=[*tables, jobs_table(outcomes, [job.run.run_id for job in taken])],
        papers=[
            paper_table(one, f"configurations-{place}", summary.confidence)
            for place, one in enumerate(comparisons.values(), start=1)
        ],
        made=list(facts(jobs, found)),
        commands=[
            *sweeps_commands(reading, found),
            Command("Make this report again", shlex.join(["fairkd", "report", *wanted.words])),
            *(one for job in taken for one in job_commands(reading, job.run, at.value)),
        ],
    )
    return report, summary


def _comparisons(
    summary: Summary, jobs: Sequence[RecordedJob], threshold: float
) -> dict[str, Compared]:
    """Each comparison, with what was chosen from it."""
    alone = {
        row.configuration
        for row in summary.rows
        if all(is_distillation_alone(jobs[outcome.number].parameters) for outcome in row.outcomes)
    }
    return {
        comparison: compared(
            [with_own_intervals(row, jobs[row.outcomes[0].number]) for row in rows],
            [summary.labels[row.configuration] for row in rows],
            threshold,
            alone,
        )
        for comparison, rows in summary.comparisons().items()
    }


def _tables(comparison: Compared, end: str, confidence: float) -> list[Table]:
    """Of all configurations of a comparison."""
    found = [configurations_table(comparison, f"configurations{end}", confidence)]
    tested = differences_table(comparison, f"differences{end}", confidence)
    return found if tested is None else [*found, tested]


def _job_tables(reading: Reading, job: RecordedJob, end: str, rows: int) -> list[Table]:
    """Of the job to take."""
    record, block = job.record, job.record.headline.block
    found: list[Table | None] = []
    if block in record.trio.transfers:
        found += [
            groups_table(record.trio, block, f"groups{end}"),
            privacy_table(record, block, f"privacy{end}"),
        ]
    if rows and record.flipped is not None:
        found.append(
            flipped_table(
                reading.text(job.run, ARTIFACT), f"flipped{end}", rows, record.flipped.final
            )
        )
    return [table for table in found if table is not None]


def _figures(comparison: Compared, job: RecordedJob | None, end: str) -> list[Figure]:
    """Of a comparison, and of the job to take."""
    found = sweep_figures(comparison.rows, comparison.threshold, CONFIDENCE)
    found += [] if job is None else job_figures(job.record)
    return [replace(figure, name=f"figure-{figure.name}{end}") for figure in found]


def _missing(found: FoundRuns) -> list[str]:
    """That this is not everything that was asked for."""
    return [f"Not all of it is here: {found.missing}."] if found.missing else []


def _certified(outcomes: Sequence[Outcome]) -> list[str]:
    """What is certified, or that nothing is."""
    lines = [f"{line[:1].upper()}{line[1:]}." for line in joint_lines(joint(outcomes))]
    return lines or [
        "Nothing is certified: the numbers are of these test rows, and new rows may differ "
        "(constraint.confidence=0.95 tests a bound on rows of its own)."
    ]


def _title(jobs: Sequence[RecordedJob], summary: Summary) -> str:
    names = dict.fromkeys(
        str(job.parameters.get("data.name") or job.run.tags.get("fairkd.data", "")) for job in jobs
    )
    configurations = len(summary.rows)
    return (
        f"{', '.join(names)}: {configurations} configuration{'' if configurations == 1 else 's'} "
        f"of {_kinds(summary)}"
    )


def _kinds(summary: Summary) -> str:
    finals = {outcome.final for row in summary.rows for outcome in row.outcomes}
    return (
        "a distilled student" if finals == {"student"} else "a distilled student and what follows"
    )


def _subtitle(found: FoundRuns, summary: Summary) -> str:
    jobs = summary.jobs
    sweeps = list(dict.fromkeys(run.sweep_id for run in found.jobs if run.sweep_id))
    of_sweep = f", sweep {sweeps[0]}" if len(sweeps) == 1 else ""
    return f"{jobs:,} finished job{'' if jobs == 1 else 's'}{of_sweep}"
