"""The words of the commands that read tracked runs: ``key=value``, and which store they mean."""

from collections.abc import Mapping, Sequence

from fairkd.errors import FairkdError, unknown_name
from fairkd.tracking.reading import Reading

STORE_KEYS = ("tracking.uri", "tracking.experiment", "tracking.artifacts")
STORE_HELP = """\
Which runs
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


def reading(values: Mapping[str, str]) -> Reading:
    """The tracking store that the words mean.

    Raises:
        TrackingError: there is none.
    """
    from fairkd.tracking.mlflow_reading import MlflowReading

    uri, experiment, artifacts = (values.get(key) for key in STORE_KEYS)
    return MlflowReading(uri, experiment, artifacts)
