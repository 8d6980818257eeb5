from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import accuracy_score, log_loss

from fairkd.data.augmentation import Noise
from fairkd.data.dataset import Dataset
from fairkd.models.classifier import Classifier
from fairkd.models.ensemble import Ensemble
from fairkd.models.mlp import MLP
from fairkd.training.distil import Recipe, Trained, train_on_labels
from fairkd.training.fit import TrainerSettings
from fairkd.training.objective import Objective
from fairkd.training.stack.likeness import obstacle
from fairkd.training.stack.member import Member
from fairkd.training.stack.together import train_alone, train_together


def _model(dataset: Dataset) -> Classifier:
    estimator = HistGradientBoostingClassifier(max_iter=20, random_state=0)
    return Classifier(estimator, dataset.n_features, len(dataset.classes))


def _settings() -> TrainerSettings:
    return TrainerSettings(optimizer=torch.optim.Adam, accelerator="cpu", progress="off")


@pytest.mark.parametrize("classes", [2, 3])
def test_one_epoch_is_judged_as_scikit_learn_judges(
    dataset_of: Callable[..., Dataset], classes: int
) -> None:
    dataset = dataset_of(0, classes)
    trained = train_on_labels(Recipe(lambda: _model(dataset), _settings(), seed=0), dataset)
    (row,) = trained.fitted.history
    assert trained.fitted.best_epoch == 0
    train, validation = dataset.splits["train"], dataset.splits["validation"]
    alone = HistGradientBoostingClassifier(max_iter=20, random_state=0)
    alone.fit(train.x.numpy(), train.y.numpy())
    probabilities = alone.predict_proba(validation.x.numpy())
    assert row["val/loss"] == pytest.approx(log_loss(validation.y, probabilities), rel=1e-4)
    expected = accuracy_score(validation.y, alone.predict(validation.x.numpy()))
    assert row["val/accuracy"] == pytest.approx(expected)
    of_train = log_loss(train.y, alone.predict_proba(train.x.numpy()))
    assert row["train/loss"] == pytest.approx(of_train, rel=1e-3)


def test_an_ensembles_members_end_as_they_end_alone(dataset_of: Callable[..., Dataset]) -> None:
    dataset = dataset_of(0, 3)
    makers = {name: partial(MLP, hidden=[8]) for name in "ab"}
    settings = replace(_settings(), max_epochs=3, batch_size=64)
    recipe = Recipe(lambda: Ensemble(dataset.shape, 3, makers), settings, seed=5)
    trained = train_on_labels(recipe, dataset)
    assert isinstance(trained.model, Ensemble)
    untrained = recipe.initial()
    assert isinstance(untrained, Ensemble)
    for name, seed in zip("ab", np.random.SeedSequence(5).generate_state(2), strict=True):
        alone = train_alone(
            Member(untrained.members[name], Objective(), settings, int(seed), dataset)
        )
        assert isinstance(alone, Trained)
        for path, value in alone.model.state_dict().items():
            assert torch.equal(trained.model.members[name].state_dict()[path], value), path
    a, b = (trained.model.members[name].state_dict()["head.weight"] for name in "ab")
    assert not torch.equal(a, b)
    again = train_on_labels(recipe, dataset)
    assert again.fitted.history == trained.fitted.history


def test_an_ensembles_members_train_on_rows_augmented_each_by_its_own_seed(
    dataset_of: Callable[..., Dataset],
) -> None:
    dataset = dataset_of(0, 2)
    makers = {name: partial(MLP, hidden=[8]) for name in "ab"}
    seen: list[torch.Tensor] = []

    def noise(x: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        seen.append(Noise(0.5)(x, generator) - x)
        return x + seen[-1]

    rows = dataset.splits["train"].size
    settings = replace(_settings(), max_epochs=1, batch_size=rows, augmentation={"noise": noise})
    train_on_labels(Recipe(lambda: Ensemble(dataset.shape, 2, makers), settings, 5), dataset)
    first, second = seen
    assert not torch.equal(first, second)


def test_a_classifier_trains_alone_beside_a_stack(dataset_of: Callable[..., Dataset]) -> None:
    dataset = dataset_of(0, 2)
    member = Member(_model(dataset), Objective(), _settings(), 0, dataset)
    assert obstacle(member) == "it is fitted at once"
    (outcome,) = train_together([member])
    assert isinstance(outcome, Trained)
    assert outcome.together == 1
