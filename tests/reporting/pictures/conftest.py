from collections.abc import Callable, Sequence

import numpy as np
import pytest

from fairkd.data.blocks import Blocks
from fairkd.evaluation.compression import Cost
from fairkd.evaluation.evaluate import evaluate
from fairkd.evaluation.flipped import Flipped
from fairkd.evaluation.held import Held
from fairkd.evaluation.predictions import Predictions
from fairkd.evaluation.scores import Scores
from fairkd.evaluation.settings import EvaluationSettings
from fairkd.evaluation.trio import MODELS, measure_trio
from fairkd.evaluation.truth import Truth
from fairkd.record import Headline, JobRecord

MakeRecord = Callable[..., JobRecord]


@pytest.fixture(scope="session")
def record_of() -> MakeRecord:
    """A record of models that learned nothing, with whatever groups and classes are asked for."""

    built: dict[str, JobRecord] = {}

    def build(
        cells: Sequence[str] = ("f", "m"),
        classes: Sequence[str] = ("no", "yes"),
        n: int = 4000,
        epochs: int = 12,
        block: str = "sex",
        multipliers: Sequence[str] = ("multiplier",),
    ) -> JobRecord:
        given = repr((cells, classes, n, epochs, block, multipliers))
        if given not in built:
            built[given] = make(cells, classes, n, epochs, block, multipliers)
        return built[given]

    def make(
        cells: Sequence[str],
        classes: Sequence[str],
        n: int,
        epochs: int,
        block: str,
        multipliers: Sequence[str],
    ) -> JobRecord:
        rng = np.random.default_rng(0)
        group = rng.integers(0, len(cells), n)
        y = (rng.random(n) * len(classes) * (0.7 + 0.3 * (group % 2))).astype(np.int64)
        truth = Truth(y, {block: group}, Blocks.of({block: cells}), tuple(classes))
        shared = rng.normal(size=(n, len(classes)))

        def model(strength: float) -> Predictions:
            logits = strength * np.eye(len(classes))[y] + shared
            logits += 0.4 * rng.normal(size=logits.shape)
            weights = np.exp(logits)
            return Predictions(weights / weights.sum(1, keepdims=True), truth)

        test = dict(zip(MODELS, map(model, (2.2, 1.6, 1.3)), strict=True))
        settings = EvaluationSettings(draws=10)
        cost = Cost(1, 1, 4, 1, 0.1, 0.2, ())
        trio = measure_trio(
            test,
            test,
            dict.fromkeys(test, cost),
            settings,
            lambda name: evaluate(test[name], settings),
            lambda name: {"accuracy": 0.5},
        )
        headline = Headline("demographic_parity_difference", block)
        held = Held("selection_rate", "largest_difference", block, 0.05, {"test": {}})

        def row(epoch: int) -> dict[str, float]:
            loss = 0.4 + 0.3 * 0.8**epoch
            return {
                "epoch": float(epoch),
                "val/loss": loss + 0.02,
                "train/loss": loss,
                f"val/{headline.name}": 0.05 + 0.1 * 0.7**epoch,
            }

        history = [row(epoch) for epoch in range(epochs)]
        dual = {f"val/bound/{name}": 0.1 + place for place, name in enumerate(multipliers)}
        return JobRecord(
            trio=trio,
            histories={
                "teacher": history,
                "control": history,
                "student": [
                    row | {k: v * row["epoch"] for k, v in dual.items()} for row in history
                ],
            },
            best_epochs=dict.fromkeys(MODELS, epochs - 1),
            seconds=dict.fromkeys(MODELS, 1.0),
            headline=headline,
            bounds={"bound": held},
            scores={name: Scores.of(said) for name, said in test.items()},
            flipped=Flipped.of(test, "student", 0.5),
        )

    return build
