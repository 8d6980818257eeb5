"""The distiller trains what a job of the same settings trains, bit for bit."""

from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
import torch
from hydra import compose, initialize_config_dir
from sklearn.base import clone
from torch import nn

from fairkd import (
    AccuracyParity,
    DemographicParity,
    EqualizedOdds,
    EqualOpportunity,
    FairDistiller,
    PredictiveEquality,
)
from fairkd.commands.build import build_job
from fairkd.commands.configuration import config_folder
from fairkd.commands.workshop import Workshop
from fairkd.data.arrests import CLASSES, LABEL, _shipped_file
from fairkd.data.splits import split_rows
from fairkd.models.mlp import MLP
from fairkd.training.distil import train_on_labels, train_student
from fairkd.training.inference import outputs_on
from fairkd.training.randomness import threads

Make = Callable[..., FairDistiller]
EPOCHS = 1


class Trio(NamedTuple):
    teacher: nn.Module
    control: nn.Module
    student: nn.Module


def trained_by_a_job(words: tuple[str, ...], output: Path) -> Trio:
    """What the command line would train on the arrests, without store and tracking."""
    short = (f"trainer.max_epochs={EPOCHS}", f"teacher.trainer.max_epochs={EPOCHS}")
    quiet = ("data=arrests", "trainer.accelerator=cpu", "trainer.progress=off")
    with initialize_config_dir(str(config_folder()), version_base="1.3"):
        job = build_job(compose("train", [*quiet, *short, *words]), output, Workshop())
    with threads(1):
        teacher = train_on_labels(job.teacher, job.dataset).model
        splits = job.dataset.splits
        outputs = {name: outputs_on(teacher, splits[name]) for name in ("train", "validation")}
        student = train_student(job.student, job.distillation, teacher, outputs, job.dataset)
        return Trio(teacher, train_on_labels(job.student, job.dataset).model, student.model)


@cache
def arrests() -> tuple[pd.DataFrame, "pd.Series[Any]"]:
    """The rows that a job trains and validates on, in their order: the arrests without test."""
    frame = pd.read_csv(_shipped_file())
    labels = (frame[LABEL] == CLASSES[1]).to_numpy().astype(np.int64)
    rows = split_rows(labels, CLASSES, seed=0, validation_fraction=0.25, test_fraction=0.25)
    kept = frame.iloc[np.sort(np.concatenate([rows["train"], rows["validation"]]))]
    return kept.drop(columns=LABEL), kept[LABEL]


@pytest.mark.parametrize(
    ("words", "parameters"),
    [
        pytest.param((), {"constraint": DemographicParity(0.0, method="penalty")}, id="defaults"),
        pytest.param(
            ("constraint=lagrangian", "constraint.by=sex", "distillation.temperature=2"),
            {"constraint": DemographicParity(by="sex"), "temperature": 2},
            id="lagrangian",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            ("constraint=nupi", "constraint.statistic=equalized_odds", "student=linear"),
            {"constraint": EqualizedOdds(method="nupi"), "student": "linear"},
            id="nupi",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            (
                "constraint=augmented_lagrangian",
                "constraint.statistic=true_positive_rate",
                "constraint.disparity=average_absolute_difference",
                "teacher=linear",
                "distillation.alpha=0.5",
            ),
            {
                "constraint": EqualOpportunity(
                    method="augmented_lagrangian", disparity="average_absolute_difference"
                ),
                "teacher": "linear",
                "alpha": 0.5,
            },
            id="augmented_lagrangian",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            (
                "constraint=[predictive_equality,accuracy_parity]",
                "constraint.weight=0.2",
                "constraint.threshold=0.1",
                "teacher=gradient_boosting",
            ),
            {
                "constraint": [
                    PredictiveEquality(0.1, method="penalty", weight=0.2),
                    AccuracyParity(0.1, method="penalty", weight=0.2),
                ],
                "teacher": "gradient_boosting",
            },
            id="two_penalties",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_a_job_and_the_distiller_train_the_same_models(
    words: tuple[str, ...], parameters: dict[str, Any], tmp_path: Path
) -> None:
    x, y = arrests()
    distiller = FairDistiller(validation_fraction=0.25, max_epochs=EPOCHS, **parameters)
    distiller.fit(x, y, sensitive_features=x[["colour", "sex"]])
    expected = trained_by_a_job(words, tmp_path)
    ours = Trio(distiller.teacher_, distiller.control_, distiller.student_)
    rows = torch.randn(50, next(ours.student.parameters()).shape[1])
    assert torch.equal(ours.teacher(rows), expected.teacher(rows))
    for name, model, theirs in zip(Trio._fields[1:], ours[1:], expected[1:], strict=True):
        assert model.state_dict().keys() == theirs.state_dict().keys()
        for key, value in theirs.state_dict().items():
            assert torch.equal(model.state_dict()[key], value), f"{name}: {key}"


SETTINGS = [
    {},
    {"temperature": 1, "alpha": 0.3, "constraint__threshold": 0.2},
    {"learning_rate": 0.01, "random_state": 3},
    {"student": partial(MLP, hidden=(5,))},
]


def test_many_settings_at_once_end_as_each_alone(
    quick: Make, people: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fairkd.training.stack import together

    sizes = []
    train_stack = together.train_stack

    def noted(members: Any, *rest: Any) -> Any:
        sizes.append(len(members))
        return train_stack(members, *rest)

    monkeypatch.setattr(together, "train_stack", noted)
    base = quick(student="mlp", constraint=DemographicParity())
    many = base.fit_many(people.x, people.y, sensitive_features=people.groups, settings=SETTINGS)
    assert sizes == [2, 2, 3]  # teachers, controls, students
    for setting, ours in zip(SETTINGS, many, strict=True):
        alone = clone(base).set_params(**setting)
        alone.fit(people.x, people.y, sensitive_features=people.groups)
        for role in ("teacher_", "control_", "student_"):
            state = getattr(ours, role).state_dict()
            for name, value in getattr(alone, role).state_dict().items():
                assert torch.equal(state[name], value), (setting, role, name)
        pd.testing.assert_frame_equal(ours.history_, alone.history_)
        assert ours.get_params()["temperature"] == setting.get("temperature", 4.0)
