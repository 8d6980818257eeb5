"""What can be read of tracked runs, whichever store they are in."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from fairkd.tracking.interface import JOB_KEY, SWEEP_ID, SWEEP_PARENT

CONFIGURATION_KEY = "fairkd.configuration_key"
DATA = "fairkd.data"
KIND = "fairkd.kind"
"""What a run is of that is neither a job's nor a sweep's own: `OF_DATA`."""
OF_DATA = "data"
SUPERSEDED = "fairkd.superseded"
VERSIONS = "fairkd.versions"
SWEEP_FAILED = "sweep/failed"
"""A metric of a sweep's own run: how many of its jobs failed or were refused."""
RECORD = "record.json"
CONFIGURATION = "configuration.json"
OVERRIDES = "overrides.txt"
"""The artifact of a run with what was typed for it, one override a line."""


@dataclass(frozen=True)
class Input:
    """A data set that went into a run.

    Attributes:
        name: the data set.
        digest: the beginning of its fingerprint.
        rows: how many rows of it; ``None`` where the run does not say.
    """

    name: str
    digest: str
    rows: int | None


@dataclass(frozen=True, eq=False)
class TrackedJob:
    """A run as its tracking store shows it: one of a job, or a sweep's own.

    Attributes:
        run_id: the store's id of the run.
        name: as in lists.
        status: ``FINISHED``, ``RUNNING``, ``FAILED`` or ``KILLED``.
        experiment: the name of the experiment it is in.
        started: in milliseconds since 1970.
        params: as they are typed.
        metrics: the last value of each; NaN where undefined.
        tags: all of them.
        artifacts: the URI of the run's artifacts.
        inputs: its data sets.
    """

    run_id: str
    name: str
    status: str
    experiment: str
    started: int
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    artifacts: str
    inputs: tuple[Input, ...] = ()

    @property
    def job_key(self) -> str | None:
        """The key of the job it is of; ``None`` for a sweep's own run and runs of others."""
        return self.tags.get(JOB_KEY)

    @property
    def sweep_id(self) -> str | None:
        """The sweep that it belongs to, or is the own run of."""
        return self.tags.get(SWEEP_ID) or self.tags.get(SWEEP_PARENT)

    @property
    def is_sweep(self) -> bool:
        """Whether it is a sweep's own run, above those of its jobs."""
        return SWEEP_PARENT in self.tags

    @property
    def is_of_data(self) -> bool:
        """Whether it describes a data set, without a model."""
        return self.tags.get(KIND) == OF_DATA

    @property
    def counts(self) -> bool:
        """Whether it is a finished job's run that no later one of the same job replaced."""
        return (
            self.status == "FINISHED" and self.job_key is not None and SUPERSEDED not in self.tags
        )


class Reading(Protocol):
    """A tracking store, read only. Everything raises `TrackingError` if it cannot be reached."""

    def search(self, condition: str = "") -> list[TrackedJob]:
        """All runs that fulfil a condition in MLflow's words, the newest first."""
        ...

    def run(self, run_id: str) -> TrackedJob:
        """One run by its id, or by the beginning of it where that is one run's alone."""
        ...

    def sweep(self, name: str) -> list[TrackedJob]:
        """All runs of a sweep's jobs, by its id, its own run's id or name; the newest first."""
        ...

    def parents(self, sweep_id: str) -> list[TrackedJob]:
        """The sweep's own runs, one for each experiment that it was run in, the newest first."""
        ...

    def has(self, run: TrackedJob, path: str) -> bool:
        """Whether a file is among a run's artifacts."""
        ...

    def place(self, run: TrackedJob) -> str:
        """The URI that a run's artifacts are at now."""
        ...

    def text(self, run: TrackedJob, path: str) -> str:
        """A text among a run's artifacts."""
        ...

    def folder(self, run: TrackedJob, path: str, into: Path) -> Path:
        """A folder of a run's artifacts on this machine, brought into another where it is not."""
        ...

    def json(self, run: TrackedJob, path: str) -> Any:
        """What a JSON file among a run's artifacts holds."""
        ...
