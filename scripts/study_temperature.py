"""Does distillation change gaps, and which way: the tables."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from scipy.stats import ttest_1samp
from study_numbers import CONFIDENCE, DATA, Job, commands, mean, told

from fairkd.sweeps.differences import holm
from fairkd.sweeps.estimate import Estimate


def temperature(study: Mapping[str, Any]) -> str:
    """Does distillation change gaps, and which way?"""
    tests = tests_of(study)
    adjusted = holm([test[-1] for test in tests])
    clear = sum(p < 1 - CONFIDENCE for p in adjusted)
    lines = [
        "## Does distillation help or hurt?",
        "",
        f"No constraint; {study['replicates']} repetitions. The student's gap minus that of the "
        "control and of the teacher, paired by repetition; below 0 the student is the fairer one. "
        f"`*`: not 0 at the 5% level after Holm's correction for all {len(tests)} tests of this "
        f"section ({clear} of them). The softened term is scaled by T squared, or not (*none*), "
        "in which case its weight falls with T.",
        "",
    ]
    marks = iter(adjusted)
    for data, title in DATA.items():
        if data not in study["sweeps"]:
            continue
        lines += [
            f"### {title}",
            "",
            "| gap of | scaling | T | minus control | minus teacher |",
            "| --- | --- | ---: | ---: | ---: |",
        ]
        own = [test for test in tests if test[0] == data]
        for against_control, against_teacher in zip(own[::2], own[1::2], strict=True):
            _, gap, scaling, at, _, first, _ = against_control
            cells = [
                f"{told(estimate, '+')}{' *' if next(marks) < 1 - CONFIDENCE else ''}"
                for estimate in (first, against_teacher[5])
            ]
            lines.append(f"| {gap} | {scaling} | {at:g} | {cells[0]} | {cells[1]} |")
        lines.append("")
    lines += commands(study)
    return "\n".join([*lines, ""])


def tests_of(
    study: Mapping[str, Any],
) -> list[tuple[str, str, str, float, str, Estimate, float]]:
    """Every comparison: data, gap, scaling, temperature, against whom, its estimate, its p."""
    found = []
    for data in DATA:
        jobs = study["sweeps"].get(data, {"jobs": []})["jobs"]
        settings = defaultdict(list)
        for job in jobs:
            varied = job["varied"]
            at = float(varied["distillation.temperature"])
            settings[varied["distillation.temperature_scaling"], at].append(job)
        for words, gap_of in _gaps(jobs).items():
            for (scaling, at), repeated in sorted(settings.items(), reverse=False):
                for model in ("control", "teacher"):
                    change = [gap_of(job, "student") - gap_of(job, model) for job in repeated]
                    p = float(ttest_1samp(change, 0).pvalue)
                    found.append((data, words, scaling, at, model, mean(change), p))
    return found


def _gaps(jobs: Sequence[Job]) -> dict[str, Callable[[Job, str], float]]:
    if not jobs:
        return {}
    odds = next(key for key in jobs[0] if str(key).startswith("student/equalized_odds")).partition(
        "/"
    )[2]

    def parity(job: Job, model: str) -> float:
        return float(job["test/disparity" if model == "student" else f"test/{model}/disparity"])

    return {"selection rate": parity, "odds": lambda job, model: float(job[f"{model}/{odds}"])}
