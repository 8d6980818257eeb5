"""One composed configuration: build it, run it, show it."""

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import cast

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, ListConfig, OmegaConf

from fairkd.commands.build import build_job
from fairkd.commands.building.tracking import FIGURES, build_tracking
from fairkd.commands.ending import show_job
from fairkd.commands.fits import check_job
from fairkd.commands.plan import plan
from fairkd.commands.task import own_words
from fairkd.commands.workshop import Workshop
from fairkd.experiment import JobResult, run_job
from fairkd.job import Job
from fairkd.record import JobRecord
from fairkd.reporting.certificate import certifiable
from fairkd.reporting.note import note
from fairkd.run_page import Illustrate
from fairkd.sweeps.compose import as_given
from fairkd.tracking.interface import Tracking

log = logging.getLogger(__name__)


def run_single(config: DictConfig, workshop: Workshop) -> dict[str, float]:
    """Run the one job of a command, show all of it, and return its metrics by their tracked names.

    Args:
        config: composed and checked, without Hydra's own section.
        workshop: of this process.
    """
    job = _built(config, workshop)
    tracking = prepared(config, workshop)
    tell_certifiable([job])
    result = _run(job, config, workshop, tracking)
    show_job(job, result, tracking, HydraConfig.get().overrides.task)
    return result.record.metrics()


def run_one(config: DictConfig, workshop: Workshop) -> dict[str, float]:
    """Run one of many jobs and return its metrics.

    Args:
        config: composed and checked, without Hydra's own section.
        workshop: of this process.
    """
    return run_built(_built(config, workshop), config, workshop)


def run_built(job: Job, config: DictConfig, workshop: Workshop) -> dict[str, float]:
    """Run one of many jobs that was built and checked before, and return its metrics."""
    result = _run(job, config, workshop, prepared(config, workshop))
    return result.record.metrics()


def show_plan(config: DictConfig, output: Path, workshop: Workshop) -> None:
    """Print what one job would do; what would be refused is refused.

    Args:
        config: composed and checked, without Hydra's own section.
        output: the job's folder, which is not made.
        workshop: of this process.
    """
    build_tracking(config)
    job = build_job(config, output, workshop)
    check_job(job)
    print(plan(job, workshop.store(config.paths.store)))
    if job.distillation.certifier is not None:
        for told, _ in certifiable([job.distillation.certifier]):
            print(f"  {told}")


def prepared(config: DictConfig, workshop: Workshop) -> Tracking:
    """The tracking store of a configuration, ready for use."""
    section = OmegaConf.to_container(config.tracking, resolve=True)
    return workshop.tracking(section, lambda: build_tracking(config))


def tell_certifiable(jobs: Iterable[Job]) -> None:
    """Say before training, once for jobs that have it in common, what can be certified."""
    certifiers = [job.distillation.certifier for job in jobs]
    for sentence, enough in certifiable(filter(None, certifiers)):
        log.log(logging.INFO if enough else logging.WARNING, sentence)


def _built(config: DictConfig, workshop: Workshop) -> Job:
    build_tracking(config)
    hydra = HydraConfig.get()
    words = own_words(as_given(cast(ListConfig, hydra.overrides.task)))
    job = build_job(config, Path(hydra.runtime.output_dir), workshop, words=words)
    check_job(job)
    return job


def _illustrate(job: Job, config: DictConfig) -> Illustrate:
    """Draws a job's pictures, unless it is one of a sweep or none are wanted."""
    wanted = config.tracking.get(FIGURES, "auto")
    if wanted == "none" or (wanted == "auto" and job.sweep.id is not None):
        return lambda _: {}

    def illustrate(record: JobRecord) -> dict[str, bytes]:
        from fairkd.reporting.pictures.gallery import drawn  # loads matplotlib

        return drawn(record)

    return illustrate


def _run(job: Job, config: DictConfig, workshop: Workshop, tracking: Tracking) -> JobResult:
    log.info("%s (job %s)", job.name, job.keys.job)
    store = workshop.store(config.paths.store)
    result = run_job(
        job,
        store,
        tracking,
        memory=workshop.memory,
        failures=workshop.failures,
        illustrate=_illustrate(job, config),
        annotate=note,
    )
    metrics, name = result.record.metrics(), result.record.headline.name
    log.info(
        "%s: test accuracy %.4f, %s %.4f%s",
        job.name,
        metrics["test/accuracy"],
        name,
        metrics["test/disparity"],
        " (from the store)" if result.reused else "",
    )
    return result
