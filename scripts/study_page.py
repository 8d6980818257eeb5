"""The page docs/fairness.md and its figure, from the numbers that study_fairness.py kept."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from scipy.stats import binomtest, ttest_1samp

from fairkd.sweeps.estimate import Estimate, over_repetitions

matplotlib.use("agg")
import matplotlib.pyplot as plt

Job = Mapping[str, Any]
CONFIDENCE = 0.95
DATA = {"adult": "Adult", "compas": "COMPAS", "law_school": "Law school"}
STATISTICS = {
    "selection_rate": ("selection rate", "demographic_parity_difference"),
    "equalized_odds": ("equalized odds", "equalized_odds_difference"),
}
# Okabe and Ito's colours, distinct with any colour vision.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#000000", "#E69F00", "#56B4E9")
NOBODY = 0.7638
"""Accuracy on Adult's official test rows of a model that selects nobody."""
BUDGETS = np.arange(0.0, 0.1501, 0.005)
INTRODUCTION = """# Fairness, measured

Written by `make fairness` (scripts/study_fairness.py); the numbers are in
[fairness.json](fairness.json). Repetitions vary data split, teacher and student together; ± is half
of a mean's 95% Student t interval over them. A gap is the largest difference between groups on
test, at threshold 0.5. The teacher is a perceptron of 256-256 units, the student one of 64,
distilled at T = 4, alpha = 0.9, 20 epochs (COMPAS: 40). Nothing was tuned to these tables.
"""


def bounds(study: Mapping[str, Any]) -> str:
    """Does a bound hold on new rows, and what does it cost?"""
    lines = [
        "## Bounds",
        "",
        f"{study['replicates']} repetitions. *held*: repetitions whose test gap is within the "
        "threshold, with the 95% Clopper-Pearson interval of that share. *certified*: repetitions "
        "with a [certificate](certification.md) at confidence 0.95, and how many of those "
        "held. A fifth of the rows that are not test rows is kept to certify, for every method, so "
        "that all train on the same rows. The penalty's weight, of 0.25, 0.5, 1 and 2, is the one "
        "of best accuracy on validation among those whose gap is within the threshold there (the "
        "smallest gap where there is none). The threshold optimiser needs the group of each new "
        "row, and offers equalized odds of 0 alone. The penalty has 10 repetitions and exponentiated "
        "gradient 5, the first ones of the same splits: they take the longest. *s* "
        "is wall time for one repetition of a row on two cores, all of its candidates together; "
        "the first sweep of each data set trains teachers and controls as well.",
        "",
    ]
    for data, title in DATA.items():
        found = {
            name.removeprefix(f"{data}_"): sweep
            for name, sweep in study["sweeps"].items()
            if name.startswith(f"{data}_")
        }
        if not found:
            continue
        for by in sorted({_by(job) or "race" for job in found["certified"]["jobs"]}):
            for statistic, (words, metric) in STATISTICS.items():
                lines += [f"### {title}, {words} by {by}", "", *_bound_heading()]
                for threshold in (0.05, 0.02):
                    lines += _bound_rows(found, by, statistic, metric, threshold)
                lines.append("")
    lines += [f"`{sweep['command']}`  " for sweep in study["sweeps"].values()]
    return "\n".join([*lines, ""])


def _bound_heading() -> list[str]:
    names = ["threshold", "method", "held", "certified", "accuracy", "minus control", "gap", "s"]
    return [f"| {' | '.join(names)} |", "| ---: | --- " + "| ---: " * 6 + "|"]


def _bound_rows(
    found: Mapping[str, Any], by: str, statistic: str, metric: str, threshold: float
) -> list[str]:
    def of(sweep: str, **wanted: float) -> list[Job]:
        return [
            job
            for job in found[sweep]["jobs"]
            if job["metric"] == f"{metric}/{by}"
            and all(
                math.isclose(float(value), wanted[key.rpartition(".")[2]])
                for key, value in job["varied"].items()
                if key.rpartition(".")[2] in wanted
            )
        ]

    certified = of("certified", threshold=threshold)
    optimiser = (
        of("thresholds", threshold=threshold)
        if statistic == "selection_rate"
        else of("odds_thresholds")
    )
    penalties = defaultdict(list)
    for job in of("penalty"):
        penalties[job["replicate"]].append(job)
    chosen = [_best_within(jobs, threshold) for jobs in penalties.values()]
    rows = {
        "certified Lagrangian": (certified, found["certified"], 1),
        "penalty, best weight": (chosen, found["penalty"], 4),
        "exponentiated gradient": (of("reductions", threshold=threshold), found["reductions"], 1),
        "threshold optimiser": (
            optimiser,
            found["thresholds" if statistic == "selection_rate" else "odds_thresholds"],
            1,
        ),
    }
    control = [{**job, **_control(job)} for job in certified]
    lines = [_bound_row(threshold, "*control*", control, threshold, "")]
    for name, (jobs, sweep, candidates) in rows.items():
        spent = sweep["seconds"] / max(len(sweep["jobs"]), 1) * candidates
        lines.append(_bound_row(threshold, name, jobs, threshold, f"{spent:.1f}"))
    return lines


def _bound_row(shown: float, name: str, jobs: Sequence[Job], threshold: float, spent: str) -> str:
    held = [job["test/disparity"] <= threshold for job in jobs]
    promised = [job for job in jobs if job.get("certify/certified") == 1]
    if any("certify/certified" in job for job in jobs) and name != "*control*":
        kept = sum(job["test/disparity"] <= threshold for job in promised)
        certified = f"{len(promised)}; {kept} held"
    else:
        certified = ""
    change = [job["test/accuracy"] - job["test/control/accuracy"] for job in jobs]
    cells = [
        f"{shown:g}",
        name,
        _share(held),
        certified,
        _told(_mean(job["test/accuracy"] for job in jobs)),
        "" if name == "*control*" else _told(_mean(change), "+"),
        _told(_mean(job["test/disparity"] for job in jobs)),
        spent,
    ]
    return f"| {' | '.join(cells)} |"


def _control(job: Job) -> dict[str, float]:
    return {f"test/{name}": job[f"test/control/{name}"] for name in ("accuracy", "disparity")}


def _best_within(jobs: Sequence[Job], threshold: float) -> Job:
    """The most accurate job whose gap is within a threshold, on validation; else the fairest."""
    within = [job for job in jobs if job["validation/disparity"] <= threshold]
    if within:
        return max(within, key=lambda job: float(job["validation/accuracy"]))
    return min(jobs, key=lambda job: float(job["validation/disparity"]))


def _by(job: Job) -> str:
    return str(job["metric"]).partition("/")[2]


def frontier(study: Mapping[str, Any]) -> str:
    """Accuracy against the gap, and the area below it."""
    areas = {name: _areas(sweep["jobs"]) for name, sweep in study["sweeps"].items()}
    best_first = sorted(areas, key=lambda name: -float(np.mean(list(areas[name].values()))))
    lines = [
        "## Frontier",
        "",
        f"Adult by sex, gap of selection rates, {study['replicates']} repetitions, 12 settings a "
        "method (reweighing has one, and its gap is above 0.15). *mean accuracy*: for every gap "
        "from 0 to 0.15 in steps of 0.005 take the setting of best accuracy on validation whose "
        "gap is within it there, and its accuracy on test; where there is none, a model that "
        f"selects nobody ({NOBODY}). It is the area below the frontier over the width. *gap kept*: "
        "how often a setting that was chosen keeps that gap on test.",
        "",
        "![Accuracy against the gap of selection rates](frontier.png)",
        "",
        "| method | mean accuracy | minus penalty | gap kept | s a job |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for name in best_first:
        sweep = study["sweeps"][name]
        change = [areas[name][seed] - areas["penalty"][seed] for seed in areas[name]]
        lines.append(
            f"| {name.replace('_', ' ')} | {_told(_mean(areas[name].values()))} "
            f"| {'' if name == 'penalty' else _told(_mean(change), '+')} "
            f"| {_kept(sweep['jobs'])} "
            f"| {sweep['seconds'] / len(sweep['jobs']):.1f} |"
        )
    lines += ["", *(f"`{sweep['command']}`  " for sweep in study["sweeps"].values())]
    return "\n".join([*lines, ""])


def _by_replicate(jobs: Iterable[Job]) -> dict[str, list[Job]]:
    found: dict[str, list[Job]] = defaultdict(list)
    for job in jobs:
        found[job["replicate"]].append(job)
    return found


def _within(jobs: Sequence[Job], budget: float) -> Job | None:
    within = [job for job in jobs if job["validation/disparity"] <= budget]
    return max(within, key=lambda job: float(job["validation/accuracy"])) if within else None


def _areas(jobs: Sequence[Job]) -> dict[str, float]:
    """The mean accuracy over all budgets, by repetition."""
    found = {}
    for replicate, own in _by_replicate(jobs).items():
        chosen = [_within(own, budget) for budget in BUDGETS]
        found[replicate] = float(
            np.mean([NOBODY if job is None else job["test/accuracy"] for job in chosen])
        )
    return found


def _kept(jobs: Sequence[Job]) -> str:
    kept = [
        job["test/disparity"] <= budget
        for own in _by_replicate(jobs).values()
        for budget in BUDGETS
        for job in [_within(own, budget)]
        if job is not None
    ]
    return f"{np.mean(kept):.0%}" if kept else ""


def draw(study: Mapping[str, Any], path: Path) -> None:
    """Each setting's mean over repetitions, one line a method, teacher and control beside them."""
    figure, axes = plt.subplots(figsize=(8, 4.8), layout="constrained")
    for (name, sweep), colour in zip(study["sweeps"].items(), COLOURS, strict=False):
        settings: dict[_Setting, list[Job]] = defaultdict(list)
        for job in sweep["jobs"]:
            settings[tuple(sorted(job["varied"].items()))].append(job)
        ordered = sorted(settings, key=_knob)  # in the order of what is varied
        points = [
            [float(np.mean([job[f"test/{of}"] for job in settings[setting]])) for of in _AXES]
            for setting in ordered
        ]
        x, y = zip(*points, strict=True)
        axes.plot(x, y, "o-", color=colour, label=name.replace("_", " "), markersize=4)
    first = next(iter(study["sweeps"].values()))["jobs"]
    for model, marker in (("control", "s"), ("teacher", "^")):
        x0, y0 = (float(np.mean([job[f"test/{model}/{of}"] for job in first])) for of in _AXES)
        axes.plot([x0], [y0], marker, color="black", label=model, markersize=8)
    axes.set(
        xlabel="gap between women's and men's selection rates (test)",
        ylabel="accuracy (test)",
        title=f"Adult by sex: every setting's mean of {study['replicates']} repetitions",
    )
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right", fontsize=8)
    figure.savefig(path, dpi=130)
    plt.close(figure)


_AXES = ("disparity", "accuracy")
_Setting = tuple[tuple[str, str], ...]


def _knob(setting: _Setting) -> float:
    return float(setting[0][1]) if setting else 0.0


def temperature(study: Mapping[str, Any]) -> str:
    """Does distillation change gaps, and which way?"""
    tests = _temperature_tests(study)
    adjusted = _holm([test[-1] for test in tests])
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
                f"{_told(estimate, '+')}{' *' if next(marks) < 1 - CONFIDENCE else ''}"
                for estimate in (first, against_teacher[5])
            ]
            lines.append(f"| {gap} | {scaling} | {at:g} | {cells[0]} | {cells[1]} |")
        lines.append("")
    lines += [f"`{sweep['command']}`  " for sweep in study["sweeps"].values()]
    return "\n".join([*lines, ""])


def _temperature_tests(
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
                    found.append((data, words, scaling, at, model, _mean(change), p))
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


def _holm(ps: Sequence[float]) -> list[float]:
    """Holm's step-down adjusted p-values (1979)."""
    order = sorted(range(len(ps)), key=lambda place: ps[place])
    adjusted, largest = [1.0] * len(ps), 0.0
    for rank, place in enumerate(order):
        largest = max(largest, min(1.0, (len(ps) - rank) * ps[place]))
        adjusted[place] = largest
    return adjusted


def missing(study: Mapping[str, Any]) -> str:
    """What remains of a bound when few training rows tell their group."""
    lines = [
        "## Missing groups",
        "",
        f"Adult by sex, {study['replicates']} repetitions, a bound of 0.05 on the gap of selection "
        "rates by multipliers, with the group known for a share of the training rows; validation "
        "and test know theirs. *proxy*: the others carry probabilities of a logistic regression "
        "on the features. DRO asks for no group.",
        "",
        "| method | known | accuracy | gap | within 0.05 |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    first = study["sweeps"]["known rows"]["jobs"]
    whole = [job for job in first if _known(job) == 1.0]
    lines.append(_missing_row("*control*", "", [{**job, **_control(job)} for job in whole]))
    for name, sweep in study["sweeps"].items():
        settings = defaultdict(list)
        for job in sweep["jobs"]:
            settings[_known(job), _kind(job)].append(job)
        for (known, kind), jobs in sorted(settings.items(), reverse=True):
            called = f"{name}{f', {kind}' if kind else ''}"
            lines.append(_missing_row(called, "none" if kind else f"{known:.0%}", jobs))
    lines += ["", *(f"`{sweep['command']}`  " for sweep in study["sweeps"].values())]
    return "\n".join([*lines, ""])


def _missing_row(name: str, known: str, jobs: Sequence[Job]) -> str:
    cells = [
        name,
        known,
        _told(_mean(job["test/accuracy"] for job in jobs)),
        _told(_mean(job["test/disparity"] for job in jobs)),
        _share([job["test/disparity"] <= 0.05 for job in jobs]),
    ]
    return f"| {' | '.join(cells)} |"


def _known(job: Job) -> float:
    return float(job["varied"].get("data.imperfect.known_groups") or 1.0)


def _kind(job: Job) -> str:
    """Which of a sweep's mitigations a job has."""
    for key in job["varied"]:
        if key.startswith("mitigation.terms.") and job["varied"][key] not in ("", "null"):
            return str(key.split(".")[2]).replace("_", " ")
    return ""


def _share(held: Sequence[bool]) -> str:
    if not held:
        return ""
    interval = binomtest(sum(held), len(held)).proportion_ci(CONFIDENCE, "exact")
    return f"{sum(held)}/{len(held)} [{interval.low:.2f}, {interval.high:.2f}]"


def _mean(values: Iterable[float]) -> Estimate:
    return over_repetitions(list(values), CONFIDENCE)


def _told(estimate: Estimate, sign: str = "") -> str:
    if math.isnan(estimate.mean):
        return "undefined"
    told = f"{round(estimate.mean, 3) + 0.0:{sign}.3f}"  # and no -0.000
    return told if math.isnan(estimate.half_width) else f"{told} ± {estimate.half_width:.3f}"
