"""``fairkd card``: the model card of a run's student, or of the one to choose from a sweep."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fairkd.commands.asking import (
    RUNS_HELP,
    STORE_HELP,
    THRESHOLD_HELP,
    asked,
    reading,
    threshold_of,
    which_runs,
)
from fairkd.commands.places import check_out

if TYPE_CHECKING:
    from fairkd.reporting.card.choice import Choice
    from fairkd.reporting.recorded import RecordedJob
    from fairkd.tracking.reading import Reading

USAGE = f"""\
fairkd card run=ID out=README.md

A model card in the community's format: Markdown below YAML metadata, all of it from the run. Of a
sweep, the card is of one student, chosen on validation. Nothing is written over but a card.

{RUNS_HELP}{THRESHOLD_HELP}{STORE_HELP}
How
  out=PATH                    the file; without it the card is printed
  license=NAME                of the model, such as mit: no run knows it
"""
_KEYS = ("run", "sweep", "query", "threshold", "out", "license")


def card(words: Sequence[str]) -> int:
    """Run ``fairkd card ...`` and return the exit code.

    Raises:
        UsageError: the words are not what the command accepts.
        FairkdError: there are no such runs, nothing to choose, or the card cannot be written.
    """
    if {"-h", "--help"} & set(words):
        print(USAGE, end="")
        return 0
    from fairkd.tracking.reading import OVERRIDES

    values = asked(words, _KEYS)
    threshold = threshold_of(values, ("sweep", "query"))
    which = which_runs(values)
    store = reading(values)
    out = values.get("out")
    if out is not None:
        from fairkd.reporting.card.metadata import MARK

        check_out(Path(out), "card", (MARK,))

    from fairkd.reporting.card.card import card as card_of

    job, choice = _chosen(store, which, threshold)
    typed = None
    if store.has(job.run, OVERRIDES):
        typed = store.text(job.run, OVERRIDES).splitlines()
    text = card_of(job, words=typed, choice=choice, licence=values.get("license"))
    if out is None:
        sys.stdout.write(text)
        return 0

    from fairkd.reporting.report.file import write

    write(text, Path(out))
    print(f"card    {Path(out).absolute()}")
    print(f"of      {job.run.name}, run {job.run.run_id}")
    return 0


def _chosen(
    store: "Reading", which: Mapping[str, str], threshold: float | None
) -> "tuple[RecordedJob, Choice | None]":
    """The job of the card, and how it was chosen where there were several."""
    from fairkd.reporting.card.choice import chosen
    from fairkd.reporting.recorded import recorded_jobs
    from fairkd.reporting.runs import found_runs

    found = found_runs(store, **which)
    jobs = recorded_jobs(store, found.jobs)
    return (jobs[0], None) if "run" in which else chosen(jobs, threshold, found.missing)
