import logging
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from safetensors.torch import load_file
from torch import Tensor

from fairkd.commands.dispatch import dispatch
from fairkd.store import Store
from fairkd.tracking.interface import SWEEP_PARENT

TINY = ("experiment=debug", "evaluation.draws=10", "evaluation.latency_repeats=1")


def small(arguments: Iterable[str]) -> list[str]:
    """The arguments of a job, made small."""
    return [*TINY, *arguments]


@dataclass(frozen=True)
class Ended:
    """A command's end, and what it printed."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Run:
    """A tracked run, read from the database past everything under test."""

    run_id: str
    status: str
    name: str
    artifacts: Path
    params: dict[str, str]
    tags: dict[str, str]
    metrics: dict[str, float]

    @property
    def output(self) -> Path:
        """The job's folder."""
        return Path(self.tags["fairkd.output"])

    def files(self) -> set[str]:
        """The artifacts' paths."""
        found = self.artifacts.rglob("*")
        return {str(path.relative_to(self.artifacts)) for path in found if path.is_file()}

    def lasting(self) -> dict[str, float]:
        """The metrics that a repetition repeats: all but measured time."""
        return {name: value for name, value in self.metrics.items() if "latency" not in name}

    def weights(self) -> dict[str, Tensor]:
        """The student's weights."""
        return load_file(self.artifacts / "student" / "student.safetensors")

    def table(self, path: str) -> pd.DataFrame:
        """A table among the artifacts."""
        return pd.read_csv(self.artifacts / path, index_col=0)


@dataclass(frozen=True)
class Workplace:
    """A working folder with a tracking database that needs no migration any more."""

    folder: Path

    @property
    def store(self) -> Store:
        """The store of the jobs done here."""
        return Store(self.folder / "store")

    def ask(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Rows of the tracking database."""
        connection = sqlite3.connect(self.folder / "mlflow.db", timeout=20)
        try:
            return connection.execute(query, values).fetchall()
        finally:
            connection.close()

    def runs(self, status: str | None = None) -> list[Run]:
        """The jobs' runs in the order they were started."""
        return [run for run in self._all_runs(status) if SWEEP_PARENT not in run.tags]

    def sweeps(self, status: str | None = None) -> list[Run]:
        """The sweeps' own runs in the order they were started."""
        return [run for run in self._all_runs(status) if SWEEP_PARENT in run.tags]

    def _all_runs(self, status: str | None) -> list[Run]:
        found = []
        for run_id, state, name, uri in self.ask(
            "select run_uuid, status, name, artifact_uri from runs order by start_time, rowid"
        ):
            if status in (None, state):
                found.append(
                    Run(
                        run_id,
                        state,
                        name,
                        Path(uri.removeprefix("file://")),
                        self._pairs("select key, value from params where run_uuid = ?", run_id),
                        self._pairs("select key, value from tags where run_uuid = ?", run_id),
                        self._pairs(
                            "select key, value from latest_metrics "
                            "where run_uuid = ? and not is_nan",
                            run_id,
                        ),
                    )
                )
        return found

    def run(self) -> Run:
        """The only run there is."""
        (run,) = self.runs()
        return run

    def kept(self, kind: str) -> list[str]:
        """The keys of the store's entries of a kind."""
        return [entry.key for entry in self.store.entries(kind)]

    def written(self, kind: str) -> dict[str, int]:
        """When each of the store's entries of a kind was written, in nanoseconds."""
        return {
            entry.key: min(entry.file(name).stat().st_mtime_ns for name in entry.files)
            for entry in self.store.entries(kind)
        }

    def check_store(self) -> None:
        """Read every byte of every entry."""
        for entry in list(self.store.entries()):
            assert self.store.get(entry.kind, entry.key) is not None

    def start(self, *arguments: str, largest_file: int = -1) -> "subprocess.Popen[str]":
        """A small job in a process group of its own, which may be kept from writing large files."""

        def limit() -> None:
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # ignored where pytest is in background
            resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))

        return subprocess.Popen(
            [sys.executable, "-m", "fairkd", *small(arguments)],
            cwd=self.folder,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            preexec_fn=limit,
        )

    def finish(self, process: "subprocess.Popen[str]") -> Ended:
        """Wait for a process's end."""
        out, err = process.communicate(timeout=300)
        return Ended(process.returncode, out, err)

    def _pairs(self, query: str, run_id: str) -> dict[str, Any]:
        return dict(self.ask(query, run_id))


Fairkd = Callable[..., Ended]


def _workplace(folder: Path, migrated: Path) -> Workplace:
    folder.mkdir()
    shutil.copy(migrated, folder / "mlflow.db")
    return Workplace(folder)


@contextmanager
def _working_in(place: Workplace, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workplace]:
    """The working folder is there; afterwards logging is as it was."""
    monkeypatch.chdir(place.folder)
    for name in ("FAIRKD_STORE", "MLFLOW_TRACKING_URI", "HYDRA_FULL_ERROR"):
        monkeypatch.delenv(name, raising=False)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield place
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def place(tmp_path: Path, migrated: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workplace]:
    """A working folder of this test's own."""
    with _working_in(_workplace(tmp_path / "work", migrated), monkeypatch) as found:
        yield found


@pytest.fixture(scope="module")
def _shared_place(tmp_path_factory: pytest.TempPathFactory, migrated: Path) -> Workplace:
    return _workplace(tmp_path_factory.mktemp("shared") / "work", migrated)


@pytest.fixture
def shared_place(_shared_place: Workplace, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workplace]:
    """A working folder that the tests of a file share: what one of them trained, others reuse."""
    with _working_in(_shared_place, monkeypatch) as found:
        yield found


def _small_job(capsys: pytest.CaptureFixture[str]) -> Fairkd:
    def run(*arguments: str) -> Ended:
        code = dispatch(small(arguments))
        out, err = capsys.readouterr()
        return Ended(code, out, err)

    return run


@pytest.fixture
def fairkd(place: Workplace, capsys: pytest.CaptureFixture[str]) -> Fairkd:
    """A small job in this process."""
    return _small_job(capsys)


@pytest.fixture
def shared_fairkd(shared_place: Workplace, capsys: pytest.CaptureFixture[str]) -> Fairkd:
    """The same in the folder that the tests of a file share."""
    return _small_job(capsys)


@pytest.fixture(scope="module")
def _jobs_of_before() -> dict[tuple[str, ...], tuple[Ended, Run]]:
    return {}


@pytest.fixture
def once(
    shared_place: Workplace, shared_fairkd: Fairkd, _jobs_of_before: dict[tuple[str, ...], Any]
) -> Callable[..., tuple[Ended, Run]]:
    """A small job that is done once for all tests of a file: how it ended, and its run."""

    def run(*arguments: str) -> tuple[Ended, Run]:
        if arguments not in _jobs_of_before:
            ended = shared_fairkd(*arguments)
            assert ended.code == 0, ended.err
            _jobs_of_before[arguments] = (ended, shared_place.runs()[-1])
        found: tuple[Ended, Run] = _jobs_of_before[arguments]
        return found

    return run
