"""Accuracy against the gap, and the area below: the table and the figure."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from study_numbers import Job, best_within, by_replicate, commands, mean, told

matplotlib.use("agg")
import matplotlib.pyplot as plt

# Okabe and Ito's colours, distinct with any colour vision.

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#000000", "#E69F00", "#56B4E9")
NOBODY = 0.7638
"""Accuracy on Adult's official test rows of a model that selects nobody."""
BUDGETS = np.arange(0.0, 0.1501, 0.005)
_AXES = ("disparity", "accuracy")
_Setting = tuple[tuple[str, str], ...]


def frontier(study: Mapping[str, Any]) -> str:
    """Accuracy against the gap, and the area below it."""
    areas = {name: areas_of(sweep["jobs"]) for name, sweep in study["sweeps"].items()}
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
            f"| {name.replace('_', ' ')} | {told(mean(areas[name].values()))} "
            f"| {'' if name == 'penalty' else told(mean(change), '+')} "
            f"| {_kept(sweep['jobs'])} "
            f"| {sweep['seconds'] / len(sweep['jobs']):.1f} |"
        )
    lines += ["", *commands(study)]
    return "\n".join([*lines, ""])


def areas_of(jobs: Sequence[Job]) -> dict[str, float]:
    """The mean accuracy over all budgets, by repetition."""
    found = {}
    for replicate, own in by_replicate(jobs).items():
        chosen = [best_within(own, budget) for budget in BUDGETS]
        found[replicate] = float(
            np.mean([NOBODY if job is None else job["test/accuracy"] for job in chosen])
        )
    return found


def _kept(jobs: Sequence[Job]) -> str:
    kept = [
        job["test/disparity"] <= budget
        for own in by_replicate(jobs).values()
        for budget in BUDGETS
        for job in [best_within(own, budget)]
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


def _knob(setting: _Setting) -> float:
    return float(setting[0][1]) if setting else 0.0
