"""``fairkd register``: a run's student, or a sweep's best, in MLflow's model registry."""

from collections.abc import Mapping, Sequence

from fairkd.commands.asking import (
    RUNS_HELP,
    STORE_HELP,
    THRESHOLD_HELP,
    UsageError,
    asked,
    reading,
    threshold_of,
    which_runs,
)
from fairkd.tracking.reading import Reading, TrackedJob

USAGE = f"""\
fairkd register sweep=NAME name=MODEL

Makes the best student of a sweep, chosen on validation, the newest version of a registered model.

{RUNS_HELP}{THRESHOLD_HELP}{STORE_HELP}
As what
  name=MODEL                  the registered model; made if there is none of that name
"""
_KEYS = ("run", "sweep", "query", "threshold", "name")
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
    threshold = threshold_of(values)
    which = which_runs(values)
    store = reading(values)
    run = _chosen(store, which, threshold)

    from fairkd.tracking.mlflow_database import resolve_uri
    from fairkd.tracking.mlflow_registry import register as into_registry

    uri = resolve_uri(values.get("tracking.uri"))
    found = into_registry(uri, store, run, values["name"])
    told = "is" if found.is_new else "was already"
    print(f"{found.name} version {found.version} {told} {run.name} of run {run.run_id}.")
    numbers = [
        f"{called} {run.metrics[name]:.3f}"
        for name, called in _COMPARED.items()
        if name in run.metrics
    ]
    print(f"on test {', '.join(numbers)}")
    serve = f"mlflow models serve -m {found.uri} --env-manager local --host 127.0.0.1 --port 5001"
    print(f"serve   MLFLOW_TRACKING_URI={uri} {serve}")
    return 0


def _chosen(store: Reading, which: Mapping[str, str], threshold: float | None) -> TrackedJob:
    """The one run, or that of the best student of several."""
    from fairkd.reporting.runs import found_runs

    runs = {run.run_id: run for run in found_runs(store, **which).jobs}
    if "run" in which:
        return next(iter(runs.values()))

    from fairkd.reporting.recorded import outcomes_of, recorded_jobs
    from fairkd.sweeps.choice import best_repetition, best_row
    from fairkd.sweeps.summary import summarise

    outcomes = outcomes_of(recorded_jobs(store, runs.values()))
    best = best_row(summarise(outcomes), threshold)
    return runs[best_repetition(best, threshold).run_id]
