"""The rows that the chosen model decides wrongly and its control rightly, or the reverse."""

import io

import pandas as pd

from fairkd.errors import TrackingError
from fairkd.evaluation.flipped import HARMFUL
from fairkd.reporting.report.document import Table
from fairkd.reporting.report.raw import raw_cell

ARTIFACT = "flipped.csv"
"""Where a run keeps them: `fairkd.evaluation.flipped.Flipped.table`."""


def flipped_table(text: str, name: str, most: int, final: str) -> Table:
    """The first flipped rows, harmful ones first, with their raw features.

    Args:
        text: of the artifact.
        name: of the table.
        most: how many rows are shown.
        final: the model whose decisions they are.

    Raises:
        TrackingError: the text is no such table.
    """
    found = _read(text)
    shown = found.head(most)
    more = f" {len(found) - len(shown):,} more are in {ARTIFACT} of the run." * (
        len(found) > len(shown)
    )
    model = final if final == "student" else f"{final} model"
    privacy = (
        "They are raw rows of the data: mind who gets this page, or make it with rows=0."
        if len(found)
        else "There are none."
    )
    return Table(
        name=name,
        title="Flipped rows",
        caption=(
            f"Rows of test that were decided rightly by the reference and wrongly by the {model} "
            "(harmful), or the reverse (beneficial); those first in which the true label's "
            f"probability changed most.{more} {privacy}"
        ),
        headings=tuple(str(heading).replace("_", " ") for heading in found.columns),
        rows=tuple(tuple(map(raw_cell, line)) for line in shown.itertuples(index=False, name=None)),
    )


def _read(text: str) -> pd.DataFrame:
    """Harmful rows first, and of each kind those against the control first: against the teacher, a
    smaller model alone makes some."""
    try:
        found = pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False, header=None)
        table = found[1:].set_axis(found.iloc[0].tolist(), axis=1)
        kind, reference = table["kind"], table["reference"]
    except (ValueError, LookupError) as error:
        raise TrackingError(
            f"{ARTIFACT} of the run is damaged ({error}); make the report with rows=0, or run the "
            "job again."
        ) from error
    order = sorted(
        range(len(table)),
        key=lambda place: (kind.iloc[place] != HARMFUL, reference.iloc[place] != "control"),
    )
    return table.iloc[order]
