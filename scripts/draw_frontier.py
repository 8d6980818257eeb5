"""Draw accuracy against the constrained gap for a sweep over the constraint's weight.

Reads finished runs from a tracking store; a point is the mean over repetitions, its bars 95%
intervals of that mean (Student's t over repetitions). Teacher and control stand beside it.

    python scripts/draw_frontier.py --uri sqlite:///mlflow.db --out docs/adult_frontier.png
"""

import argparse
from collections import defaultdict
from pathlib import Path

import matplotlib
import numpy as np
from mlflow import MlflowClient
from scipy import stats

matplotlib.use("agg")
import matplotlib.pyplot as plt

# Okabe and Ito's colours, distinct with any colour vision.
COLOURS = {"1.0": "#0072B2", "4.0": "#D55E00"}
GAP = "demographic_parity_difference/sex"


def mean_and_bar(values: list[float]) -> tuple[float, float]:
    """The mean, and half the width of its 95% interval (0 for a single value)."""
    if len(values) < 2:
        return float(np.mean(values)), 0.0
    half = stats.t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / np.sqrt(len(values))
    return float(np.mean(values)), float(half)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--uri", default="sqlite:///mlflow.db")
    parser.add_argument("--experiment", default="fairkd")
    parser.add_argument("--out", type=Path, default=Path("docs/adult_frontier.png"))
    chosen = parser.parse_args()
    client = MlflowClient(chosen.uri)
    experiment = client.get_experiment_by_name(chosen.experiment)
    if experiment is None:
        raise SystemExit(f"There is no experiment '{chosen.experiment}' in {chosen.uri}.")
    runs = client.search_runs(
        [experiment.experiment_id], "attributes.status = 'FINISHED'", max_results=5000
    )
    students: dict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
    others: dict[str, dict[str, tuple[float, float]]] = {"teacher": {}, "control": {}}
    for run in runs:
        metrics, params = run.data.metrics, run.data.params
        if f"test/student/{GAP}" not in metrics or "fairkd.superseded" in run.data.tags:
            continue
        key = (params["distillation.temperature"], params["constraint.weight"])
        students[key].append((metrics[f"test/student/{GAP}"], metrics["test/student/accuracy"]))
        for model, by_repetition in others.items():
            point = (metrics[f"test/{model}/{GAP}"], metrics[f"test/{model}/accuracy"])
            by_repetition[params["replicate"]] = point
    if not students:
        raise SystemExit(f"No finished run in {chosen.uri} has {GAP}; run the sweep first.")
    figure, axes = plt.subplots(figsize=(8, 4.6), layout="constrained")
    temperatures = sorted({t for t, _ in students}, key=float)
    offsets = [(-14, 7), (5, -12)] * len(temperatures)
    for temperature, offset in zip(temperatures, offsets, strict=False):
        weights = sorted((w for t, w in students if t == temperature), key=float)
        points = [
            [mean_and_bar([p[axis] for p in students[temperature, w]]) for axis in (0, 1)]
            for w in weights
        ]
        (x, x_bar), (y, y_bar) = (np.array([p[axis] for p in points]).T for axis in (0, 1))
        colour = COLOURS.get(f"{float(temperature):.1f}", "#009E73")
        label = f"students, T = {float(temperature):g}"
        axes.errorbar(x, y, y_bar, x_bar, "o-", color=colour, capsize=2, label=label)
        for weight, at_x, at_y in zip(weights, x, y, strict=True):
            axes.annotate(
                f"{float(weight):g}", (at_x, at_y), offset, textcoords="offset points",
                color=colour, fontsize=8,
            )  # fmt: skip
    for (model, by_repetition), marker in zip(others.items(), "s^", strict=True):
        (x0, xb), (y0, yb) = (
            mean_and_bar([p[axis] for p in by_repetition.values()]) for axis in (0, 1)
        )
        axes.errorbar(x0, y0, yb, xb, marker, color="black", capsize=2, label=model, alpha=0.8)
    repetitions = len(others["teacher"])
    axes.set(
        xlabel="gap between women's and men's selection rates (test)",
        ylabel="accuracy (test)",
        title=f"Adult: numbers are constraint.weight; means of {repetitions} repetitions, 95% bars",
    )
    axes.axvline(0, color="grey", linewidth=0.8)
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(chosen.out, dpi=130)
    print(f"{chosen.out} shows {sum(map(len, students.values()))} runs")


if __name__ == "__main__":
    main()
