"""Launch the jobs of a grid: stacks first, then every job as a real Hydra job."""

import logging
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Protocol, runtime_checkable

from hydra.core.singleton import Singleton
from hydra.core.utils import JobReturn, JobStatus, configure_log, run_job, setup_globals
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from fairkd import checks
from fairkd.errors import FairkdError
from fairkd.sweeps.compose import Composer
from fairkd.sweeps.division import Cut, Division, Piece
from fairkd.sweeps.pool import DiedError, Pool, ignore_interrupts, processes
from fairkd.sweeps.progress import Board, FileTicker, Ticker, read_counts

log = logging.getLogger(__name__)

_JOBS_A_PROCESS = 16
_GIB = 2**30

Known = Mapping[tuple[str, str], FairkdError]
"""Models that cannot be had, by kind and key, and why."""


@dataclass(frozen=True)
class Limits:
    """What the launcher may use; see ``hydra.launcher``."""

    n_jobs: int | None
    max_stack: int
    memory: int | None

    @classmethod
    def of(cls, n_jobs: int | None, max_stack: int, memory_gib: float | None) -> "Limits":
        """From the configuration.

        Raises:
            ConfigError: a value out of its range.
        """
        prefix = "hydra.launcher"
        if n_jobs is not None:
            checks.whole(f"{prefix}.n_jobs", n_jobs, least=1)
        checks.whole(f"{prefix}.max_stack", max_stack, least=1)
        if memory_gib is not None:
            checks.number(f"{prefix}.memory_gib", memory_gib, above=0.0)
        memory = None if memory_gib is None else int(memory_gib * _GIB)
        return cls(n_jobs, max_stack, memory)


@dataclass(frozen=True)
class Ahead:
    """What was trained before its jobs ran.

    Attributes:
        made: kinds and keys that were computed, and are not to be computed again in this command.
        failures: models that cannot be had.
    """

    made: frozenset[tuple[str, str]] = frozenset()
    failures: Known = field(default_factory=dict)


@runtime_checkable
class Stacks(Protocol):
    """A task function whose jobs can be stacked. Others run one by one."""

    def composed(self, overrides: Sequence[str]) -> DictConfig | None:
        """A job's configuration, if it was composed before."""
        ...

    def divide(self, configs: Sequence[DictConfig], cut: Cut) -> Division:
        """Divide the jobs into pieces."""
        ...

    def train_ahead(
        self, piece: Piece, configs: Sequence[DictConfig], cut: Cut, before: Ahead, ticker: Ticker
    ) -> Ahead:
        """Train and keep what a piece's jobs need; in the process that does the piece."""
        ...

    def quieted(self, config: DictConfig) -> DictConfig:
        """The job's configuration with its log in its file alone: the display is the sweep's."""
        ...

    def epochs(self, division: Division, configs: Sequence[DictConfig]) -> int:
        """About how many epochs of single models the pieces train."""
        ...

    def told(self, result: JobReturn) -> str | None:
        """A sentence about a job that failed; ``None`` for one that did not."""
        ...


def stacks(task: object) -> Stacks | None:
    """The task function as one whose jobs stack, if it is one."""
    return task if isinstance(task, Stacks) else None


@dataclass(frozen=True)
class _Order:
    """A piece with everything that another process needs to do it."""

    piece: Piece
    configs: tuple[DictConfig, ...]
    task: TaskFunction
    context: HydraContext
    singletons: object
    cut: Cut
    before: Ahead
    progress: Path | None


@dataclass(frozen=True)
class _Report:
    """What became of an order."""

    results: tuple[JobReturn, ...]
    ahead: Ahead


class Launch:
    """Launches grids for one command.

    Args:
        context: Hydra's.
        task: runs one job.
        config: the sweep's own configuration.
        limits: what may be used.
    """

    def __init__(
        self, context: HydraContext, task: TaskFunction, config: DictConfig, limits: Limits
    ) -> None:
        self._context = context
        self._task = task
        self._stacks = stacks(task)
        self._config = config
        self._limits = limits
        self._pool: Pool | None = None

    def warm(self, jobs: int) -> None:
        """Start the processes that so many jobs will need, so that they import meanwhile."""
        size = self._processes(jobs)
        if size > 1 and self._pool is None:
            self._pool = Pool(size, prepare_process)
            self._pool.warm()

    def cut(self, jobs: int) -> Cut:
        """How so many jobs are cut into pieces."""
        return Cut(self._processes(jobs), self._limits.max_stack, self._limits.memory)

    def __call__(self, job_overrides: Sequence[Sequence[str]], first: int) -> list[JobReturn]:
        """Run the jobs; their results come in the order given."""
        setup_globals()
        configure_log(self._config.hydra.hydra_logging, self._config.hydra.verbose)
        Path(str(self._config.hydra.sweep.dir)).mkdir(parents=True, exist_ok=True)
        configs = self._composed(job_overrides, first)
        cut = self.cut(len(configs))
        division = self._divide(configs, cut)
        with ExitStack() as cleared:
            if cut.processes > 1:
                self.warm(len(configs))
                assert self._pool is not None
                cleared.callback(self._close)
            return _Grid(self._context, self._task, configs, division, cut, self._pool).run()

    def _composed(self, job_overrides: Sequence[Sequence[str]], first: int) -> list[DictConfig]:
        composer = Composer(self._context.config_loader, self._config)
        configs = []
        for place, overrides in enumerate(job_overrides):
            known = self._stacks.composed(overrides) if self._stacks is not None else None
            config = composer.job(overrides, first + place) if known is None else known
            configs.append(config)
        return configs

    def _divide(self, configs: Sequence[DictConfig], cut: Cut) -> Division:
        if self._stacks is not None:
            division = self._stacks.divide(configs, cut)
            log.info(division.sentence())
            return division
        pieces = tuple(Piece("job", (place,)) for place in range(len(configs)))
        log.info("Launching %d jobs.", len(configs))
        return Division((), pieces, (), {}, {}, ())

    def _processes(self, jobs: int) -> int:
        if self._limits.n_jobs is None and self._stacks is None:
            return 1
        return processes(self._limits.n_jobs, jobs, _JOBS_A_PROCESS)

    def _close(self) -> None:
        if self._pool is not None:
            self._pool.close()
            self._pool = None


class _Grid:
    """One grid on its way."""

    def __init__(
        self,
        context: HydraContext,
        task: TaskFunction,
        configs: Sequence[DictConfig],
        division: Division,
        cut: Cut,
        pool: Pool | None,
    ) -> None:
        self._context = context
        self._task = task
        self._stacks = stacks(task)
        self._configs = list(map(self._stacks.quieted, configs)) if self._stacks else list(configs)
        self._division = division
        self._cut = cut
        self._pool = pool
        self._ahead = Ahead()
        self._results: dict[int, JobReturn] = {}

    def run(self) -> list[JobReturn]:
        """Do every piece."""
        from fairkd.sweeps.console import console

        epochs = self._stacks.epochs(self._division, self._configs) if self._stacks else 0
        with (
            Board(console(), len(self._configs), epochs) as board,
            tempfile.TemporaryDirectory(prefix="fairkd-") as folder,
        ):
            for pieces in (self._division.first, self._division.then):
                if self._pool is None:
                    for piece in pieces:
                        self._take(piece, _carry_out(self._order(piece, None), board), board)
                else:
                    self._run_in(self._pool, pieces, board, Path(folder))
        return [self._results[place] for place in range(len(self._configs))]

    def _run_in(self, pool: Pool, pieces: Sequence[Piece], board: Board, folder: Path) -> None:
        todo = list(pieces)
        while todo:
            orders = [
                self._order(piece, folder / f"{number}-{id(piece)}")
                for number, piece in enumerate(todo)
            ]
            todo = []
            look = partial(_look, board, folder)
            for done in pool.run(orders, _carry_out, look):
                piece = done.piece.piece
                if isinstance(done.error, DiedError):
                    todo += self._after_death(piece, board)
                elif done.error is not None:
                    raise done.error
                elif done.result is not None:
                    self._take(piece, done.result, board)

    def _order(self, piece: Piece, progress: Path | None) -> _Order:
        return _Order(
            piece=piece,
            configs=tuple(self._configs[place] for place in piece.jobs),
            task=self._task,
            context=self._context,
            singletons=Singleton.get_state() if progress is not None else None,
            cut=self._cut,
            before=self._ahead,
            progress=progress,
        )

    def _take(self, piece: Piece, report: _Report, board: Board) -> None:
        self._ahead = Ahead(
            self._ahead.made | report.ahead.made,
            {**self._ahead.failures, **report.ahead.failures},
        )
        for place, result in zip(piece.jobs, report.results, strict=False):
            self._results[place] = result
            sentence = self._stacks.told(result) if self._stacks is not None else None
            if sentence is not None:
                board.say(sentence)

    def _after_death(self, piece: Piece, board: Board) -> list[Piece]:
        """Halve what a process died of, until it is known which job it was."""
        if piece.kind != "job":
            return []  # its jobs train the model themselves
        if len(piece.jobs) > 1:
            middle = len(piece.jobs) // 2
            return [
                replace(piece, jobs=half) for half in (piece.jobs[:middle], piece.jobs[middle:])
            ]
        place = piece.jobs[0]
        config = self._configs[place]
        error = FairkdError(
            "The job's process was killed, most likely for want of memory; give the job more, or "
            "make it smaller (trainer.batch_size, hydra.launcher.max_stack, hydra.launcher.n_jobs)."
        )
        died = JobReturn(
            overrides=list(config.hydra.overrides.task),
            hydra_cfg=config,
            status=JobStatus.FAILED,
        )
        died.return_value = error
        self._take(piece, _Report((died,), Ahead()), board)
        board.tick(jobs=1, failed=1)
        return []


def prepare_process() -> None:
    """Make a new process ready: Ctrl-C is its parent's business, and imports take seconds."""
    ignore_interrupts()
    import fairkd.sweeps.ahead  # noqa: F401  # everything that training needs


def _look(board: Board, folder: Path) -> None:
    board.elsewhere(read_counts(folder.iterdir()))


def _carry_out(order: _Order, ticker: Ticker | None = None) -> _Report:
    """Do a piece: train what its jobs need, then run each as Hydra does."""
    if order.progress is not None:
        Singleton.set_state(order.singletons)
        setup_globals()
        ticker = FileTicker(order.progress)
    assert ticker is not None
    task, piece = order.task, order.piece
    ahead = order.before
    if (stacking := stacks(task)) is not None:
        ahead = stacking.train_ahead(piece, order.configs, order.cut, order.before, ticker)
    if piece.kind != "job":
        return _Report((), ahead)
    results = []
    for config in order.configs:
        result = run_job(
            hydra_context=order.context,
            task_function=task,
            config=config,
            job_dir_key="hydra.sweep.dir",
            job_subdir_key="hydra.sweep.subdir",
        )
        ticker.tick(jobs=1, failed=int(result.status == JobStatus.FAILED))
        results.append(result)
    return _Report(tuple(results), ahead)
