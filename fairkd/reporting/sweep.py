"""A sweep's end on the terminal: configurations best first, each beside control and teacher."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.measure import Measurement
from rich.table import Table

from fairkd.reporting.certificate import joint_lines
from fairkd.sweeps.estimate import Estimate
from fairkd.sweeps.joint import joint
from fairkd.sweeps.labels import columns, labels
from fairkd.sweeps.numbers import number
from fairkd.sweeps.outcome import MEASURES, Failure, Model
from fairkd.sweeps.sentence import sentence
from fairkd.sweeps.summary import Row, Summary

MOST_ROWS = 20
MOST_FAILURES = 5
FRONT = "*"

_UNLIMITED = 10_000


def show_sweep(
    summary: Summary, failures: Sequence[Failure], console: Console, csv: str | Path
) -> None:
    """Print one table a comparison, what it means, and the jobs that did not finish.

    Args:
        summary: of the finished jobs.
        failures: the others.
        console: where to; everything fits into 80 columns.
        csv: where the whole table is.
    """
    for comparison, rows in summary.comparisons().items():
        _show_comparison(comparison, rows, console, csv)
    for line in _legend(summary):
        _say(console, line)
    _say(console, sentence(summary))
    for line in joint_lines(joint(outcome for row in summary.rows for outcome in row.outcomes)):
        _say(console, line)
    for line in _failure_lines(failures):
        _say(console, line)


def _show_comparison(
    comparison: str, rows: Sequence[Row], console: Console, csv: str | Path
) -> None:
    shown = rows[:MOST_ROWS]
    varied = [row.varied for row in rows]
    table = _table(comparison, shown, columns(varied))
    wanted = Measurement.get(console, console.options.update(max_width=_UNLIMITED), table).maximum
    if wanted > console.width:
        table = _table(comparison, shown, {"configuration": labels(varied)})
    console.print(table)
    console.print()
    if len(rows) > len(shown):
        more = f"... {len(rows) - len(shown)} more in {csv}"
        console.print(more, markup=False, highlight=False, soft_wrap=True)


def _table(comparison: str, rows: Sequence[Row], varied: dict[str, list[str]]) -> Table:
    """A row a configuration; ``varied`` has a text for each of them, and may have more."""
    table = Table(
        title=f"{_models(rows)} on test, best on validation first; gap: {escape(comparison)}",
        title_justify="left",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        collapse_padding=True,
    )
    counts = len({row.repetitions for row in rows}) > 1
    table.add_column("")
    for heading in varied:
        table.add_column(escape(heading), overflow="fold")
    for heading in (*(["n"] if counts else []), "accuracy", "gap"):
        table.add_column(heading, justify="right", overflow="fold")
    for model in ("control", "teacher"):
        table.add_column(f"{model}\nacc.   gap", justify="right", overflow="fold")
    for place, row in enumerate(rows):
        table.add_row(
            FRONT if row.on_front else "",
            *(escape(texts[place]) for texts in varied.values()),
            *([str(row.repetitions)] if counts else []),
            *(_with_interval(row.estimate("student", "test", measure)) for measure in MEASURES),
            _beside(row, "control"),
            _beside(row, "teacher"),
        )
    return table


def _models(rows: Sequence[Row]) -> str:
    """What stands in the students' place."""
    finals = {outcome.final for row in rows for outcome in row.outcomes}
    if finals == {"student"}:
        return "Students"
    if len(finals) > 2:
        return "Models"
    told = [f"{final} models" if final != "student" else "students" for final in sorted(finals)]
    return " and ".join(told).capitalize()


def _with_interval(estimate: Estimate) -> str:
    text = number(estimate.mean)
    if 0 < estimate.defined < estimate.of:
        text += f" ({estimate.defined}/{estimate.of})"
    if estimate.interval == "repetitions":
        text += f" [dim]±{number(estimate.half_width)}[/dim]"
    if estimate.interval == "test rows":
        text += f" [dim]{number(estimate.low)}\u2013{number(estimate.high)}[/dim]"
    return text


def _beside(row: Row, model: Model) -> str:
    return " ".join(number(row.estimate(model, "test", measure).mean) for measure in MEASURES)


def _legend(summary: Summary) -> Iterator[str]:
    """What the marks mean, as far as the tables have them, and what the intervals cover."""
    if not summary.rows:
        return
    yield (
        f"{FRONT} Pareto front. Order and front are chosen on validation: by non-dominated rank "
        "(accuracy up, gap down), within a rank by accuracy minus gap."
    )
    estimates = [
        row.estimate("student", "test", measure) for row in summary.rows for measure in MEASURES
    ]
    kinds = {estimate.interval for estimate in estimates}
    if "repetitions" in kinds:
        yield f"± half of the mean's {summary.confidence:.0%} Student t interval over repetitions."
    if "test rows" in kinds:
        yield "a\u2013b: of a single repetition, its own bootstrap interval over test rows."
    if any(0 < estimate.defined < estimate.of for estimate in estimates):
        yield "(a/b): defined in a of b repetitions, whose mean is shown."
    conditions = Counter(row.repetitions_vary for row in summary.rows)
    if len(conditions) > 1:
        yield "The configurations are not repeated alike:"
        for text, count in conditions.items():
            yield f"  {count} of {len(summary.rows)}: {text}"


def _failure_lines(failures: Sequence[Failure]) -> Iterator[str]:
    """Each sentence once, under it the jobs that it is about."""
    about: dict[tuple[str, str], list[Failure]] = {}
    for failure in sorted(failures, key=lambda failure: failure.number):
        about.setdefault((failure.kind, failure.sentence), []).append(failure)
    for (kind, text), jobs in about.items():
        yield f"{len(jobs)} {kind}: {text}"
        for job in jobs[:MOST_FAILURES]:
            yield f"  #{job.number} {' '.join(job.words)}".rstrip()
        if len(jobs) > MOST_FAILURES:
            yield f"  ... and {', '.join(f'#{job.number}' for job in jobs[MOST_FAILURES:])}"


def _say(console: Console, text: str) -> None:
    console.print(text, markup=False, highlight=False)
