from collections.abc import Callable

import pytest
import torch
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import accuracy_score, log_loss

from fairkd.data.dataset import Dataset
from fairkd.models.classifier import Classifier
from fairkd.training.distil import Recipe, Trained, train_on_labels
from fairkd.training.fit import TrainerSettings
from fairkd.training.objective import Objective
from fairkd.training.stack.likeness import obstacle
from fairkd.training.stack.member import Member
from fairkd.training.stack.together import train_together


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


def test_it_trains_alone_beside_a_stack(dataset_of: Callable[..., Dataset]) -> None:
    dataset = dataset_of(0, 2)
    member = Member(_model(dataset), Objective(), _settings(), 0, dataset)
    assert obstacle(member) == "it is fitted at once"
    (outcome,) = train_together([member])
    assert isinstance(outcome, Trained)
    assert outcome.together == 1
