"""The words of the commands that read tracked runs: ``key=value``, and which store they mean."""

import math
from collections.abc import Mapping, Sequence

from fairkd.errors import FairkdError, TrackingError, unknown_name
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
  threshold=NUMBER            of several, the most accurate whose gap is within it on validation
                              (else within that of the jobs' bounds, else within 0.05)
"""
UNFINISHED_HELP = """\
  unfinished=accept           go on although jobs have no results; else they are refused
"""
STORE_HELP = """\
Where
  tracking.uri=URI            the tracking store (else $MLFLOW_TRACKING_URI, else ./mlflow.db)
  tracking.experiment=NAME    only this experiment
  tracking.artifacts=FOLDER   where artifacts are now, if the store was moved
"""


class UsageError(FairkdError):
    """Words that are not what the command accepts: exit code 2."""


def asked(
    words: Sequence[str], keys: Sequence[str], store_keys: Sequence[str] = STORE_KEYS
) -> dict[str, str]:
    """The values of ``key=value`` words.

    Args:
        words: of the command line.
        keys: what is accepted.
        store_keys: what is accepted beside them, to say which store.

    Raises:
        UsageError: a word without ``=``, an unknown key, one without a value, or one given twice.
    """
    accepted = (*keys, *store_keys)
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


def names_of(values: Mapping[str, str], key: str) -> tuple[str, ...]:
    """Names between commas, with or without brackets around them; none where it is not given.

    Raises:
        UsageError: one of them is empty, or is given twice.
    """
    given = values.get(key, "")
    inner = given[1:-1] if given.startswith("[") and given.endswith("]") else given
    names = tuple(name.strip() for name in inner.split(",")) if inner else ()
    if not all(names) or len(set(names)) < len(names):
        raise UsageError(f"{key}={given} is not a list of different names; write {key}=[id,name].")
    return names


def threshold_of(values: Mapping[str, str], choosing: Sequence[str]) -> float | None:
    """The gap within which a student is chosen; ``None`` where it is not given.

    Args:
        values: by key.
        choosing: which of `RUN_KEYS` the command chooses a student for.

    Raises:
        UsageError: it is no number of at least 0, or there is nothing to choose from.
    """
    if "threshold" not in values:
        return None
    given = values["threshold"]
    if not any(key in values for key in choosing):
        listed = " or ".join(f"{key}=" for key in choosing)
        raise UsageError(
            f"threshold={given} chooses among several jobs; give {listed}, or leave it out."
        )
    try:
        threshold = float(given)
    except ValueError:
        threshold = math.nan
    if not 0 <= threshold < math.inf:
        raise UsageError(
            f"threshold={given} is not a number of at least 0; write it like threshold=0.05."
        )
    return threshold


def accepts_unfinished(values: Mapping[str, str]) -> bool:
    """Whether ``unfinished=accept`` is given.

    Raises:
        UsageError: it is another word.
    """
    return choice_of(values, "unfinished", ("refuse", "accept")) == "accept"


def refuse_missing(values: Mapping[str, str], which: Mapping[str, str], missing: str) -> None:
    """Refuse what is not all there, unless ``unfinished=accept`` says that it may be.

    Args:
        values: by key; ``unfinished`` is one of them.
        which: the word that says which runs are meant.
        missing: `fairkd.reporting.runs.FoundRuns.missing`.

    Raises:
        TrackingError: something is missing.
        UsageError: ``unfinished`` is another word.
    """
    accepted = accepts_unfinished(values)
    if missing and not accepted:
        ((key, value),) = which.items()
        raise TrackingError(
            f"{key}={value} has jobs of which nothing can be said: {missing}. Run them again, or "
            "add unfinished=accept to go on without them."
        )


def reading(values: Mapping[str, str]) -> Reading:
    """The tracking store that the words mean.

    Raises:
        TrackingError: there is none.
    """
    from fairkd.tracking.mlflow_reading import MlflowReading

    uri, experiment, artifacts = (values.get(key) for key in STORE_KEYS)
    return MlflowReading(uri, experiment, artifacts)
