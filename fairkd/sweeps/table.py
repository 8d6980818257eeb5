"""A sweep as tables: one row a configuration, one row a job, and the numbers of its tracked run.

The headings are stable. Of a configuration, best first (see `fairkd.sweeps.summary`):

- ``rank``, ``on_front``: on validation, within the comparison;
- the varied dotted keys (``distillation.temperature``);
- ``repetitions``, ``repetitions_vary``;
- for each stem below ``_mean``, ``_sd``, ``_low``, ``_high``, ``_interval`` (the kind:
  ``repetitions``, ``test rows`` or ``none``), ``_defined`` and ``_of`` (in how many of the
  repetitions the number is defined);
- ``test/holds_share`` and ``certify/certified_share``: in which share of the repetitions the bounds
  hold on test, and are certified, where there are any;
- ``comparison``, ``disparity`` (the headline's full name), ``configuration``, ``job_numbers``,
  ``job_names``, ``run_ids`` (joined by spaces).

Stems are named like a tracked run's metrics: ``<split>/<measure>`` for the student,
``<split>/<model>/<measure>`` for control and teacher, with split ``test`` or ``validation`` and
measure ``accuracy`` or ``disparity``; and ``test/minus_control/<measure>``, the student minus the
control, paired.
"""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from fairkd.checks import as_typed
from fairkd.errors import StoreError
from fairkd.files import write_whole
from fairkd.sweeps.estimate import Estimate
from fairkd.sweeps.joint import joint
from fairkd.sweeps.outcome import (
    MEASURES,
    MODELS,
    SEED_KEYS,
    Failure,
    Measure,
    Model,
    Outcome,
    Split,
)
from fairkd.sweeps.repetitions import distinct
from fairkd.sweeps.summary import Row, Summary

PROMISED = ("test/holds", "certify/certified", "certify/exceeds")
"""Whether a job's bounds hold on test, and what is certified of them."""
CHOSEN = "certify/chosen"
"""Whether the common test of all jobs on the same rows lets this job be chosen: 1 or 0."""

_SPLITS: tuple[Split, ...] = ("test", "validation")


def frame(summary: Summary) -> pd.DataFrame:
    """One row a configuration, best first, under the headings above."""
    table = pd.DataFrame([_line(row) for row in summary.rows])
    return table if table.empty else table.astype({"rank": "Int64"})


def jobs_frame(outcomes: Sequence[Outcome], failures: Sequence[Failure]) -> pd.DataFrame:
    """One row a job, by number.

    Headings: ``job``, ``name``, ``status`` (``done``, ``reused``, ``refused``, ``failed``), the
    varied keys, the seeds, the stems above as they are, ``test/disparity_low`` and ``_high``,
    what is promised (`PROMISED`), `CHOSEN`, ``disparity``, ``configuration``, ``run_id``; and for a
    job without numbers its ``overrides`` and the ``sentence`` that says why.
    """
    chosen = {one.chosen.number for one in joint(outcomes) if one.chosen is not None}
    lines = [_job_line(outcome, outcome.number in chosen) for outcome in outcomes]
    lines += map(_failure_line, failures)
    table = pd.DataFrame(lines)
    if table.empty:
        return table
    seeds = [key for key in SEED_KEYS if key in table]
    return table.astype(dict.fromkeys(seeds, "Int64")).sort_values("job", ignore_index=True)


def write_csv(table: pd.DataFrame, path: Path) -> None:
    """Write a table whole or not at all; an undefined number is ``NaN``.

    Raises:
        StoreError: the file cannot be written.
    """
    try:
        write_whole(csv_text(table), path)
    except OSError as error:
        raise StoreError(
            f"The sweep's table {path} cannot be written ({error.strerror or error}); free some "
            "space or set hydra.sweep.dir to another place."
        ) from error


def csv_text(table: pd.DataFrame) -> str:
    """A table as CSV; an undefined number is ``NaN``."""
    return table.to_csv(index=False, na_rep="NaN", lineterminator="\n")


def parent_metrics(summary: Summary) -> dict[str, float]:
    """The metrics of a sweep's parent run.

    ``sweep/jobs`` (finished), ``sweep/configurations``, ``sweep/comparisons``, ``sweep/front`` (the
    configurations on a front), ``sweep/repetitions_min`` and ``_max``; and of a sweep with a single
    comparison that ranks at least one configuration, the best one's ``best/<stem>_mean``, and
    ``_sd``, ``_low`` and ``_high`` where there are any.
    """
    rows = summary.rows
    repetitions = [row.repetitions for row in rows]
    comparisons = len(summary.comparisons())
    found: dict[str, float] = {
        "sweep/jobs": summary.jobs,
        "sweep/configurations": len(rows),
        "sweep/comparisons": comparisons,
        "sweep/front": sum(row.on_front for row in rows),
        "sweep/repetitions_min": min(repetitions, default=0),
        "sweep/repetitions_max": max(repetitions, default=0),
    }
    if comparisons != 1 or rows[0].rank is None:
        return found
    for start, estimate in _estimates(rows[0]):
        found[f"best/{start}_mean"] = estimate.mean
        spread = {"sd": estimate.sd, "low": estimate.low, "high": estimate.high}
        found |= {f"best/{start}_{name}": v for name, v in spread.items() if not math.isnan(v)}
    return found


def stem(model: Model, split: Split, measure: Measure) -> str:
    """The start of a heading."""
    return f"{split}/{measure}" if model == "student" else f"{split}/{model}/{measure}"


def _line(row: Row) -> dict[str, object]:
    line: dict[str, object] = {"rank": row.rank, "on_front": row.on_front}
    line |= {key: _plain(value) for key, value in row.varied.items()}
    line |= {"repetitions": row.repetitions, "repetitions_vary": row.repetitions_vary}
    for start, estimate in _estimates(row):
        line |= {f"{start}_{name}": value for name, value in vars(estimate).items()}
    for name in PROMISED[:2]:
        known = [job.metrics[name] for job in distinct(row.outcomes) if name in job.metrics]
        if known:
            line[f"{name}_share"] = sum(known) / len(known)
    return line | {
        "comparison": row.comparison,
        "disparity": row.headline.name,
        "configuration": row.configuration,
        "job_numbers": " ".join(str(outcome.number) for outcome in row.outcomes),
        "job_names": " ".join(outcome.name for outcome in row.outcomes),
        "run_ids": " ".join(outcome.run_id for outcome in row.outcomes),
    }


def _estimates(row: Row) -> Iterator[tuple[str, Estimate]]:
    for split in _SPLITS:
        for model in MODELS:
            for measure in MEASURES:
                yield stem(model, split, measure), row.estimate(model, split, measure)
    for measure in MEASURES:
        yield f"test/minus_control/{measure}", row.minus_control[measure]


def _job_line(outcome: Outcome, chosen: bool) -> dict[str, object]:
    line: dict[str, object] = {
        "job": outcome.number,
        "name": outcome.name,
        "status": "reused" if outcome.reused else "done",
    }
    line |= {key: _plain(value) for key, value in outcome.varied.items()}
    line |= {key: outcome.seeds[key] for key in SEED_KEYS if key in outcome.seeds}
    for split in _SPLITS:
        for model in MODELS:
            for measure in MEASURES:
                line[stem(model, split, measure)] = outcome.value(model, split, measure)
    known = ("test/disparity_low", "test/disparity_high", *PROMISED)
    line |= {name: outcome.metrics[name] for name in known if name in outcome.metrics}
    if outcome.certificate is not None:
        line[CHOSEN] = float(chosen)
    return line | {
        "disparity": outcome.headline.name,
        "configuration": outcome.configuration,
        "run_id": outcome.run_id,
        "overrides": "",
        "sentence": "",
    }


def _failure_line(failure: Failure) -> dict[str, object]:
    return {
        "job": failure.number,
        "name": "",
        "status": failure.kind,
        "disparity": "",
        "configuration": "",
        "run_id": "",
        "overrides": " ".join(failure.words),
        "sentence": failure.sentence,
    }


def _plain(value: object) -> object:
    """A number as it is, anything else as it is typed."""
    return value if isinstance(value, int | float) else as_typed(value)
