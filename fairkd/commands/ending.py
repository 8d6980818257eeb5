"""What a command prints at its end: the comparison, where the results are, what to type next."""

import logging
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from fairkd.commands.console import show_places, wide_console
from fairkd.experiment import JobResult
from fairkd.job import Job
from fairkd.reporting.certificate import bound_lines
from fairkd.reporting.console import show_trio
from fairkd.tracking.interface import Tracking

log = logging.getLogger(__name__)

# What a sweep over a job's two main knobs looks like.
SWEEP = {"distillation.temperature": "1,2,4,8", "constraint.weight": "0,0.1,0.3,1"}


def show_job(job: Job, result: JobResult, tracking: Tracking, overrides: Sequence[str]) -> None:
    """The whole comparison after a single job."""
    console = wide_console()
    blocks = _blocks(job, result)
    positive = job.dataset.classes[1] if len(job.dataset.classes) == 2 else None
    show_trio(result.record.trio, blocks, positive, job.evaluation.threshold, console)
    for line in bound_lines(result.record):
        console.print(line, highlight=False, markup=False)
    others = [block.name for block in job.dataset.blocks if block.name not in blocks]
    if others:
        console.print(f"also measured, in the run: by {', '.join(others)}", markup=False)
    if result.reused:
        console.print(
            "This job was done before; everything above is from the store. "
            "force=student trains it again, force=all its teacher and control too."
        )
    following = _next(job.config, overrides)
    places = {"run": tracking.describe(result.run_id), "folder": str(job.output)}
    show_places(console, places | ({"next": following} if following else {}))


def _blocks(job: Job, result: JobResult) -> list[str]:
    """The headline's block, then the others that a constraint or the baseline is about."""
    first = result.record.headline.block
    constrained = [term.get("by") or first for term in job.config["constraint"]["terms"].values()]
    adjusted = [job.dataset.blocks.named(job.baseline.by).name] if job.baseline else []
    return list(dict.fromkeys([first, *constrained, *adjusted]))


def _next(config: Mapping[str, Any], overrides: Sequence[str]) -> str | None:
    """A sweep of this very job over the knobs it uses."""
    knobs = {
        key: values
        for key, values in SWEEP.items()
        if config[key.split(".")[0]][key.split(".")[1]] is not None
    }
    if not knobs:
        return None
    kept = [word for word in overrides if word.lstrip("+").split("=")[0] not in (*knobs, "force")]
    words = [*kept, *(f"{key}={values}" for key, values in knobs.items())]
    return f"python -m fairkd -m {shlex.join(words)}"
