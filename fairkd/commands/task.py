"""What Hydra calls for every job: alone, one of many, or in another process."""

import logging
import os
import shutil
from collections.abc import Sequence
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.core.hydra_config import HydraConfig
from hydra.core.utils import JobReturn, JobStatus
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf, open_dict, read_write

from fairkd.commands.checking.job import check
from fairkd.commands.failures import TRACEBACK_HINT, chain, explain
from fairkd.commands.precheck import hydra_known
from fairkd.commands.workshop import Workshop
from fairkd.errors import ConfigError, DataError, FairkdError
from fairkd.sweeps.compose import as_given

if TYPE_CHECKING:
    from fairkd.commands.frame import Frame
    from fairkd.job import Job
    from fairkd.sweeps.pieces import Cut, Division, Piece
    from fairkd.sweeps.progress import Ticker
    from fairkd.sweeps.stacks import Ahead

log = logging.getLogger(__name__)
traceback = logging.getLogger("fairkd.traceback")

_HYDRAS = {".hydra", "fairkd.log"}  # what Hydra puts into every job's folder
_LOG_HINT = "fairkd.log in the job's folder has the traceback."
_SWEEPS_OWN = ("sweep.id=", "sweep.parent=")


class JobFailedError(FairkdError):
    """One of many jobs failed; its log has the traceback, this is the sentence."""


@cache
def workshop() -> Workshop:
    """The one workshop of this process, for as long as one command."""
    return Workshop()


class Task:
    """Runs jobs. It can be sent to another process, where it finds that process's workshop."""

    def __init__(self) -> None:
        self._frame: Frame | None = None
        self._own_folder: Path | None = None
        self._built: dict[str, Job] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {"_frame": None, "_own_folder": None, "_built": {}}

    @property
    def frame(self) -> "Frame":
        """What is around the jobs of a multirun, in the process that launched it."""
        from fairkd.commands.frame import Frame

        if self._frame is None:
            self._frame = Frame(self)
        return self._frame

    @property
    def exit_code(self) -> int:
        """Of the command: 1 where a job of many was refused or failed."""
        return 0 if self._frame is None else self._frame.exit_code

    def __call__(self, config: DictConfig) -> dict[str, float]:
        """One job: refuse what cannot work, then run it; its final metrics.

        Raises:
            Exception: whatever the job raised; of one among many only its sentence.
        """
        hydra = HydraConfig.get()
        if hydra.mode != RunMode.MULTIRUN:
            return self._single(config)
        try:
            return self._one_of_many(config)
        except Exception as error:
            if not isinstance(error, FairkdError):
                traceback.error("The job failed.", exc_info=error)
            sentence = explain(error, hydra.overrides.task).sentence
            sentence = sentence.replace(TRACEBACK_HINT, _LOG_HINT)
            log.error("%s", sentence)
            raise JobFailedError(sentence) from None

    def tidy(self, error: Exception) -> None:
        """Remove the folder of a single job that was refused: there is nothing in it."""
        refused = any(isinstance(cause, ConfigError | DataError) for cause in chain(error))
        folder = self._own_folder
        if refused and folder and {path.name for path in folder.iterdir()} <= _HYDRAS:
            shutil.rmtree(folder)

    # What follows makes the jobs of a multirun stack: see fairkd.sweeps.stacks.Stacks.

    def composed(self, overrides: Sequence[str]) -> DictConfig | None:
        """A job's configuration, if the frame composed it."""
        return None if self._frame is None else self._frame.composed(overrides)

    def divide(self, configs: Sequence[DictConfig], cut: "Cut") -> "Division":
        """Divide the jobs into pieces of work."""
        from fairkd.sweeps.division import divide

        shop = workshop()
        jobs = [self._job(config) for config in configs]
        stores = [shop.store(config.paths.store) for config in configs]
        store_of = {id(job): store for job, store in zip(jobs, stores, strict=True)}
        return divide(jobs, lambda job: shop.keeper(job, store_of[id(job)]), cut)

    def train_ahead(
        self,
        piece: "Piece",
        configs: Sequence[DictConfig],
        cut: "Cut",
        before: "Ahead",
        ticker: "Ticker",
    ) -> "Ahead":
        """Train, as stacks, what a piece's jobs need; see `fairkd.sweeps.ahead`."""
        from fairkd.sweeps.ahead import train_ahead
        from fairkd.sweeps.stacks import Ahead

        shop = workshop()
        shop.failures.update(before.failures)
        groups: dict[Path, list[Job]] = {}
        for config in configs:
            try:
                root = shop.store(config.paths.store).root
                groups.setdefault(root, []).append(self._job(config))
            except FairkdError:
                continue  # it says so when its turn comes
        made: set[tuple[str, str]] = set()
        for root, jobs in groups.items():
            store = shop.store(root)
            store.note_made(before.made)
            failures = train_ahead(
                "student" if piece.kind == "job" else piece.kind,
                jobs,
                partial(shop.keeper, store=store),
                max_stack=cut.max_stack,
                memory=None if cut.memory is None else cut.memory // cut.processes,
                progress=lambda epochs: ticker.tick(epochs=epochs),
            )
            shop.failures.update(failures)
            made |= store.made
        return Ahead(frozenset(made), dict(shop.failures))

    def quieted(self, config: DictConfig) -> DictConfig:
        """The job with its log in its file alone."""
        root = config.hydra.job_logging.get("root")
        if root is not None and {"terminal", "file"} <= set(root.get("handlers", ())):
            with read_write(config.hydra), open_dict(config.hydra):
                root.handlers = ["file"]
        return config

    def epochs(self, division: "Division", configs: Sequence[DictConfig]) -> int:
        """About how many epochs of single models there are to train."""
        a_model = max((int(config.trainer.max_epochs) for config in configs), default=0)
        return a_model * sum(division.trained.values())

    def told(self, result: JobReturn) -> str | None:
        """A sentence about a job that failed."""
        if result.status == JobStatus.COMPLETED:
            return None
        words = " ".join(own_words(result.overrides or ()))
        number = OmegaConf.select(result.hydra_cfg, "hydra.job.num") if result.hydra_cfg else "?"
        return f"Job #{number} failed ({words}): {sentence_of(result)}"

    def _job(self, config: DictConfig) -> "Job":
        """The job of a composed configuration with Hydra's own section; built once."""
        from fairkd.commands.build import build_job

        output = place(config)
        if str(output) not in self._built:
            words = own_words(as_given(config.hydra.overrides.task))
            with hydra_known(config):
                bare = without_hydra(config)
                self._built[str(output)] = build_job(bare, output, workshop(), words=words)
        return self._built[str(output)]

    def adopt(self, jobs: "Sequence[Job]") -> None:
        """Take over jobs that were built before."""
        self._built |= {str(job.output): job for job in jobs}

    def _single(self, config: DictConfig) -> dict[str, float]:
        hydra = HydraConfig.get()
        check(config)
        self._own_folder = _made_just_now(Path(hydra.runtime.output_dir))
        try:
            from fairkd.commands.job import run_single

            return run_single(config, workshop())
        except Exception as error:
            if not isinstance(error, FairkdError):
                traceback.error("The job failed.", exc_info=error)
            raise

    def _one_of_many(self, config: DictConfig) -> dict[str, float]:
        from fairkd.commands.job import run_built, run_one

        job = self._built.pop(str(Path(HydraConfig.get().runtime.output_dir)), None)
        if job is None:
            check(config)
            return run_one(config, workshop())
        return run_built(job, config, workshop())


def own_words(overrides: Sequence[str]) -> list[str]:
    """A job's overrides without what the sweep adds."""
    return [str(word) for word in overrides if not str(word).startswith(_SWEEPS_OWN)]


def sentence_of(result: JobReturn) -> str:
    """Why a job failed."""
    return str(result._return_value)


def place(config: DictConfig) -> Path:
    """The folder of one of many jobs, noted where Hydra will note it."""
    hydra = config.hydra
    output = os.path.abspath(os.path.join(str(hydra.sweep.dir), _subdir(config)))  # noqa: PTH100, PTH118
    with read_write(hydra.runtime), open_dict(hydra.runtime):
        hydra.runtime.output_dir = output
    return Path(output)


def _subdir(config: DictConfig) -> str:
    with hydra_known(config):
        return str(config.hydra.sweep.subdir)


def without_hydra(config: DictConfig) -> DictConfig:
    """A copy of a job's configuration without Hydra's own section."""
    bare = OmegaConf.masked_copy(config, [str(key) for key in config if key != "hydra"])
    OmegaConf.set_struct(bare, True)
    OmegaConf.copy_cache(from_config=config, to_config=bare)
    return bare


def _made_just_now(folder: Path) -> Path | None:
    """The job's folder if Hydra made it for this job, and not the user for many things."""
    in_use = Path.cwd() == folder or Path.cwd().is_relative_to(folder)
    new = {path.name for path in folder.iterdir()} <= _HYDRAS
    return folder if new and not in_use else None
