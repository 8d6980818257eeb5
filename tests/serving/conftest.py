from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from fairkd.data.tabular import TabularPreparation
from fairkd.models.mlp import MLP
from fairkd.serving.description import Column, Description
from fairkd.serving.student import Student

KINDS = {
    "age": "number",
    "year": "integer",
    "never": "number",
    "job": "text",
    "/town": "text",
    "member": "boolean",
    "probabilities": "number",
}


@pytest.fixture(scope="session")
def training() -> pd.DataFrame:
    """Rows with missing numbers and texts, an empty text, and a number that nobody has."""
    random = np.random.default_rng(1)
    n = 60
    job = np.array(["clerk", "nurse", None, ""], dtype=object)[np.arange(n) % 4]
    return pd.DataFrame(
        {
            "age": np.where(np.arange(n) % 7 == 0, np.nan, random.normal(40, 12, n)),
            "year": random.integers(1990, 2010, n),
            "never": np.full(n, np.nan),
            "job": job,
            "/town": np.array(["Ærø", "Bø"], dtype=object)[np.arange(n) % 2],
            "member": np.arange(n) % 3 == 0,
            "probabilities": random.integers(0, 2**40, n).astype(float),
            "sex": np.array(["f", "m"], dtype=object)[np.arange(n) // 2 % 2],
            "hired": np.array(["no", "yes"], dtype=object)[np.arange(n) // 3 % 2],
        }
    )


@pytest.fixture(scope="session")
def student_of(training: pd.DataFrame) -> Callable[..., Student]:
    """A student of those rows, untrained: its classes, threshold and network can be given."""

    def build(
        classes: tuple[str, ...] = ("no", "yes"),
        threshold: float | None = 0.5,
        model: Callable[[int, int], nn.Module] | None = None,
        frame: pd.DataFrame | None = None,
    ) -> Student:
        preparation = TabularPreparation.fit(
            training if frame is None else frame,
            label="hired",
            classes=classes,
            features=tuple(KINDS),
            groups=["sex"],
        )
        width = len(preparation.feature_names)
        torch.manual_seed(0)
        network = (model or (lambda d, c: MLP(d, c, hidden=(8,))))(width, len(classes))
        columns = tuple(Column(name, KINDS[name]) for name in preparation.columns)
        section = {"_target_": "fairkd.models.mlp.MLP", "hidden": [8]}
        described = Description(section, (width,), classes, threshold, columns)
        return Student(described, network.eval(), preparation)

    return build
