"""From tracked runs back to what their jobs measured: records, outcomes, and so to a summary."""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

from fairkd.errors import DataError, TrackingError
from fairkd.record import JobRecord, parameters
from fairkd.sweeps.outcome import SEED_KEYS, Outcome, outcome_of, varied_keys
from fairkd.tracking.reading import (
    CONFIGURATION,
    CONFIGURATION_KEY,
    RECORD,
    Reading,
    TrackedJob,
)

_REUSED = "fairkd.reused"
_AT_ONCE = 8  # a server answers several questions in the time of one


@dataclass(frozen=True, eq=False)
class RecordedJob:
    """A finished job as its tracked run holds it.

    Attributes:
        run: its run.
        configuration: resolved, nested, with the types it was composed with.
        record: everything that was measured.
    """

    run: TrackedJob
    configuration: Mapping[str, Any]
    record: JobRecord

    @cached_property
    def parameters(self) -> Mapping[str, object]:
        """The configuration, flat (`fairkd.record.parameters`)."""
        return parameters(self.configuration)

    @property
    def confidence(self) -> float:
        """Of the intervals over test rows in its record."""
        return float(self.configuration["evaluation"]["confidence"])


def recorded_jobs(reading: Reading, runs: Iterable[TrackedJob]) -> list[RecordedJob]:
    """The jobs of runs that count, in the order of the runs.

    Raises:
        TrackingError: an artifact of a run cannot be read, or is of another version of fairkd.
    """
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(partial(_recorded, reading), runs))


def outcomes_of(jobs: Sequence[RecordedJob]) -> list[Outcome]:
    """The jobs' outcomes, as the sweep that ran them would give them.

    A job's number is its place in the list; what is varied is what varies among these jobs.
    """
    flat = [job.parameters for job in jobs]
    varied = varied_keys(flat)
    return [
        outcome_of(
            number=number,
            name=job.run.name,
            configuration=job.run.tags.get(CONFIGURATION_KEY, job.run.run_id),
            varied={key: values.get(key) for key in varied},
            seeds={key: int(str(values[key])) for key in SEED_KEYS if key in values},
            record=job.record,
            run_id=job.run.run_id,
            reused=job.run.tags.get(_REUSED) == "true",
        )
        for number, (job, values) in enumerate(zip(jobs, flat, strict=True))
    ]


def _recorded(reading: Reading, run: TrackedJob) -> RecordedJob:
    plain = reading.json(run, RECORD)
    try:
        record = JobRecord.from_json(plain)
    except (DataError, LookupError, TypeError, ValueError, AttributeError) as error:
        raise TrackingError(
            f"{RECORD} of run {run.run_id} ({run.name}) was not written by this version of fairkd "
            f"({error!r}); run its job again, or leave the run out."
        ) from error
    return RecordedJob(run, reading.json(run, CONFIGURATION), record)
