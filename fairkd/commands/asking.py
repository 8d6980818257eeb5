"""The words of the commands that read tracked runs: ``key=value``, and which store they mean."""

import math
from collections.abc import Mapping, Sequence

from fairkd.errors import FairkdError, unknown_name
from fairkd.tracking.reading import Reading

STORE_KEYS = ("tracking.uri", "tracking.experiment", "tracking.artifacts")
RUN_KEYS = ("run", "sweep", "query")
RUNS_HELP = """\
Which runs
  run=ID                      one run: its id, or the beginning of it
  sweep=NAME                  the jobs of a sweep: its id, or its own run's id or name
  query=CONDITION             what MLflow finds: "tags.`fairkd.data` = 'adult'"
"""
THRESHOLD_HELP = """\
  threshold=0.05              of a sweep, the most accurate whose gap is within it on validation
"""
STORE_HELP = """\
Where
  tracking.uri=URI            the tracking store (else $MLFLOW_TRACKING_URI, else ./mlflow.db)
  tracking.experiment=NAME    only this experiment
  tracking.artifacts=FOLDER   where artifacts are now, if the store was moved
"""


class UsageError(FairkdError):
    """Words that are not what the command accepts: exit code 2."""


def asked(words: Sequence[str], keys: Sequence[str]) -> dict[str, str]:
    """The values of ``key=value`` words.

    Args:
        words: of the command line.
        keys: what is accepted; `STORE_KEYS` always are.

    Raises:
        UsageError: a word without ``=``, an unknown key, one without a value, or one given twice.
    """
    accepted = (*keys, *STORE_KEYS)
    found: dict[str, str] = {}
    for word in words:
        key, sign, value = word.partition("=")
        if not sign:
            raise UsageError(f"'{word}' is not a key=value; accepted keys: {', '.join(accepted)}.")
        if key not in accepted:
            raise UsageError(unknown_name("key", key, accepted))
        if not value:
            raise UsageError(f"{key}= has no value; write {key}=VALUE or leave it out.")
        if key in found:
            raise UsageError(f"{key} is given twice, as {found[key]} and {value}; give it once.")
        found[key] = value
    return found


def which_runs(values: Mapping[str, str], accepted: Sequence[str] = RUN_KEYS) -> dict[str, str]:
    """The one word that says which runs are meant, for `fairkd.reporting.runs.found_runs`.

    Raises:
        UsageError: there is none, or more than one.
    """
    given = {key: values[key] for key in accepted if key in values}
    listed = ", ".join(f"{key}=" for key in accepted)
    if len(given) != 1:
        told = "No runs are named" if not given else f"{'= and '.join(given)}= are both given"
        raise UsageError(f"{told}; give one of {listed}.")
    return given


def choice_of(values: Mapping[str, str], key: str, accepted: Sequence[str]) -> str:
    """One of the words that a key accepts; the first of them where it is not given.

    Raises:
        UsageError: any other word.
    """
    given = values.get(key, accepted[0])
    if given not in accepted:
        raise UsageError(f"{key}={given} is not known; accepted: {', '.join(accepted)}.")
    return given


def threshold_of(values: Mapping[str, str]) -> float | None:
    """The gap within which a sweep's student is chosen; ``None`` where it is not given.

    Raises:
        UsageError: it is no number, or there is no sweep to choose from.
    """
    if "threshold" not in values:
        return None
    given = values["threshold"]
    if "sweep" not in values:
        raise UsageError(f"threshold={given} chooses from a sweep; give sweep= or leave it out.")
    try:
        threshold = float(given)
    except ValueError:
        threshold = math.nan
    if not math.isfinite(threshold):
        raise UsageError(f"threshold={given} is not a finite number; write it like threshold=0.05.")
    return threshold


def reading(values: Mapping[str, str]) -> Reading:
    """The tracking store that the words mean.

    Raises:
        TrackingError: there is none.
    """
    from fairkd.tracking.mlflow_reading import MlflowReading

    uri, experiment, artifacts = (values.get(key) for key in STORE_KEYS)
    return MlflowReading(uri, experiment, artifacts)
