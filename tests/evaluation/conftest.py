from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from fairkd.data.blocks import Blocks
from fairkd.evaluation.predictions import Predictions
from fairkd.evaluation.truth import Truth

Make = Callable[..., Predictions]


@pytest.fixture
def make() -> Make:
    """Random predictions whose labels follow the probabilities, with some cells missing."""

    def build(
        n: int = 400, classes: int = 2, cells: int = 3, seed: int = 0, missing: bool = True
    ) -> Predictions:
        rng = np.random.default_rng(seed)
        weights = np.exp(rng.normal(size=(n, classes)))
        probabilities = weights / weights.sum(1, keepdims=True)
        y = np.array([rng.choice(classes, p=row) for row in probabilities], dtype=np.int64)
        truth = Truth(
            y=y,
            memberships={"sex": rng.integers(-1 if missing else 0, cells, n)},
            blocks=Blocks.of({"sex": [f"cell {g}" for g in range(cells)]}),
            classes=tuple(f"class {k}" for k in range(classes)),
        )
        return Predictions(probabilities, truth)

    return build


Change = Callable[..., Predictions]


@pytest.fixture
def with_truth() -> Change:
    """The same predictions beside other labels, groups or names."""

    def change(predictions: Predictions, **other: object) -> Predictions:
        return replace(predictions, truth=replace(predictions.truth, **other))

    return change
