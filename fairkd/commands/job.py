"""One composed configuration: build it, run it, show it."""

import logging
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from fairkd.commands.build import build_job, build_tracking
from fairkd.commands.ending import Row, show_job, told
from fairkd.commands.fits import check_job
from fairkd.commands.plan import plan
from fairkd.experiment import run_job
from fairkd.store import Store

log = logging.getLogger(__name__)


def run(config: DictConfig, stores: dict[Path, Store], rows: list[Row]) -> dict[str, float]:
    """Run one job and return its final metrics by their tracked names.

    Args:
        config: composed and checked, without Hydra's own section.
        stores: the stores of this command by folder; one that is missing is added. A store object
            computes a forced entry once, so its life is the command's.
        rows: what to tell of each of several jobs at the end; this one is added.
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
    hydra = HydraConfig.get()
    if hydra.mode == RunMode.MULTIRUN:
        rows.append(told(job, result))
    else:
        show_job(job, result, tracking, hydra.overrides.task)
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
