"""A job in its tracked run: what was asked, what was measured, and the files of its folder."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fairkd.data.dataset import PREPARATION, Dataset
from fairkd.job_folder import FIGURES, weights_file
from fairkd.record import JobRecord
from fairkd.serving.description import DESCRIPTION
from fairkd.tracking.interface import Run
from fairkd.tracking.reading import CONFIGURATION, OVERRIDES, RECORD


def write_asked(run: Run, config: Mapping[str, Any], words: Sequence[str]) -> None:
    """Write into an open run what its job was asked to be.

    Args:
        run: open.
        config: resolved.
        words: what was typed for it, as overrides.
    """
    run.log_json(config, CONFIGURATION)
    run.log_text("".join(f"{word}\n" for word in words), OVERRIDES)


def write_run(run: Run, record: JobRecord, dataset: Dataset, output: Path) -> None:
    """Write a record into an open run; the curves are the business of whoever trained.

    Args:
        run: open.
        record: what was measured.
        dataset: becomes the run's input.
        output: the job's folder, with what `write_student` and `write_figures` put there.
    """
    run.log_metrics(record.metrics())
    run.set_tags(record.tags())
    rows = sum(batch.size for batch in dataset.splits.values())
    run.log_input(dataset.name, dataset.fingerprint, ", ".join(dataset.splits), rows)
    for model in record.trio.models:
        for block, table in record.trio.evaluations[model].tables.items():
            run.log_table(table, f"groups/{_file_name(block)}.{model}.csv")
    for model, history in record.histories.items():
        run.log_json(history, f"curves/{model}.json")
    for transfer in record.trio.transfers.values():
        for block, table in transfer.tables.items():
            run.log_table(table, f"transfer/{_file_name(block)}.csv")
    for model, changes in record.trio.further.items():
        for change in changes.values():
            for block, table in change.tables.items():
                run.log_table(table, f"transfer/{_file_name(block)}.{model}.csv")
        if model in record.histories:
            run.log_file(output / weights_file(model), "student")
    _write_rows_and_scores(run, record, dataset)
    for file in sorted((output / FIGURES).glob("*.png")):
        run.log_file(file, FIGURES)
    run.log_json(record.to_json(), RECORD)
    run.log_file(output / weights_file("student"), "student")
    run.log_file(output / DESCRIPTION, "student")
    for file in sorted((output / PREPARATION).glob("*")):
        run.log_file(file, f"student/{PREPARATION}")


def _write_rows_and_scores(run: Run, record: JobRecord, dataset: Dataset) -> None:
    for model, scores in record.scores.items():
        for block in scores.cells:
            run.log_table(scores.table(block), f"scores/{_file_name(block)}.{model}.csv")
    for model, of_loss in record.membership.items():
        for block, table in of_loss.tables.items():
            run.log_table(table, f"privacy/{_file_name(block)}.{model}.csv")
    if record.flipped is not None:
        run.log_table(record.flipped.table(dataset.raw.get("test")), "flipped.csv")


def _file_name(block: str) -> str:
    return re.sub(r"[^\w+-]+", "_", block)
