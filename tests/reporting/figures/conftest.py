import math
from collections.abc import Callable, Mapping, Sequence
from itertools import product

import numpy as np
import pytest

from fairkd.data.blocks import Blocks
from fairkd.evaluation.compression import Cost
from fairkd.evaluation.evaluate import evaluate
from fairkd.evaluation.held import Held
from fairkd.evaluation.predictions import Predictions
from fairkd.evaluation.scores import Scores
from fairkd.evaluation.settings import EvaluationSettings
from fairkd.evaluation.trio import MODELS, chosen_by, measure_trio
from fairkd.evaluation.truth import Truth
from fairkd.privacy.membership import membership
from fairkd.record import Headline, JobRecord
from fairkd.sweeps.outcome import Outcome
from fairkd.sweeps.summary import Row, summarise
from fairkd.tracking.slug import metric_name

GAP = Headline("demographic_parity_difference", "sex")
Rows = Callable[..., list[Row]]
Make = Callable[..., JobRecord]


def outcome(
    number: int,
    varied: Mapping[str, object],
    seed: int,
    student: tuple[float, float],
    control: tuple[float, float] = (0.85, 0.17),
    teacher: tuple[float, float] = (0.86, 0.18),
    headline: Headline = GAP,
) -> Outcome:
    """A job whose validation is a little worse than its test."""
    metrics = {"test/accuracy": student[0], "test/disparity": student[1]}
    for model, (accuracy, gap) in {"control": control, "teacher": teacher}.items():
        metrics[f"test/{model}/accuracy"] = accuracy
        metrics[metric_name("test", model, headline.metric, headline.block)] = gap
    metrics["validation/accuracy"] = student[0] - 0.005
    metrics["validation/disparity"] = student[1] + 0.003
    on_validation = {"accuracy": control[0], "disparity": control[1]}
    return Outcome(
        number=number,
        name=f"adult·{number}",
        configuration=f"{sorted(varied.items(), key=str)}",
        varied=varied,
        seeds={"seed": seed, "teacher.seed": seed, "data.seed": seed},
        metrics=metrics,
        headline=headline,
        control_validation=on_validation,
        teacher_validation=on_validation,
        run_id=f"run{number}",
        reused=False,
    )


@pytest.fixture
def job() -> Callable[..., Outcome]:
    """One outcome from its numbers."""
    return outcome


@pytest.fixture
def grid() -> Rows:
    """Every combination of some values, repeated; weight trades accuracy for disparity."""

    def build(
        repetitions: int = 4,
        undefined: int = 0,
        headline: Headline = GAP,
        **values: Sequence[object],
    ) -> list[Row]:
        names = {"temperature": "distillation.temperature", "weight": "constraint.weight"}
        keys = [names.get(name, name.replace("__", ".")) for name in values]
        rng = np.random.default_rng(0)
        controls = [(0.85 + e, 0.17 + e) for e in rng.normal(0, 0.002, repetitions)]
        jobs = []
        for combination in product(*values.values()):
            varied = dict(zip(keys, combination, strict=True))
            weight = varied.get("constraint.weight") or 0.0
            assert isinstance(weight, int | float)
            for seed in range(repetitions):
                noise = rng.normal(0, 0.003, 2)
                point = (0.85 - 0.02 * weight + noise[0], abs(0.17 / (1 + 9 * weight) + noise[1]))
                if len(jobs) < undefined:
                    point = (point[0], math.nan)
                job = outcome(len(jobs), varied, seed, point, controls[seed], headline=headline)
                jobs.append(job)
        return list(summarise(jobs).rows)

    return build


@pytest.fixture
def make_record() -> Make:
    """A record measured on random predictions.

    Training has five epochs; ``further`` adds a pruned student.
    """

    def build(
        cells: Sequence[str] = ("Female", "Male"),
        classes: Sequence[str] = ("no", "yes"),
        rows: int = 400,
        block: str = "sex",
        empty: int = 0,
        further: bool = False,
        metric: str = "demographic_parity_difference",
    ) -> JobRecord:
        settings = EvaluationSettings(draws=20)
        models = [*MODELS, *(["pruned"] if further else [])]
        splits = {
            split: _predictions(models, cells, classes, rows, block, empty, seed)
            for seed, split in enumerate(("validation", "test"))
        }
        validation, test = splits["validation"], splits["test"]
        price = Cost(10, 10, 40, 20, 0.1, 0.2, ())
        trio = measure_trio(
            validation,
            test,
            dict.fromkeys(models, price),
            settings,
            lambda name: evaluate(test[name], settings),
            lambda name: chosen_by(validation[name], settings),
        )
        headline = Headline(metric, block)
        return JobRecord(
            trio=trio,
            histories={model: _history(headline) for model in models},
            best_epochs=dict.fromkeys(models, 3),
            seconds=dict.fromkeys(models, 1.0),
            headline=headline,
            bounds={
                "penalty": Held(
                    "selection_rate",
                    "largest_difference",
                    block,
                    0.05,
                    {split: dict.fromkeys(models, 0.04) for split in ("validation", "test")},
                )
            },
            scores={model: Scores.of(found) for model, found in test.items()},
            membership={
                model: membership(test[model], validation[model], 0.95) for model in models
            },
        )

    return build


def _predictions(
    models: Sequence[str],
    cells: Sequence[str],
    classes: Sequence[str],
    rows: int,
    block: str,
    empty: int,
    seed: int,
) -> dict[str, Predictions]:
    """The last cells are empty; labels follow the first model's probabilities and the group."""
    rng = np.random.default_rng(seed)
    group = rng.integers(0, len(cells) - empty, rows)
    logits = rng.normal(size=(rows, len(classes))) * 1.5
    logits[:, -1] += np.sin(group)
    chances = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    y = np.array([rng.choice(len(classes), p=row) for row in chances], dtype=np.int64)
    truth = Truth(y, {block: group}, Blocks.of({block: list(cells)}), tuple(classes))
    found = {}
    for model in models:
        changed = np.exp(logits + rng.normal(0, 0.4, logits.shape))
        found[model] = Predictions(changed / changed.sum(1, keepdims=True), truth)
    return found


def _history(headline: Headline) -> list[dict[str, float]]:
    return [
        {
            "epoch": float(epoch),
            "train/loss": 1 / (epoch + 1),
            "val/loss": 1.1 / (epoch + 1),
            "train/labels": 0.5 / (epoch + 1),
            "train/penalty": 0.3 / (epoch + 1),
            "val/accuracy": 0.8 + epoch / 100,
            f"val/{headline.name}": 0.2 - epoch / 50,
        }
        for epoch in range(5)
    ]
