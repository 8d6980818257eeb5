from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import pytest
import torch

from fairkd.baselines.baseline import MEASURED, Given
from fairkd.data.batch import Batch
from fairkd.data.blocks import Blocks
from fairkd.data.dataset import Dataset
from fairkd.evaluation.predictions import Predictions
from fairkd.evaluation.settings import EvaluationSettings
from fairkd.evaluation.truth import Truth

CELLS = {"sex": ["f", "m"], "region": ["n", "s", "w"]}
ROWS = {"train": 600, "validation": 400, "test": 300}

Make = Callable[..., Dataset]


def _split(rows: int, seed: int, missing: bool) -> Batch:
    g = torch.Generator().manual_seed(seed)
    sex = (torch.rand(rows, generator=g) < 0.7).long()
    region = torch.randint(3, (rows,), generator=g)
    x = torch.randn(rows, 4, generator=g)
    x[:, 0] += sex + 0.5 * region
    y = (x[:, 0] + x[:, 1] + torch.randn(rows, generator=g) > 1.2).long()
    group = torch.cat([torch.eye(2)[sex], torch.eye(3)[region]], dim=1)
    if missing:
        group[::7, :2] = 0.0
        group[3::50, :2] = 0.5  # uncertain: counts as missing
    return Batch(x, y, group, torch.arange(rows), torch.ones(rows))


@pytest.fixture
def make() -> Make:
    """Rows of two classes whose groups differ, some of them without a known sex."""

    def build(missing: bool = True, classes: tuple[str, ...] = ("no", "yes")) -> Dataset:
        return Dataset(
            name="made",
            splits={
                name: _split(rows, seed, missing) for seed, (name, rows) in enumerate(ROWS.items())
            },
            blocks=Blocks.of(CELLS),
            classes=classes,
            fingerprint="made",
        )

    return build


@pytest.fixture
def relabelled() -> Callable[[Dataset, str, torch.Tensor], Dataset]:
    """The data with other labels in one split."""

    def build(dataset: Dataset, split: str, y: torch.Tensor) -> Dataset:
        batch = dataset.splits[split]._replace(y=y)
        return replace(dataset, splits={**dataset.splits, split: batch})

    return build


@pytest.fixture
def given() -> Callable[..., Given]:
    """A teacher and a student that know some of what decides the label, and favour men."""

    def build(dataset: Dataset, threshold: float = 0.5) -> Given:
        predictions: dict[str, Mapping[str, Predictions]] = {}
        for split in MEASURED:
            batch = dataset.splits[split]
            truth = Truth.of(batch, dataset.blocks, dataset.classes)
            score = batch.x[:, 0] - batch.group[:, 0]
            scores = {"teacher": score + batch.x[:, 1] - 0.7, "student": score - 0.4}
            predictions[split] = {
                name: Predictions.from_logits(torch.stack([-score, score], 1), truth)
                for name, score in scores.items()
            }
        settings = EvaluationSettings(threshold=threshold, draws=20, latency_repeats=1)
        return Given(dataset, predictions, "student", settings)

    return build


@pytest.fixture
def largest_gap() -> Callable[[np.ndarray, np.ndarray, np.ndarray], float]:
    """The largest difference of groups' means, by the slow way."""

    def gap(rates: np.ndarray, cell: np.ndarray, chosen: np.ndarray) -> float:
        rows = list(zip(rates, cell, chosen, strict=True))
        means = [
            float(np.mean([r for r, c, k in rows if k and c == g]))
            for g in sorted(set(cell[chosen]))
        ]
        return max(means) - min(means)

    return gap
