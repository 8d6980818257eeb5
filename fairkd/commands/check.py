"""``fairkd check``: do conditions hold of what was measured? For a build that is to fail else."""

import sys
from collections.abc import Sequence

from fairkd.commands.asking import (
    RUNS_HELP,
    STORE_HELP,
    STORE_KEYS,
    THRESHOLD_HELP,
    UNFINISHED_HELP,
    UsageError,
    asked,
    choice_of,
    reading,
    refuse_missing,
    threshold_of,
    which_runs,
)
from fairkd.reporting.gate.condition import Condition, ConditionError, read

USAGE = f"""\
fairkd check run=ID "test/disparity<=0.05" "test/accuracy>=0.83"

Exit code 0 if every condition holds, 1 if one does not, 2 for wrong usage. A condition is a metric
of the run, one of <=, >=, <, >, == and a number, in quotes. An undefined value never holds.

{RUNS_HELP}{THRESHOLD_HELP}{UNFINISHED_HELP}{STORE_HELP}
How
  bounds=true                 compare the end of each interval that is worse for the condition
  format=text|json|markdown   markdown is for a build's summary
"""
FORMATS = ("text", "json", "markdown")
_KEYS = ("run", "sweep", "query", "threshold", "unfinished", "bounds", "format")


def check(words: Sequence[str]) -> int:
    """Run ``fairkd check ...`` and return the exit code.

    Raises:
        UsageError: the words are not what the command accepts.
        FairkdError: there are no such runs, or nothing that can be checked.
    """
    if {"-h", "--help"} & set(words):
        print(USAGE, end="")
        return 0
    try:
        return _check(words)
    except ConditionError as error:
        raise UsageError(str(error)) from error


def _check(words: Sequence[str]) -> int:
    conditions, values = _divided(words)
    bounds = choice_of(values, "bounds", ("false", "true")) == "true"
    form = choice_of(values, "format", FORMATS)
    threshold = threshold_of(values, ("sweep",))
    which = which_runs(values)
    store = reading(values)

    from fairkd.reporting.gate.shown import as_json, as_markdown, as_text, show
    from fairkd.reporting.gate.subject import of_run, of_sweep
    from fairkd.reporting.gate.verdicts import verdicts
    from fairkd.reporting.recorded import recorded_jobs
    from fairkd.reporting.runs import found_runs

    found = found_runs(store, **which)
    refuse_missing(values, which, found.missing)
    jobs = recorded_jobs(store, found.jobs)
    if "sweep" in which:
        subjects = [of_sweep(which["sweep"], jobs, threshold)]
    else:
        subjects = [of_run(job) for job in jobs]
    told = verdicts(subjects, conditions, bounds)
    if form == "text" and sys.stdout.isatty():
        from rich.console import Console

        show(told, bounds, Console())
    else:
        write = {"text": as_text, "json": as_json, "markdown": as_markdown}[form]
        print(write(told, bounds), end="")
    return 0 if all(verdict.holds for verdict in told) else 1


def _divided(words: Sequence[str]) -> tuple[list[Condition], dict[str, str]]:
    """Conditions, and the values of ``key=value`` words."""
    conditions: list[str] = []
    others: list[str] = []
    for word in words:
        key, _, value = word.partition("=")
        is_key = key in (*_KEYS, *STORE_KEYS) and not value.startswith("=")
        is_condition = not is_key and ({"<", ">"} & set(word) or "==" in word or "/" in key)
        (conditions if is_condition else others).append(word)
    values = asked(others, _KEYS)
    if not conditions:
        raise UsageError('No condition is given; write one like "test/disparity<=0.05", in quotes.')
    return [read(word) for word in conditions], values
