import numpy as np
import pytest
import skops.io
import torch
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import LinearSVC

from fairkd.errors import ConfigError
from fairkd.models.classifier import Classifier

ESTIMATORS = {
    "boosting": lambda: HistGradientBoostingClassifier(max_iter=10, random_state=0),
    "forest": lambda: RandomForestClassifier(10, random_state=0),
    "logistic": LogisticRegression,
    "neighbours": KNeighborsClassifier,
}


def _rows(classes: int = 3, n: int = 120):
    g = torch.Generator().manual_seed(0)
    x = torch.randn(n, 5, generator=g)
    return x, x[:, :classes].argmax(1), torch.ones(n)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_logits_are_the_classifiers_log_probabilities(name):
    x, y, weight = _rows()
    model = Classifier(ESTIMATORS[name](), 5, 3)
    model.fit_rows(x, y, weight)
    alone = ESTIMATORS[name]().fit(x.numpy(), y.numpy())
    expected = alone.predict_proba(x.numpy()).clip(1e-6)
    np.testing.assert_allclose(model(x).softmax(-1), expected / expected.sum(1, keepdims=True),
                               rtol=1e-4, atol=1e-6)  # fmt: skip
    assert model(x).dtype == x.dtype
    assert not model(x.requires_grad_()).requires_grad


@pytest.mark.parametrize("name", ESTIMATORS)
def test_it_is_kept_and_found_again_as_tensors(name, tmp_path):
    from safetensors.torch import load_file, save_file

    x, y, weight = _rows()
    model = Classifier(ESTIMATORS[name](), 5, 3)
    model.fit_rows(x, y, weight)
    save_file(model.state_dict(), tmp_path / "kept")
    again = Classifier(ESTIMATORS[name](), 5, 3)
    again.load_state_dict(load_file(tmp_path / "kept"))
    assert torch.equal(again(x), model(x))


def test_before_it_is_fitted_all_classes_are_alike():
    x, _, _ = _rows()
    model = Classifier(LogisticRegression(), 5, 3)
    assert torch.equal(model(x), torch.zeros(len(x), 3))
    blank = Classifier(LogisticRegression(), 5, 3)
    blank.load_state_dict(model.state_dict())
    assert torch.equal(blank(x), model(x))


def test_a_class_without_training_rows_keeps_its_column():
    x, y, weight = _rows()
    model = Classifier(LogisticRegression(), 5, 4)
    model.fit_rows(x, y.where(y != 1, 3), weight)
    found = model(x).softmax(-1)
    assert found.shape == (len(x), 4)
    assert float(found[:, 1].max()) < 1e-5


def test_row_weights_count_and_a_classifier_without_them_says_so():
    x, y, weight = _rows(2)
    weight = torch.where(y == 1, 20.0, 1.0)
    heavy = Classifier(LogisticRegression(), 5, 2)
    heavy.fit_rows(x, y, weight)
    expected = LogisticRegression().fit(x.numpy(), y.numpy(), sample_weight=weight.numpy())
    np.testing.assert_allclose(
        heavy(x).softmax(-1), expected.predict_proba(x.numpy()), rtol=1e-3, atol=1e-6
    )
    with pytest.raises(
        ConfigError, match=r"KNeighborsClassifier cannot be fitted: .*sample_weight"
    ):
        Classifier(KNeighborsClassifier(), 5, 2).fit_rows(x, y, weight)


def test_fitting_leaves_the_given_estimator_alone_and_starts_anew():
    x, y, weight = _rows()
    estimator = LogisticRegression()
    model = Classifier(estimator, 5, 3)
    model.fit_rows(x, 2 - y, weight)
    model.fit_rows(x, y, weight)
    assert not hasattr(estimator, "classes_")
    assert float((model(x).argmax(1) == y).float().mean()) > 0.9


def test_what_gives_no_probabilities_is_refused():
    with pytest.raises(ConfigError) as refused:
        Classifier(LinearSVC(), 5, 2)
    assert str(refused.value) == (
        "LinearSVC cannot teach: it has no predict_proba; accepted: a scikit-learn classifier that "
        "gives probabilities (as with probability=True)."
    )


class Foreign:
    """Of a type that is not scikit-learn's."""


def test_a_kept_classifier_of_foreign_types_is_not_opened():
    content = np.frombuffer(skops.io.dumps(Foreign()), dtype=np.uint8)
    model = Classifier(LogisticRegression(), 5, 2)
    with pytest.raises(ConfigError, match=r"types that are not scikit-learn's own \(.*Foreign\)"):
        model.load_state_dict({"fitted": torch.from_numpy(content.copy())})


class Mine(LogisticRegression):
    """A classifier of somebody else's."""


def test_a_classifier_that_could_not_be_read_again_is_refused_at_once():
    x, y, weight = _rows()
    with pytest.raises(ConfigError, match=r"not scikit-learn's own \(.*Mine\)"):
        Classifier(Mine(), 5, 3).fit_rows(x, y, weight)
