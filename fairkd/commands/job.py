"""One composed configuration: build it, run it, show it."""

import logging
import os
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig
from rich.console import Console

from fairkd.commands.build import build_job, build_tracking
from fairkd.commands.fits import check_job
from fairkd.commands.plan import plan
from fairkd.experiment import Job, JobResult, run_job
from fairkd.reporting.console import show_trio
from fairkd.store import Store
from fairkd.tracking.interface import Tracking

log = logging.getLogger(__name__)

NEXT = "python -m fairkd -m distillation.temperature=1,2,4,8 constraint.weight=0,0.1,0.3,1"

_PLAIN_WIDTH = 140


def run(config: DictConfig, stores: dict[Path, Store]) -> dict[str, float]:
    """Run one job and return its final metrics by their tracked names.

    Args:
        config: composed and checked, without Hydra's own section.
        stores: the stores of this command by folder; one that is missing is added. A store object
            computes a forced entry once, so its life is the command's.
    """
    output = Path(HydraConfig.get().runtime.output_dir)
    if config.dry_run:
        show_plan(config, output)
        return {}
    root = Path(config.paths.store).absolute()
    if root not in stores:
        stores[root] = Store(root)
    tracking = build_tracking(config)
    job = build_job(config, output)
    check_job(job)
    log.info("%s (job %s)", job.name, job.keys.job)
    result = run_job(job, stores[root], tracking)
    _show(job, result, tracking)
    return result.record.metrics()


def show_plan(config: DictConfig, output: Path) -> None:
    """Print what one job would do; what would be refused is refused.

    Args:
        config: composed and checked, without Hydra's own section.
        output: the job's folder, which is not made.
    """
    build_tracking(config)
    job = build_job(config, output)
    check_job(job)
    print(plan(job, Store(Path(config.paths.store))))


def _show(job: Job, result: JobResult, tracking: Tracking) -> None:
    """The whole comparison after a single job; one line after a job of many."""
    if HydraConfig.get().mode == RunMode.MULTIRUN:
        metrics = result.record.metrics()
        log.info(
            "%s: test accuracy %.4f, %s %.4f%s",
            job.name,
            metrics["test/accuracy"],
            result.record.headline.name,
            metrics["test/disparity"],
            " (from the store)" if result.reused else "",
        )
        return
    console = Console(width=None if _has_width() else _PLAIN_WIDTH)
    show_trio(result.record.trio, result.record.headline.block, job.evaluation.threshold, console)
    if result.reused:
        console.print(
            "This job was done before; everything above is from the store. "
            "force=student trains it again, force=all its teacher and control too."
        )
    lines = {
        "run": tracking.describe(result.run_id),
        "folder": str(job.output),
        "next": NEXT,
    }
    for name, text in lines.items():
        console.print(f"{name:<8}{text}", highlight=False, soft_wrap=True, markup=False)


def _has_width() -> bool:
    """Whether a terminal, or the user, says how wide to print."""
    return "COLUMNS" in os.environ or Console().is_terminal
