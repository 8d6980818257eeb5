"""What was measured on test: overall, by group, and what distillation changed."""

import math
from collections.abc import Iterator, Sequence

from fairkd.evaluation.evaluation import Evaluation
from fairkd.evaluation.transfer import REFERENCES
from fairkd.evaluation.trio import MODELS
from fairkd.record import JobRecord
from fairkd.reporting import markdown
from fairkd.reporting.card.model import method_of
from fairkd.reporting.console import DISPARITIES
from fairkd.reporting.markdown import bullets, plain
from fairkd.reporting.recorded import RecordedJob
from fairkd.reporting.report.document import Table
from fairkd.reporting.report.groups import groups_table
from fairkd.reporting.report.privacy import privacy_table
from fairkd.sweeps.numbers import with_ends

_OVERALL = {
    "accuracy": "accuracy",
    "balanced accuracy": "balanced_accuracy",
    "AUC": "auc",
    "log loss": "log_loss",
    "Brier score": "brier",
    "calibration error": "ece",
}
_OF_TRAINING = ("distillation", "constraint", "mitigation")


def results_section(job: RecordedJob) -> Iterator[str]:
    """The parts of the section, and of those on what changed and on privacy."""
    record, trio = job.record, job.record.trio
    yield "## Results on test"
    yield (
        "Hard decisions on rows that neither trained nor selected. [a, b] are "
        f"{100 * job.confidence:.4g}% intervals over these rows, each by itself. The control is "
        "the student's architecture, data and seed, trained from a fresh start on labels alone."
    )
    yield _overall(record)
    for block in trio.transfers:
        yield f"### By {plain(block)}"
        yield from _shown(groups_table(trio, block, block))
    yield from _changes(job)
    yield from _privacy(record)


def _overall(record: JobRecord) -> str:
    trio = record.trio
    models = list(dict.fromkeys((*MODELS, *trio.models)))
    rows = []
    metrics = dict(_OVERALL)
    for block in trio.transfers:
        metrics |= {f"{words} by {block}": f"{name}/{block}" for words, name in DISPARITIES.items()}
    headline = record.headline
    if headline.name not in metrics.values():
        words = f"{headline.metric.replace('_', ' ')} by {headline.block}"
        cells = [_of_headline(record, model) for model in models]
        rows.append([plain(words), *cells])
    rows += [
        [plain(words), *(_value(trio.evaluations[model], name) for model in models)]
        for words, name in metrics.items()
        if any(name in trio.evaluations[model].metrics for model in models)
    ]
    return markdown.table(["", *map(plain, models)], rows)


def _changes(job: RecordedJob) -> Iterator[str]:
    """The student's changes from teacher and control, then what was made of the student."""
    record, method = job.record, method_of(job)
    yield "## What distillation changed" if "distillation" in method else "## What changed"
    asked = {name: method[name] for name in _OF_TRAINING if name in method}
    what = "; ".join(f"{section}: {', '.join(names)}" for section, names in asked.items())
    yield (
        "Each number is one model's minus another's on the same rows, with a paired interval; a gap"
        " that grew is positive. Between student and control lies all that the control is trained "
        f"without: {plain(what or 'nothing')}."
    )
    yield from _changes_of("student", REFERENCES, record)
    final = record.trio.final
    if final != "student":
        yield f"### From the student to the {plain(final)} model"
        yield from _changes_of(final, ("student", REFERENCES[0]), record)


def _changes_of(model: str, others: Sequence[str], record: JobRecord) -> Iterator[str]:
    changes = record.trio.changes(model)
    metrics = dict(DISPARITIES)
    if record.headline.metric not in metrics.values():
        metrics = {record.headline.metric.replace("_", " "): record.headline.metric, **metrics}
    rows = [
        [plain(f"{words} by {block}"), *(_value(changed, name, signed=True) for name in names)]
        for block, changed in changes.items()
        for words, metric in metrics.items()
        for names in [[f"{metric}_change_from_{other}/{block}" for other in others]]
        if names[0] in changed.metrics
    ]
    heading = f"{plain(model)}'s change"
    yield markdown.table([heading, *(f"minus the {plain(other)}" for other in others)], rows)
    first = next(iter(changes.values()))
    lines = [f"It decides as the teacher does on {_value(first, 'fidelity')} of the rows"]
    flips = {block: found for of in changes.values() for block, found in of.flips.items()}
    totals = {block: sum(found.counts["count"]) for block, found in flips.items()}
    most = max(totals, key=totals.__getitem__)  # rows whose group is missing are not counted
    for other in others:
        harmful, beneficial = (
            sum(flips[most].counts[f"{kind}_flips_from_{other}"])
            for kind in ("harmful", "beneficial")
        )
        lines.append(
            f"Of {totals[most]:,} rows whose {plain(most)} is known, {harmful:,} are wrong that "
            f"the {plain(other)} had right, and {beneficial:,} right that it had wrong"
        )
    yield bullets(lines)


def _privacy(record: JobRecord) -> Iterator[str]:
    if not record.membership:
        return
    first, *others = record.trio.transfers
    for place, block in enumerate((first, *others)):
        table = privacy_table(record, block, block)
        if table is None:
            continue
        if place == 0:
            yield f"## {plain(table.title)}"
            yield plain(table.caption)
        yield _as_markdown(table)


def _shown(table: Table) -> Iterator[str]:
    yield plain(table.caption)
    yield _as_markdown(table)


def _as_markdown(table: Table) -> str:
    rows = [[plain(cell.text) for cell in cells] for cells in table.rows]
    return markdown.table([plain(heading) for heading in table.headings], rows)


def _of_headline(record: JobRecord, model: str) -> str:
    return with_ends(record.disparity(model, "test"), record.disparity_interval(model))


def _value(measured: Evaluation, name: str, signed: bool = False) -> str:
    value = measured.metrics.get(name, math.nan)
    return with_ends(value, measured.intervals.get(name), signed=signed)
