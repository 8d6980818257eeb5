"""Do one piece of a sweep: train ahead what its jobs need, then run each as Hydra does."""

import logging
import pickle
from dataclasses import dataclass, replace
from pathlib import Path

from hydra.core.singleton import Singleton
from hydra.core.utils import JobReturn, JobStatus, env_override, run_job, setup_globals
from hydra.types import HydraContext, TaskFunction
from loky.backend.reduction import dumps
from omegaconf import DictConfig

from fairkd.errors import FairkdError
from fairkd.sweeps.compose import as_given
from fairkd.sweeps.pieces import Cut, Piece
from fairkd.sweeps.progress import FileTicker, Ticker
from fairkd.sweeps.stacks import Ahead, stacks

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Order:
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
class Report:
    """What became of an order."""

    results: tuple[JobReturn, ...]
    ahead: Ahead


def carry_out(order: Order, ticker: Ticker | None = None) -> Report:
    """Do a piece: train what its jobs need, then run each as Hydra does."""
    if order.progress is None:
        assert ticker is not None
        return _done(order, ticker)
    Singleton.set_state(order.singletons)
    setup_globals()
    report = _done(order, FileTicker(order.progress))
    return replace(report, results=tuple(map(_sendable, report.results)))


def _done(order: Order, ticker: Ticker) -> Report:
    piece, ahead = order.piece, order.before
    if (stacking := stacks(order.task)) is not None:
        try:
            with env_override(order.configs[0].hydra.job.env_set):
                ahead = stacking.train_ahead(piece, order.configs, order.cut, ahead, ticker)
        except Exception as error:
            log.warning("Training ahead for %d jobs broke down: %s", len(piece.jobs), error)
            if len(piece.jobs) > 1:
                return _halved(order, ticker)
    if piece.kind != "job":
        return Report((), ahead)
    return Report(tuple(_run(config, order, ticker) for config in order.configs), ahead)


def _halved(order: Order, ticker: Ticker) -> Report:
    """Do a piece in two parts, the first one's models known to the second."""
    middle = len(order.configs) // 2
    reports: list[Report] = []
    before = order.before
    for part in (slice(None, middle), slice(middle, None)):
        piece = replace(order.piece, jobs=order.piece.jobs[part])
        half = replace(order, piece=piece, configs=order.configs[part], before=before)
        reports.append(_done(half, ticker))
        before = reports[-1].ahead
    return Report(tuple(result for report in reports for result in report.results), before)


def _run(config: DictConfig, order: Order, ticker: Ticker) -> JobReturn:
    try:
        result = run_job(
            hydra_context=order.context,
            task_function=order.task,
            config=config,
            job_dir_key="hydra.sweep.dir",
            job_subdir_key="hydra.sweep.subdir",
        )
    except Exception as error:  # around the task: a folder that cannot be made, say
        result = failed(config, error)
    ticker.tick(jobs=1, failed=int(result.status == JobStatus.FAILED))
    return result


def failed(config: DictConfig, error: Exception) -> JobReturn:
    """The result of a job that Hydra could not run to its end."""
    overrides = as_given(config.hydra.overrides.task)
    return JobReturn(
        overrides=overrides, hydra_cfg=config, status=JobStatus.FAILED, _return_value=error
    )


def _sendable(result: JobReturn) -> JobReturn:
    """A result that reaches the process that launched the job."""
    value = result._return_value
    try:
        pickle.loads(dumps(value))
    except Exception as problem:
        if result.status == JobStatus.FAILED:
            error = FairkdError(f"The job failed with {type(value).__name__}: {value}")
        else:
            error = FairkdError(
                f"What the job returned, a {type(value).__name__}, cannot be sent to the process "
                f"that launched it: {problem}. Return plain values, or set hydra.launcher.n_jobs=1."
            )
        return replace(result, status=JobStatus.FAILED, _return_value=error)
    return result
