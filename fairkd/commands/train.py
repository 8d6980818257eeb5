"""``fairkd key=value ...``: compose with Hydra, run one job or many, and end with a sentence."""

import logging
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from fairkd.commands.checks import check
from fairkd.commands.configuration import PRIMARY, config_folder
from fairkd.commands.failures import USAGE_ERROR, chain, explain, unreadable
from fairkd.commands.precheck import check_single, compose_single
from fairkd.commands.terminal import without_hydras_line
from fairkd.errors import ConfigError, DataError, FairkdError

if TYPE_CHECKING:
    from fairkd.commands.ending import Row
    from fairkd.store import Store

log = logging.getLogger(__name__)
traceback = logging.getLogger("fairkd.traceback")

_FULL_ERROR = "HYDRA_FULL_ERROR"
_INTERRUPTED = 130
_HYDRAS = {".hydra", "fairkd.log"}  # what Hydra puts into every job's folder


def train(arguments: Sequence[str]) -> int:
    """Run the jobs that the arguments describe.

    Returns:
        The exit code: 0, 1 for a refused or failed job, 2 for wrong usage, 130 if interrupted.
    """
    if {"-m", "--multirun"} & set(arguments) and {"--cfg", "-c"} & set(arguments):
        _say("--cfg shows one job; leave out -m and give single values.")
        return USAGE_ERROR
    nameless = next((word for word in arguments if word.startswith("=")), None)
    if nameless is not None:
        _say(unreadable(nameless))
        return USAGE_ERROR
    wants_traceback = os.environ.get(_FULL_ERROR) == "1"
    jobs = _Jobs()
    try:
        _run(arguments, jobs)
    except KeyboardInterrupt:
        _say("Interrupted. What was finished is in the store; the same command goes on from there.")
        return _INTERRUPTED
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else 1
    except Exception as error:
        if wants_traceback:
            raise
        if jobs.failed:
            jobs.show()
            _say(jobs.summary())
            return 1
        failure = explain(error, arguments)
        _say(failure.sentence)
        jobs.tidy(error)
        return failure.exit_code
    jobs.show()
    return 0


def _run(arguments: Sequence[str], jobs: "_Jobs") -> None:
    single = compose_single(arguments)
    if single is not None:
        check_single(single)
        if single.config.dry_run:
            from fairkd.commands.job import show_plan

            show_plan(single.config, single.output)
            return
    with _errors_raised(), _arguments(arguments), without_hydras_line():
        _hydra_main(jobs.run)()


class _Jobs:
    """The jobs of one command: how many were begun, and which of several failed."""

    def __init__(self) -> None:
        self.begun = 0
        self._own_folder: Path | None = None
        self.failed: list[int] = []
        self._stores: dict[Path, Store] = {}
        self._rows: list[Row] = []
        self._folder = ""

    def run(self, config: DictConfig) -> dict[str, float]:
        """One job: refuse what cannot work, then build it and run it.

        Raises:
            Exception: whatever the job raised; of one among several it is told here already.
        """
        self.begun += 1
        try:
            check(config)

            from fairkd.commands.job import run

            job = HydraConfig.get()
            if job.mode == RunMode.MULTIRUN:
                self._folder = job.sweep.dir
            else:
                self._own_folder = _made_just_now(Path(job.runtime.output_dir))
            return run(config, self._stores, self._rows)
        except Exception as error:
            if not isinstance(error, FairkdError):
                traceback.error("The job failed.", exc_info=error)
            if HydraConfig.get().mode == RunMode.MULTIRUN:
                self._tell(error)
            raise

    def show(self) -> None:
        """Print the table of a command of several jobs, those that are done."""
        if self._rows:
            from fairkd.commands.ending import show_jobs

            show_jobs(self._rows, len(self.failed), self._folder)

    def tidy(self, error: Exception) -> None:
        """Remove the folder of a single job that was refused: there is nothing in it."""
        refused = any(isinstance(cause, ConfigError | DataError) for cause in chain(error))
        folder = self._own_folder
        if refused and folder and {path.name for path in folder.iterdir()} <= _HYDRAS:
            shutil.rmtree(folder)

    def summary(self) -> str:
        """How a command of several jobs ended."""
        names = ", ".join(f"#{number}" for number in self.failed)
        return (
            f"{len(self.failed)} of {self.begun} jobs failed ({names}; see above). The same "
            "command takes the others from the store and does these again."
        )

    def _tell(self, error: Exception) -> None:
        job = HydraConfig.get()
        self.failed.append(int(job.job.num))
        sentence = explain(error, job.overrides.task).sentence
        log.error("Job #%s failed (%s): %s", job.job.num, " ".join(job.overrides.task), sentence)


def _made_just_now(folder: Path) -> Path | None:
    """The job's folder if Hydra made it for this job, and not the user for many things."""
    in_use = Path.cwd() == folder or Path.cwd().is_relative_to(folder)
    new = {path.name for path in folder.iterdir()} <= _HYDRAS
    return folder if new and not in_use else None


def _hydra_main(job: Callable[[DictConfig], Any]) -> Callable[[], Any]:
    decorate = hydra.main(version_base="1.3", config_path=str(config_folder()), config_name=PRIMARY)
    decorated: Callable[[], Any] = decorate(job)
    return decorated


@contextmanager
def _errors_raised() -> Iterator[None]:
    """Have Hydra raise its errors here, where they become sentences, instead of printing them."""
    before = os.environ.get(_FULL_ERROR)
    os.environ[_FULL_ERROR] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_FULL_ERROR]
        else:
            os.environ[_FULL_ERROR] = before


@contextmanager
def _arguments(arguments: Sequence[str]) -> Iterator[None]:
    """Hydra reads the process's arguments; give it these, flags first: it wants no flag between."""
    flags = [word for word in arguments if word.startswith("-") or not ("=" in word or "~" in word)]
    before = sys.argv
    sys.argv = ["fairkd", *flags, *(word for word in arguments if word not in flags)]
    try:
        yield
    finally:
        sys.argv = before


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr)
