"""Launch the jobs of a grid: stacks first, then every job as a real Hydra job."""

import logging
import os
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from pathlib import Path

from hydra.core.singleton import Singleton
from hydra.core.utils import JobReturn, configure_log, setup_globals
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from fairkd import checks
from fairkd.errors import FairkdError
from fairkd.sweeps.carrying import Order, Report, carry_out, failed
from fairkd.sweeps.compose import Composer
from fairkd.sweeps.pieces import Cut, Division, Piece
from fairkd.sweeps.pool import DiedError, Pool, processes
from fairkd.sweeps.process import needed, prepare_process
from fairkd.sweeps.progress import Board, read_counts
from fairkd.sweeps.stacks import Ahead, stacks

log = logging.getLogger(__name__)

_JOBS_A_PROCESS = 16
_GIB = 2**30


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
        self._kept = False
        self._begun: list[Future[Report]] = []

    def warm(self, jobs: int) -> None:
        """Start the processes that so many jobs will need, so that they import meanwhile.

        They then serve every launch until `close`.
        """
        self._kept = True
        self._start(jobs)

    def _start(self, jobs: int) -> None:
        size = self._processes(jobs)
        if size > 1 and self._pool is None:
            self._pool = Pool(size, partial(prepare_process, needed(self._config)))
            self._pool.warm()

    def begin(self, config: DictConfig) -> None:
        """Train the teacher of a job that was checked, while other jobs still are.

        Only where there is a process that has nothing else to do. Whatever comes of it, the launch
        that follows finds the teacher in the store, or waits for it, or trains it again.
        """
        if self._pool is None or self._stacks is None:
            return
        cut = self.cut(1)
        division = self._stacks.divide([config], cut)
        for piece in division.first:
            if piece.kind == "teacher":
                grid = self._grid([config], division, cut)
                order = grid.order(piece, Path(os.devnull))
                self._begun.append(self._pool.begin(order, carry_out))

    def cut(self, jobs: int) -> Cut:
        """How so many jobs are cut into pieces."""
        if self._limits.memory is None and self._stacks is not None:
            from fairkd.training.stack.footprint import free_memory

            return Cut(self._processes(jobs), self._limits.max_stack, free_memory())
        return Cut(self._processes(jobs), self._limits.max_stack, self._limits.memory)

    def close(self) -> None:
        """End the processes, whatever they are doing."""
        if self._pool is not None:
            self._pool.close()
            self._pool = None

    def __call__(self, job_overrides: Sequence[Sequence[str]], first: int) -> list[JobReturn]:
        """Run the jobs; their results come in the order given."""
        setup_globals()
        self._hydras_logging()
        Path(str(self._config.hydra.sweep.dir)).mkdir(parents=True, exist_ok=True)
        with ExitStack() as cleared:
            if not self._kept:
                cleared.callback(self.close)
            cut = self.cut(len(job_overrides))
            self._start(len(job_overrides))
            configs = self._composed(job_overrides, first)
            division = self._divide(configs, cut)
            return self._grid(configs, division, cut).run(self._hydras_logging)

    def _grid(self, configs: Sequence[DictConfig], division: Division, cut: Cut) -> "_Grid":
        begun = tuple(self._begun)
        return _Grid(self._context, self._task, configs, division, cut, self._pool, begun)

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

    def _hydras_logging(self) -> None:
        configure_log(self._config.hydra.hydra_logging, self._config.hydra.verbose)

    def _processes(self, jobs: int) -> int:
        if self._limits.n_jobs is None and self._stacks is None:
            return 1
        return processes(self._limits.n_jobs, jobs, _JOBS_A_PROCESS)


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
        begun: Sequence[Future[Report]],
    ) -> None:
        self._context = context
        self._task = task
        self._stacks = stacks(task)
        self._configs = list(map(self._stacks.quieted, configs)) if self._stacks else list(configs)
        self._division = division
        self._cut = cut
        self._pool = pool
        self._begun = list(begun)
        self._ahead = Ahead()
        self._results: dict[int, JobReturn] = {}
        self._numbers = count()

    def run(self, between: Callable[[], None]) -> list[JobReturn]:
        """Do every piece.

        Args:
            between: called after each piece that was done in this process, whose logging then is
                still that of the piece's last job.
        """
        from fairkd.sweeps.console import console

        epochs = self._stacks.epochs(self._division, self._configs) if self._stacks else 0
        # In the sweep's own folder: a command that is killed leaves nothing anywhere else.
        sweeps = str(self._configs[0].hydra.sweep.dir)
        with (
            Board(console(), len(self._configs), epochs) as board,
            tempfile.TemporaryDirectory(prefix=".progress-", dir=sweeps) as folder,
        ):
            for pieces in (self._division.first, self._division.then):
                if self._pool is None:
                    for piece in pieces:
                        self._take(piece, carry_out(self.order(piece, None), board), board)
                        between()
                else:
                    self._run_in(self._pool, pieces, board, Path(folder))
        return [self._results[place] for place in range(len(self._configs))]

    def _run_in(self, pool: Pool, pieces: Sequence[Piece], board: Board, folder: Path) -> None:
        todo = list(pieces)
        while todo:
            orders = [self.order(piece, folder / str(next(self._numbers))) for piece in todo]
            todo = []
            look = partial(_look, board, folder)
            for done in pool.run(orders, carry_out, look):
                order = done.piece
                if isinstance(done.error, DiedError):
                    assert order.progress is not None
                    order.progress.unlink(missing_ok=True)  # what it counted is done again
                    todo += self._after_death(order.piece, board)
                elif done.error is not None:
                    raise done.error
                elif done.result is not None:
                    self._take(order.piece, done.result, board)

    def order(self, piece: Piece, progress: Path | None) -> Order:
        """A piece, with what another process needs to do it.

        Args:
            piece: of this grid.
            progress: where to count; ``None`` in this process.
        """
        return Order(
            piece=piece,
            configs=tuple(self._configs[place] for place in piece.jobs),
            task=self._task,
            context=self._context,
            singletons=Singleton.get_state() if progress is not None else None,
            cut=self._cut,
            before=self._known(),
            progress=progress,
        )

    def _known(self) -> Ahead:
        """What is trained by now."""
        for future in [future for future in self._begun if future.done()]:
            self._begun.remove(future)
            if future.exception() is None:
                self._ahead = self._ahead.and_(future.result().ahead)
        return self._ahead

    def _take(self, piece: Piece, report: Report, board: Board) -> None:
        self._ahead = self._ahead.and_(report.ahead)
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
        error = FairkdError(
            "The job's process was killed, most likely for want of memory; give the job more, or "
            "make it smaller (trainer.batch_size, hydra.launcher.max_stack, hydra.launcher.n_jobs)."
        )
        died = failed(self._configs[piece.jobs[0]], error)
        self._take(piece, Report((died,), Ahead()), board)
        board.tick(jobs=1, failed=1)
        return []


def _look(board: Board, folder: Path) -> None:
    board.elsewhere(read_counts(folder.iterdir()))
