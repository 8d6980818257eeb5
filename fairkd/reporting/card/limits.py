"""What the model may be used for as far as the run tells, its limits, and what nobody measured."""

from collections.abc import Iterator

from fairkd.record import JobRecord
from fairkd.reporting.card.metadata import catalogued, data_name
from fairkd.reporting.certificate import bound_lines
from fairkd.reporting.console import alike_lines
from fairkd.reporting.markdown import bullets, plain
from fairkd.reporting.recorded import RecordedJob

SMALL = 100
"""Fewer rows of a group on test than this are called few."""
_MOST_NAMED = 20

_NEVER_MEASURED = (
    "people, places and times other than those of the test rows, and how the data came about",
    "rows that are missing values, wrong, or made to mislead",
    "fairness between individuals, and why groups differ",
    "what happens to people after a decision, and whether the label is what should be decided",
    "privacy beyond what losses tell of training rows",
)


def use_section(job: RecordedJob) -> Iterator[str]:
    """Intended use, and limits, each from a fact of the run."""
    yield "## Intended use"
    entry, trio = catalogued(job), job.record.trio
    what = f"the label {plain(entry.label)} " if entry is not None else ""
    classes = ", ".join(map(plain, trio.classes))
    where = f" ({plain(entry.source)})" if entry is not None else ""
    yield (
        f"The run states no use. It was trained and measured to predict {what}({classes}) on "
        f"{plain(data_name(job))}{where}, and nothing is known of it on other rows."
    )
    yield "## Limits"
    alike = [_sentence(plain(line)) for line in alike_lines(trio)]
    yield bullets(
        [*_groups(job), *_small(job.record), *_undefined(job.record), *alike, *_bounds(job)]
    )


def not_measured_section(job: RecordedJob, repetitions: int) -> Iterator[str]:
    """What a reader may miss.

    Args:
        job: the job.
        repetitions: of its configuration, itself included, as far as they are known here.
    """
    yield "## Not measured"
    yield bullets([*_conditional(job, repetitions), *_NEVER_MEASURED])


def _groups(job: RecordedJob) -> Iterator[str]:
    data = job.configuration["data"]
    blocks = list(job.record.trio.transfers)
    listed = " and ".join(map(plain, blocks))
    yield f"Groups were measured by {listed} alone"
    used = data.get("use_groups_as_features")
    if used is not None:
        are = "are among" if used else "are not among"
        yield f"The columns of these groups {are} the model's inputs (data.use_groups_as_features)"
    measured = job.record.trio.evaluations[job.record.trio.final].metrics
    for block in blocks:
        missing = int(measured.get(f"missing/{block}", 0))
        if missing:
            yield f"{missing:,} test rows have no known {plain(block)} and count in no group of it"


def _small(record: JobRecord) -> Iterator[str]:
    measured = record.trio.evaluations[record.trio.final]
    for block, layout in measured.layouts.items():
        counts = {cell: int(measured.metrics[f"count/{block}.{cell}"]) for cell in layout.cells}
        few = {cell: n for cell, n in counts.items() if n < SMALL}
        if few:
            named = _some([f"{plain(cell)} {n:,}" for cell, n in few.items()])
            yield (
                f"Few test rows (below {SMALL}) in these groups of {plain(block)}, whose numbers "
                f"are uncertain: {named}"
            )


def _undefined(record: JobRecord) -> Iterator[str]:
    """Metrics without a value, by what they are of."""
    measured = record.trio.evaluations[record.trio.final]
    of: dict[str, list[str]] = {}
    for name in measured.undefined:
        metric, _, place = name.partition("/")
        of.setdefault(place, []).append(metric.replace("_", " "))
    named = [
        f"{plain(place) or 'all rows'} ({', '.join(map(plain, metrics))})"
        for place, metrics in of.items()
    ]
    if named:
        yield f"Undefined on test, for lack of rows to divide by, and not 0: {_some(named)}"


def _bounds(job: RecordedJob) -> Iterator[str]:
    record = job.record
    lines = [plain(line) for line in bound_lines(record)]
    if not any(bound.threshold > 0 for bound in record.bounds.values()):
        lines.insert(0, "No bound above 0 was asked of any gap")
    if record.certificate is None:
        lines.append(
            "Nothing is certified: no rows were kept to certify a bound (constraint.confidence), "
            "so a bound that holds on test is no promise for new rows"
        )
    yield from map(_sentence, lines)


def _conditional(job: RecordedJob, repetitions: int) -> Iterator[str]:
    entry = catalogued(job)
    measured = {part for block in job.record.trio.transfers for part in block.split("+")}
    if entry is not None and set(entry.groups) - measured:
        others = ", ".join(plain(name) for name in entry.groups if name not in measured)
        yield f"groups by {others}, which the data has"
    if len(measured) > 1 and not any("+" in block for block in job.record.trio.transfers):
        yield "groups at the intersections of those that were measured"
    if repetitions < 2:
        yield "how results vary over seeds: this is one split, one teacher and one student"
    yield "time and memory on any other machine than the one that trained it"
    if not job.record.membership:
        yield "whether losses tell which rows trained it"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _some(names: list[str]) -> str:
    more = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f", and {more:,} more" if more > 0 else "")
