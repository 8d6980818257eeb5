"""Run one sweep as a command of its own, in a fresh folder, and take its measure from outside."""

import hashlib
import math
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from fairkd.store import Store
from fairkd.store.entry import TENSORS
from fairkd.tracking.interface import JOB_KEY

SECONDS_BETWEEN_SAMPLES = 0.5
_OF_THE_USER = ("FAIRKD_STORE", "MLFLOW_TRACKING_URI", "HYDRA_FULL_ERROR")
_WORKER = "popen_loky_posix"  # in the command line of a loky worker, joblib's as well
_TRAINED = ("teacher", "control", "student")


@dataclass(frozen=True)
class Grid:
    """A grid of temperatures, weights and seeds, whose product is the number of jobs."""

    temperatures: int
    weights: int
    seeds: int

    @classmethod
    def of(cls, jobs: int) -> "Grid":
        """The grid of so many jobs: four seeds if they divide, and more temperatures than weights.

        96 jobs are 6 temperatures, 4 weights and 4 seeds.
        """
        seeds = math.gcd(jobs, 4)
        rest = jobs // seeds
        weights = next(n for n in range(math.isqrt(rest), 0, -1) if rest % n == 0)
        return cls(rest // weights, weights, seeds)

    @property
    def jobs(self) -> int:
        return self.temperatures * self.weights * self.seeds

    def values(self) -> dict[str, list[str]]:
        """What each key sweeps over: temperatures from 1 by 1, weights from 0 by 0.1, seeds."""
        return {
            "distillation.temperature": [str(1 + n) for n in range(self.temperatures)],
            "constraint.weight": [f"{n / 10:g}" for n in range(self.weights)],
            "seed": [str(n) for n in range(self.seeds)],
        }

    def words(self) -> list[str]:
        return [f"{key}={','.join(values)}" for key, values in self.values().items()]


@dataclass(frozen=True)
class Span:
    """A time in which a process trained, in seconds since 1970, and how many models it gave."""

    began: float
    ended: float
    models: int


@dataclass(frozen=True)
class Sweep:
    """What one command took.

    Attributes:
        jobs: of the sweep.
        seconds: from the start of the process to its end.
        processes: that did jobs at the same time.
        training: seconds that processes trained, added up over processes.
        any_training: seconds in which at least one process trained.
        peak: bytes of all processes together, at most.
        stacks: sizes of the students' stacks.
        students: hash of each student's kept weights, by key.
    """

    jobs: int
    seconds: float
    processes: int
    training: float
    any_training: float
    peak: int
    stacks: tuple[int, ...]
    students: Mapping[str, str]

    @property
    def a_job(self) -> float:
        return self.seconds / self.jobs

    @property
    def outside_at_least(self) -> float:
        """Seconds a job in which no process trained."""
        return (self.seconds - self.any_training) / self.jobs

    @property
    def outside_at_most(self) -> float:
        """Seconds a job in which processes did not train, waiting for each other included."""
        return (self.seconds - self.training / self.processes) / self.jobs

    def to_json(self) -> dict[str, object]:
        plain = {name: value for name, value in asdict(self).items() if name != "students"}
        return {
            **plain,
            "seconds_a_job": self.a_job,
            "outside_training_a_job": [self.outside_at_least, self.outside_at_most],
        }


def run_sweep(words: Sequence[str], jobs: int, database: Path) -> Sweep:
    """Run ``python -m fairkd -m WORDS`` in a fresh folder with a copy of the migrated database.

    Raises:
        SystemExit: the command failed, or did not leave a finished run for every job.
    """
    with tempfile.TemporaryDirectory(prefix="fairkd-bench-") as name:
        folder = Path(name)
        shutil.copy(database, folder / "mlflow.db")
        with (folder / "output.txt").open("wb") as output:
            began = time.perf_counter()
            process = subprocess.Popen(
                [sys.executable, "-m", "fairkd", "-m", *words],
                cwd=folder, env=environment(), stdout=output, stderr=subprocess.STDOUT,
            )  # fmt: skip
            with Watch(process.pid) as watch:
                code = process.wait()
                seconds = time.perf_counter() - began
        finished = finished_runs(folder / "mlflow.db")
        if code != 0 or finished != jobs:
            told = (folder / "output.txt").read_text(errors="replace")[-3000:]
            command = f"fairkd -m {' '.join(words)}"
            raise SystemExit(f"{told}\n{command}: exit code {code}, {finished} of {jobs} runs.")
        store = Store(folder / "store")
        spans = {kind: training_spans(store, kind) for kind in _TRAINED}
        sizes = [span.models for span in spans["student"] if span.models > 1]
        every = [span for of_kind in spans.values() for span in of_kind]
        return Sweep(
            jobs=jobs,
            seconds=seconds,
            processes=max(1, watch.workers),
            training=sum(span.ended - span.began for span in every),
            any_training=union(every),
            peak=watch.peak,
            stacks=tuple(sorted(sizes, reverse=True)),
            students={
                entry.key: hashlib.sha256(entry.file(TENSORS).read_bytes()).hexdigest()
                for entry in store.entries("student")
            },
        )


def migrate(folder: Path) -> Path:
    """A database after its first use, to copy: every variant is spared the same 8 seconds."""
    from fairkd.tracking.mlflow_tracking import MlflowTracking

    path = folder / "mlflow.db"
    MlflowTracking(f"sqlite:///{path}", experiment="other", locks=folder).prepare()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return path


def environment() -> dict[str, str]:
    """The user's own, without what would lead a command out of its folder."""
    return {name: value for name, value in os.environ.items() if name not in _OF_THE_USER}


def finished_runs(database: Path) -> int:
    """How many jobs have a finished run."""
    connection = sqlite3.connect(database)
    try:
        query = (
            "select count(*) from runs join tags using (run_uuid) "
            "where status = 'FINISHED' and key = ?"
        )
        count: int = connection.execute(query, (JOB_KEY,)).fetchone()[0]
        return count
    finally:
        connection.close()


def training_spans(store: Store, kind: str) -> list[Span]:
    """When models of a kind were trained.

    An entry tells its model's share of the seconds; the members of a stack have equal shares, bit
    for bit, and are written when all of it is done.
    """
    together: dict[tuple[float, int], list[float]] = {}
    for entry in store.entries(kind):
        same = (float(entry.about["seconds"]), int(entry.about["together"]))
        together.setdefault(same, []).append(entry.file(TENSORS).stat().st_mtime)
    return [
        Span(min(written) - share * len(written), min(written), len(written))
        for (share, _), written in together.items()
    ]


def union(spans: Iterable[Span]) -> float:
    """Seconds that lie in at least one span."""
    total, until = 0.0, -math.inf
    for span in sorted(spans, key=lambda span: span.began):
        total += max(0.0, span.ended - max(span.began, until))
        until = max(until, span.ended)
    return total


class Watch:
    """Looks at a process and its descendants twice a second, in a thread, within the ``with``.

    Attributes:
        peak: bytes of all of them together, at most; pages that several share count once where the
            system tells (Linux), and for each of them elsewhere.
        workers: the most worker processes at once.
    """

    def __init__(self, pid: int) -> None:
        self.peak = 0
        self.workers = 0
        self._root = psutil.Process(pid)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(SECONDS_BETWEEN_SAMPLES):
            try:
                family = [self._root, *self._root.children(recursive=True)]
            except psutil.Error:
                return
            seen = [_seen(process) for process in family]
            self.peak = max(self.peak, sum(size for size, _ in seen))
            self.workers = max(self.workers, sum(is_worker for _, is_worker in seen))


def _seen(process: psutil.Process) -> tuple[int, bool]:
    """Bytes, and whether it is a worker; nothing of a process that is gone meanwhile."""
    try:
        memory = process.memory_full_info()
        return getattr(memory, "pss", memory.rss), _WORKER in " ".join(process.cmdline())
    except psutil.Error:
        return 0, False
