"""A data set in a folder, and in a tracked run of its own."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from fairkd.errors import StoreError
from fairkd.files import write_whole
from fairkd.job_folder import FIGURES
from fairkd.record import GROUP_METRICS_LIMIT
from fairkd.reporting.dataset.facts import Facts
from fairkd.reporting.dataset.terminal import certifiable_lines, small_lines
from fairkd.reporting.markdown import bullets, plain, table
from fairkd.sweeps.numbers import with_ends
from fairkd.tracking.interface import Run
from fairkd.tracking.reading import DATA, KIND, OF_DATA
from fairkd.tracking.slug import metric_name, slug

NOTE = "mlflow.note.content"
PICTURE = "data.png"
_MOST_CELLS = 20
_MOST_LINES = 8


def tags(facts: Facts) -> dict[str, str]:
    """What the run is found by."""
    return {DATA: facts.dataset.name, KIND: OF_DATA}


def tables(facts: Facts) -> dict[str, pd.DataFrame]:
    """Every table by its place in the folder and among the artifacts."""
    found = {f"groups/{slug(name)}.csv": of.table() for name, of in facts.groups.items()}
    if facts.columns:
        found["columns.csv"] = facts.columns_table()
    if len(facts.missing):
        found["missing.csv"] = facts.missing
    return found


def metrics(facts: Facts) -> dict[str, float]:
    """Rows, base rates and their differences, and what can be certified, by name."""
    found = {"rows": float(sum(facts.rows.values()))}
    found |= {metric_name("rows", split): float(rows) for split, rows in facts.rows.items()}
    for name, of in facts.groups.items():
        difference = metric_name("base_rate_difference", name)
        found[difference], found[f"{difference}_high"] = of.gap()
        rates = of.table()
        if len(rates) * len(of.shown_classes) > GROUP_METRICS_LIMIT:
            continue  # its table has them
        for place in of.shown_classes:
            column = of.rate_name(place)
            for cell, value in rates[column].items():
                found[metric_name(column, f"{name}.{cell}")] = float(value)
    for each in facts.certifiable:
        found[metric_name("certifiable", each.statistic, each.block)] = each.bound
    return found


def write_folder(facts: Facts, picture: bytes, folder: Path) -> None:
    """Write the tables and the picture into a folder, which is made where there is none.

    Raises:
        StoreError: it cannot be written.
    """
    try:
        for path, found in tables(facts).items():
            write_whole(_csv(found), folder / path)
        (folder / PICTURE).write_bytes(picture)
    except OSError as error:
        raise StoreError(
            f"The folder {folder} cannot be written ({error.strerror or error}); free some space "
            "or set hydra.run.dir to another place."
        ) from error


def write_run(run: Run, facts: Facts, config: Mapping[str, object], folder: Path) -> None:
    """Write a data set into an open run.

    Args:
        run: open.
        facts: of the data set.
        config: the section ``data``, resolved.
        folder: with what `write_folder` put there.
    """
    dataset = facts.dataset
    run.log_metrics(metrics(facts))
    run.log_input(
        dataset.name, dataset.fingerprint, ", ".join(facts.rows), sum(facts.rows.values())
    )
    for path, found in tables(facts).items():
        run.log_table(found, path)
    run.log_file(folder / PICTURE, FIGURES)
    run.log_json({"data": config}, "configuration.json")
    run.set_tags({NOTE: note(facts, run.run_id)})


def note(facts: Facts, run_id: str) -> str:
    """The run's description as Markdown; no name from the data can become more than text."""
    first = next(iter(facts.groups.values()))
    found = first.table()[:_MOST_CELLS]
    columns = [first.rate_name(place) for place in first.shown_classes]
    rows = [
        [
            plain(cell),
            f"{int(row['rows']):,}",
            *(with_ends(row[c], (row[f"{c}_low"], row[f"{c}_high"])) for c in columns),
        ]
        for cell, row in found.iterrows()
    ]
    shown = [plain(f"share of {first.classes[place]}") for place in first.shown_classes]
    lines = [*small_lines(facts), *certifiable_lines(facts)][:_MOST_LINES]
    # MLflow's server hands out artifacts beside its pages.
    source = f"get-artifact?path={FIGURES}%2F{PICTURE}&run_uuid={run_id}"
    return "\n\n".join(
        [
            f"{sum(facts.rows.values()):,} rows of {plain(facts.dataset.name)}, by "
            f"{plain(first.block)}",
            table([plain(first.block), "rows", *shown], rows),
            bullets(map(plain, lines)),
            f"![Groups and base rates]({source})",
        ]
    )


def _csv(found: pd.DataFrame) -> str:
    index = not isinstance(found.index, pd.RangeIndex)
    return found.to_csv(index=index, na_rep="NaN", lineterminator="\n")
