"""The page docs/methods.md, from the numbers that compare_methods.py kept."""

import math
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from fairkd.sweeps.estimate import Estimate, over_repetitions

CONFIDENCE = 0.95
REPETITIONS = 5
TITLES = {
    "iris": "Iris",
    "adult": "Adult, by sex",
    "tinted_mnist": "Tinted MNIST, 99 in 100 training rows in their class's own colour",
}
ABOUT = {
    "iris": (
        "150 flowers, three classes; the groups are planted from the sepal's width, so that gaps "
        "mean nothing. A test set of 38 rows: only large differences show."
    ),
    "adult": (
        "A 256-256 perceptron teaches one of 64 units. The gap is that of selection rates; no "
        "constraint is set."
    ),
    "tinted_mnist": (
        "5,000 digits; a convolutional network of 16, 32 and 64 channels teaches one of 8, 16 and "
        "32. The groups are rows whose colour agrees with their class, and rows whose colour "
        "misleads: the worst group's accuracy shows whether the shape was learned. On test every "
        "colour is as likely. The gap is that of accuracies."
    ),
}
TEACHERS = (
    "biased teachers",
    "balanced teachers",
    "teachers balanced on validation",
    "gradient-aware",
)
PUBLISHED = (
    "On coloured MNIST (60,000 digits) at 99% AGRE-KD's authors report, for the worst group, 21.6% "
    "for a student on labels alone, 46.2% beside the mean of biased teachers, 58.7% beside the "
    "mean of teachers whose last layer was retrained on balanced groups, and 67.5% with "
    "gradient-aware weights over those. Here: three convolutional teachers, soft targets alone "
    "(alpha 1, T = 4), and tinted MNIST as above, of whose 2,800 training rows some 28 have a "
    "colour that misleads."
)
INTRODUCTION = """# Methods compared

Written by `make methods` (scripts/compare_methods.py); the numbers are in
[methods.json](methods.json). Every file of `conf/distillation` as it is configured there, not tuned
to any of these sets; published weights are mostly for networks on images. Numbers are means over
{repetitions} repetitions that vary data split, teacher and student together, ± half of the mean's
95% Student t interval. "Minus control" is paired by repetition: the worst group's accuracy, the
student's minus that of the same network trained on labels alone, from the same start. Seconds are
those of an epoch of one job trained alone, on one core; the teacher's outputs are computed
once and no part of them.
"""


def page(kept: Mapping[str, Any], parts: Mapping[str, Any], sets: Sequence[str]) -> str:
    """The whole page.

    Args:
        kept: by part, what `compare_methods` found.
        parts: the sweeps by name.
        sets: the parts that are data sets.
    """
    done = [name for name in sets if name in kept]
    repetitions = max((_repetitions(kept[name]) for name in done), default=0)
    sections = [INTRODUCTION.format(repetitions=repetitions)]
    sections += [_set(name, kept[name], kept.get("time", {}).get(name, {}), parts) for name in done]
    if any(name in kept for name in TEACHERS):
        sections.append(_teachers(kept, parts))
    return "\n".join(sections)


def _set(name: str, found: Mapping[str, Any], seconds: Mapping[str, float], parts: Any) -> str:
    lines = [f"## {TITLES[name]}", "", ABOUT[name], "", f"`{_command(parts[name])}`", ""]
    lines += _heading("method", "fidelity", "s/epoch")
    for model in ("teacher", "control"):
        lines.append(_row(f"*{model}*", found[model], None, "", ""))
    of_control = found["control"]
    best_first = sorted(
        found["methods"].items(), key=lambda item: _undefined_last(_mean(item[1], "worst group"))
    )
    for method, numbers in best_first:
        spent = f"{seconds[method]:.3f}" if method in seconds else ""
        fidelity = _told(_mean(numbers, "fidelity"))
        lines.append(_row(f"`{method}`", numbers, of_control, fidelity, spent))
    lines += ["", *_refused(found["refused"])]
    return "\n".join(lines)


def _teachers(kept: Mapping[str, Any], parts: Mapping[str, Any]) -> str:
    """Published orderings of teachers' bias, looked for."""
    lines = [
        "## Biased and balanced teachers",
        "",
        PUBLISHED,
        "",
        *_heading("student of", "fidelity", "teacher's worst group"),
    ]
    done = [name for name in TEACHERS if name in kept]
    for name in done:
        numbers = kept[name]["methods"]
        ((_, numbers),) = numbers.items()
        worst = _told(_mean(kept[name]["teacher"], "worst group"))
        fidelity = _told(_mean(numbers, "fidelity"))
        lines.append(_row(name, numbers, kept[name]["control"], fidelity, worst))
    lines.append(_row("*labels (control)*", kept[done[0]]["control"], None, "", ""))
    lines += ["", "Pairs, by repetition, in the worst group's accuracy:", ""]
    for better, other in zip(done[1:], done, strict=False):
        ours, theirs = (next(iter(kept[n]["methods"].values())) for n in (better, other))
        lines.append(
            f"- {better} minus {other}: {_told(_paired(ours, theirs, 'worst group'), '+')}"
        )
    lines += ["", *(f"`{_command(parts[name])}`  " for name in done), ""]
    return "\n".join(lines)


def _undefined_last(estimate: Estimate) -> float:
    return math.inf if math.isnan(estimate.mean) else -estimate.mean


def _heading(first: str, *last: str) -> list[str]:
    names = [first, "accuracy", "worst group", "minus control", "gap", *last]
    return [f"| {' | '.join(names)} |", "| --- " + "| ---: " * (len(names) - 1) + "|"]


def _row(name: str, numbers: Any, control: Any, *last: str) -> str:
    cells = [name, _told(_mean(numbers, "accuracy")), _told(_mean(numbers, "worst group"))]
    cells.append("" if control is None else _told(_paired(numbers, control, "worst group"), "+"))
    cells += [_told(_mean(numbers, "gap")), *last]
    return f"| {' | '.join(cells)} |"


def _refused(sentences: Mapping[str, str]) -> list[str]:
    if not sentences:
        return []
    return [
        "Refused:",
        "",
        *(f"- `{name}`: {text}" for name, text in sorted(sentences.items())),
        "",
    ]


def _command(part: Any) -> str:
    words = [*part.words, f"replicate=range({REPETITIONS})", "sweep.allow_refused=true"]
    return shlex.join(["fairkd", "-m", *words])


def _repetitions(found: Mapping[str, Any]) -> int:
    return max(len(numbers) for numbers in found["methods"].values())


def _mean(numbers: Mapping[str, Mapping[str, float]], metric: str) -> Estimate:
    return over_repetitions([each[metric] for each in numbers.values()], CONFIDENCE)


def _paired(ours: Any, theirs: Any, metric: str) -> Estimate:
    shared = sorted(set(ours) & set(theirs))
    return over_repetitions([ours[n][metric] - theirs[n][metric] for n in shared], CONFIDENCE)


def _told(estimate: Estimate, sign: str = "") -> str:
    if math.isnan(estimate.mean):
        return "undefined"
    told = f"{round(estimate.mean, 3) + 0.0:{sign}.3f}"  # and no -0.000
    return told if math.isnan(estimate.half_width) else f"{told} ± {estimate.half_width:.3f}"
