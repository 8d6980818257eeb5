"""What the tables of docs/fairness.md share: means with intervals, shares, their texts."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from scipy.stats import binomtest

from fairkd.sweeps.estimate import Estimate, over_repetitions

Job = Mapping[str, Any]
CONFIDENCE = 0.95
DATA = {"adult": "Adult", "compas": "COMPAS", "law_school": "Law school"}


def by_replicate(jobs: Iterable[Job]) -> dict[str, list[Job]]:
    found: dict[str, list[Job]] = defaultdict(list)
    for job in jobs:
        found[job["replicate"]].append(job)
    return found


def best_within(jobs: Iterable[Job], budget: float) -> Job | None:
    """The most accurate job whose gap is within a budget, on validation; `None` for no such job."""
    within = [job for job in jobs if job["validation/disparity"] <= budget]
    return max(within, key=lambda job: float(job["validation/accuracy"])) if within else None


def of_control(job: Job) -> dict[str, float]:
    return {f"test/{name}": job[f"test/control/{name}"] for name in ("accuracy", "disparity")}


def mean(values: Iterable[float]) -> Estimate:
    return over_repetitions(list(values), CONFIDENCE)


def told(estimate: Estimate, sign: str = "") -> str:
    if math.isnan(estimate.mean):
        return "undefined"
    told = f"{round(estimate.mean, 3) + 0.0:{sign}.3f}"  # and no -0.000
    return told if math.isnan(estimate.half_width) else f"{told} ± {estimate.half_width:.3f}"


def share(held: Sequence[bool]) -> str:
    if not held:
        return ""
    interval = binomtest(sum(held), len(held)).proportion_ci(CONFIDENCE, "exact")
    return f"{sum(held)}/{len(held)} [{interval.low:.2f}, {interval.high:.2f}]"


def commands(study: Mapping[str, Any]) -> list[str]:
    """The command of every sweep, a line each."""
    return [f"`{sweep['command']}`  " for sweep in study["sweeps"].values()]
