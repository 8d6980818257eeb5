"""``fairkd register``: a run's student, or a sweep's best, in MLflow's model registry."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from fairkd.commands.asking import (
    RUNS_HELP,
    STORE_HELP,
    THRESHOLD_HELP,
    UNFINISHED_HELP,
    UsageError,
    asked,
    reading,
    threshold_of,
    which_runs,
)
from fairkd.commands.chosen_run import chosen_run
from fairkd.errors import TrackingError
from fairkd.tracking.reading import Reading, TrackedJob

if TYPE_CHECKING:
    from fairkd.reporting.recorded import RecordedJob

USAGE = f"""\
fairkd register sweep=NAME name=MODEL

Makes the best student of a sweep, chosen on validation, the newest version of a registered model.

{RUNS_HELP}{THRESHOLD_HELP}{UNFINISHED_HELP}{STORE_HELP}
As what
  name=MODEL                  the registered model; made if there is none of that name
"""
_KEYS = ("run", "sweep", "query", "threshold", "unfinished", "name")
_COMPARED = {"test/accuracy": "accuracy", "test/disparity": "gap"}


def register(words: Sequence[str]) -> int:
    """Run ``fairkd register ...`` and return the exit code.

    Raises:
        UsageError: the words are not what the command accepts.
        FairkdError: there are no such runs, nothing to choose from, or it cannot be registered.
    """
    if {"-h", "--help"} & set(words):
        print(USAGE, end="")
        return 0
    values = asked(words, _KEYS)
    if "name" not in values:
        raise UsageError("No name is given; write name=MODEL, as it is to stand in the registry.")
    threshold = threshold_of(values, ("sweep", "query"))
    which = which_runs(values)
    store = reading(values)
    job, found = chosen_run(store, values, which, threshold)

    from fairkd.serving.line import serve_line
    from fairkd.sweeps.numbers import number
    from fairkd.tracking.mlflow_database import resolve_uri, without_password
    from fairkd.tracking.mlflow_registry import check_model
    from fairkd.tracking.mlflow_registry import register as into_registry

    check_model(store, job.run)
    serves, final = _served(store, job.run), job.record.trio.final
    uri = resolve_uri(values.get("tracking.uri"))
    # The run's own tags are of the job's final model.
    tags = job.run.tags if serves == final else _tags(job, serves)
    version = into_registry(uri, store, replace(job.run, tags=tags), values["name"])
    told = "is" if version.is_new else "was already"
    print(
        f"{version.name} version {version.version} {told} {job.run.name} of run {job.run.run_id}."
    )
    if found is not None:
        print(f"on validation it is {found.how}. {found.threshold.source}")
    if serves != final:
        print(f"served is its {serves}: the {final}, which the job is for, cannot be served")
    measured = job.record.compared(serves)
    numbers = [f"{called} {number(measured[name])}" for name, called in _COMPARED.items()]
    print(f"on test {', '.join(numbers)}")
    print(f"serve   {serve_line(version.uri, without_password(uri))}")
    return 0


def _served(store: Reading, run: TrackedJob) -> str:
    """Which of the job's models its files are."""
    from fairkd.serving.description import DESCRIPTION, Description

    try:
        return Description.from_json(store.json(run, f"student/{DESCRIPTION}")).serves
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise TrackingError(
            f"student/{DESCRIPTION} of run {run.run_id} ({run.name}) is damaged ({error!r}); run "
            "its job again with force=student."
        ) from error


def _tags(job: "RecordedJob", serves: str) -> dict[str, str]:
    """The run's tags without verdicts on other models than the served one."""
    from fairkd.record import CERTIFIED, HOLDS
    from fairkd.serving.description import STUDENT

    foreign = {HOLDS} if serves == STUDENT else {HOLDS, CERTIFIED}
    kept = {name: tag for name, tag in job.run.tags.items() if name not in foreign}
    holds = job.record.holds_for(serves)
    return kept if holds is None else {**kept, HOLDS: "yes" if holds else "no"}
