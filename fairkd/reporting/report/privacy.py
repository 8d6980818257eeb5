"""A first look at privacy: whether losses tell which rows trained a model, by group."""

from fairkd.privacy.membership import MEMBERSHIP_AUC
from fairkd.record import JobRecord
from fairkd.reporting.report.document import Cell, Table
from fairkd.sweeps.numbers import with_ends

_ALL = "all"


def privacy_table(record: JobRecord, block: str, name: str) -> Table | None:
    """A row for each group, and one for all rows; ``None`` where nothing was measured.

    Args:
        record: of the chosen job.
        block: the group block.
        name: of the table.
    """
    models = list(record.membership)
    if not models:
        return None
    cells = record.membership[models[0]].layouts[block].cells
    return Table(
        name=name,
        title="A first look at privacy",
        caption=(
            "How well a row's loss tells whether it trained the model: the share of pairs of a "
            "training row and another row in which the training row's loss is the lower one, with "
            "DeLong's interval. 0.5 tells nothing; it is no proof that nothing else does."
        ),
        headings=("group", *models),
        rows=tuple(
            (Cell(_ALL if cell is None else cell), *(_cell(record, m, block, cell) for m in models))
            for cell in (None, *cells)
        ),
    )


def _cell(record: JobRecord, model: str, block: str, cell: str | None) -> Cell:
    found = record.membership[model]
    name = MEMBERSHIP_AUC if cell is None else f"{MEMBERSHIP_AUC}/{block}.{cell}"
    value = found.metrics[name]
    return Cell(with_ends(value, found.intervals.get(name)), value)
