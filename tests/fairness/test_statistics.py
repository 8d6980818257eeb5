import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from fairlearn import metrics as fairlearn
from sklearn.metrics import (
    accuracy_score,
    confusion_matrix,
    f1_score,
    fbeta_score,
    log_loss,
    precision_score,
)
from torch import Tensor

from fairkd.errors import ConfigError
from fairkd.fairness.names import STATISTICS
from fairkd.fairness.statistics import f_score, find_statistic

FAIRLEARN = {
    "selection_rate": (fairlearn.selection_rate,),
    "true_positive_rate": (fairlearn.true_positive_rate,),
    "false_positive_rate": (fairlearn.false_positive_rate,),
    "equalized_odds": (fairlearn.true_positive_rate, fairlearn.false_positive_rate),
    "accuracy": (accuracy_score,),
    "positive_predictive_value": (precision_score,),
    "false_omission_rate": (lambda y, p: 1 - precision_score(1 - y, 1 - p),),
    "treatment_equality": (lambda y, p: ((y == 1) & (p == 0)).sum() / ((y == 0) & (p == 1)).sum(),),
    "f1": (f1_score,),
}


def _soft(n: int, classes: int, groups: int, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Random probabilities, soft labels and fractional memberships; a tenth of rows without any."""
    g = torch.Generator().manual_seed(seed)
    p, y, m = (
        torch.rand(n, width, generator=g, dtype=torch.float64)
        for width in (classes, classes, groups)
    )
    m[::10] = 0.0
    return (
        p / p.sum(1, keepdim=True),
        y / y.sum(1, keepdim=True),
        m / m.sum(1, keepdim=True).clamp(min=1),
    )


def _hard(n: int, classes: int, groups: int, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    g = torch.Generator().manual_seed(seed)
    predicted, y = (torch.randint(classes, (n,), generator=g) for _ in range(2))
    return predicted, y, torch.randint(groups, (n,), generator=g)


def _one_hot(indices: Tensor, width: int) -> Tensor:
    return F.one_hot(indices, width).double()


def _by_loop(name: str, p: Tensor, y: Tensor, m: Tensor) -> list[list[list[float | None]]]:
    """Condition by condition, class by class, group by group, row by row; None is undefined."""
    rows, groups = range(len(p)), range(m.shape[1])
    classes = [1] if p.shape[1] == 2 else list(range(p.shape[1]))

    def ratio(group: int, counted: list[float], out_of: list[float]) -> float | None:
        over = sum(float(m[i, group]) * out_of[i] for i in rows)
        under = sum(float(m[i, group]) * counted[i] for i in rows)
        return under / over if over > 0 else None

    if name == "loss":
        losses = [
            -sum(float(y[i, k]) * math.log(float(p[i, k])) for k in range(p.shape[1])) for i in rows
        ]
        return [[[ratio(g, losses, [1.0] * len(p)) for g in groups]]]
    two_sided = {
        "positive_predictive_value": (lambda y, p: y * p, lambda y, p: p),
        "false_omission_rate": (lambda y, p: y * (1 - p), lambda y, p: 1 - p),
        "treatment_equality": (lambda y, p: y * (1 - p), lambda y, p: (1 - y) * p),
        "f1": (lambda y, p: 2 * y * p, lambda y, p: y + p),
    }
    if name in two_sided:
        counted, out_of = two_sided[name]
        return [
            [
                [
                    ratio(
                        g,
                        [counted(float(y[i, k]), float(p[i, k])) for i in rows],
                        [out_of(float(y[i, k]), float(p[i, k])) for i in rows],
                    )
                    for g in groups
                ]
                for k in classes
            ]
        ]
    if name == "accuracy":
        agree = [sum(float(p[i, k] * y[i, k]) for k in range(p.shape[1])) for i in rows]
        return [[[ratio(g, agree, [1.0] * len(p)) for g in groups]]]
    kinds = {
        "selection_rate": [lambda label: 1.0],
        "true_positive_rate": [lambda label: label],
        "false_positive_rate": [lambda label: 1 - label],
        "equalized_odds": [lambda label: label, lambda label: 1 - label],
    }[name]
    return [
        [
            [
                ratio(
                    g,
                    [of(float(y[i, k])) * float(p[i, k]) for i in rows],
                    [of(float(y[i, k])) for i in rows],
                )
                for g in groups
            ]
            for k in classes
        ]
        for of in kinds
    ]


def _as_tensors(values: list[list[list[float | None]]]) -> tuple[Tensor, Tensor]:
    plain = [[[0.0 if v is None else v for v in k] for k in s] for s in values]
    known = [[[v is not None for v in k] for k in s] for s in values]
    return torch.tensor(plain, dtype=torch.float64), torch.tensor(known)


def test_the_configuration_knows_exactly_the_statistics_there_are():
    assert [find_statistic(name).name for name in STATISTICS] == list(STATISTICS)
    with pytest.raises(ConfigError) as refused:
        find_statistic("selection_rates")
    assert str(refused.value) == (
        "Unknown statistic 'selection_rates'; did you mean 'selection_rate'? "
        "Accepted: accuracy, equalized_odds, f1, false_omission_rate, false_positive_rate, loss, "
        "positive_predictive_value, selection_rate, treatment_equality, true_positive_rate."
    )


@pytest.mark.parametrize("groups", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("name", FAIRLEARN)
def test_hard_predictions_of_two_classes_equal_fairlearn(name, groups):
    predicted, y, cell = _hard(120, 2, groups, seed=groups)
    found = find_statistic(name).rates(_one_hot(predicted, 2), y, _one_hot(cell, groups))
    assert found.value.shape == (len(FAIRLEARN[name]), 1, groups)
    assert found.defined.all()
    for condition, metric in enumerate(FAIRLEARN[name]):
        frame = fairlearn.MetricFrame(
            metrics=metric, y_true=y, y_pred=predicted, sensitive_features=cell.numpy()
        )
        np.testing.assert_allclose(found.value[condition, 0], frame.by_group, rtol=1e-14)


@pytest.mark.parametrize("groups", [1, 3, 5])
def test_hard_predictions_of_four_classes_equal_scikit_learn_one_versus_rest(groups):
    predicted, y, cell = _hard(400, 4, groups, seed=groups)
    arguments = (_one_hot(predicted, 4), y, _one_hot(cell, groups))
    found = {name: find_statistic(name).rates(*arguments).value for name in STATISTICS}
    assert found["accuracy"].shape == (1, 1, groups)
    for g in range(groups):
        rows = cell == g
        right = accuracy_score(y[rows], predicted[rows])
        assert float(found["accuracy"][0, 0, g]) == pytest.approx(right, rel=1e-14)
        for k in range(4):
            tn, fp, fn, tp = confusion_matrix(
                y[rows] == k, predicted[rows] == k, labels=[False, True]
            ).ravel()
            expected = {
                "selection_rate": [(tp + fp) / int(rows.sum())],
                "true_positive_rate": [tp / (tp + fn)],
                "false_positive_rate": [fp / (fp + tn)],
                "equalized_odds": [tp / (tp + fn), fp / (fp + tn)],
            }
            for name, values in expected.items():
                np.testing.assert_allclose(found[name][:, k, g], values, rtol=1e-14)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("name", STATISTICS)
def test_soft_predictions_labels_and_memberships_equal_a_loop_over_rows(name, classes):
    p, y, m = _soft(40, classes, 3)
    value, defined = _as_tensors(_by_loop(name, p, y, m))
    found = find_statistic(name).rates(p, y, m)
    torch.testing.assert_close(found.value, value, rtol=1e-13, atol=1e-15)
    assert torch.equal(found.defined, defined)


@pytest.mark.parametrize("name", STATISTICS)
def test_class_indices_are_one_hot_labels(name):
    p, _, m = _soft(30, 3, 2)
    y = torch.arange(30) % 3
    of_indices = find_statistic(name).rates(p, y, m)
    of_rows = find_statistic(name).rates(p, _one_hot(y, 3), m)
    assert torch.equal(of_indices.value, of_rows.value)


@pytest.mark.parametrize("name", STATISTICS)
def test_rows_without_a_group_change_nothing(name):
    p, y, m = _soft(40, 3, 3)
    known = m.sum(1) > 0
    assert not known.all()
    whole, without = (
        find_statistic(name).rates(p, y, m),
        find_statistic(name).rates(p[known], y[known], m[known]),
    )
    torch.testing.assert_close(whole.value, without.value, rtol=1e-14, atol=0)


def test_undefined_groups_are_flagged_and_worth_zero():
    # Group 0 has one positive and one negative; 1 only negatives; 2 only positives; 3 no row.
    p = torch.tensor([[0.2, 0.8], [0.7, 0.3], [0.6, 0.4], [0.1, 0.9]])
    y = torch.tensor([1, 0, 0, 1])
    m = _one_hot(torch.tensor([0, 0, 1, 2]), 4).float()
    expected = {
        "selection_rate": ([[0.55, 0.4, 0.9, 0.0]], [[True, True, True, False]]),
        "accuracy": ([[0.75, 0.6, 0.9, 0.0]], [[True, True, True, False]]),
        "true_positive_rate": ([[0.8, 0.0, 0.9, 0.0]], [[True, False, True, False]]),
        "false_positive_rate": ([[0.3, 0.4, 0.0, 0.0]], [[True, True, False, False]]),
        "equalized_odds": (
            [[0.8, 0.0, 0.9, 0.0], [0.3, 0.4, 0.0, 0.0]],
            [[True, False, True, False], [True, True, False, False]],
        ),
    }
    for name, (value, defined) in expected.items():
        found = find_statistic(name).rates(p, y, m)
        torch.testing.assert_close(found.value[:, 0], torch.tensor(value))
        assert torch.equal(found.defined[:, 0], torch.tensor(defined))


@pytest.mark.parametrize("name", STATISTICS)
def test_order_of_rows_and_of_groups_is_without_meaning(name):
    p, y, m = _soft(50, 4, 3)
    found = find_statistic(name).rates(p, y, m)
    rows = torch.randperm(50, generator=torch.Generator().manual_seed(1))
    shuffled = find_statistic(name).rates(p[rows], y[rows], m[rows])
    torch.testing.assert_close(shuffled.value, found.value, rtol=1e-13, atol=0)
    relabelled = find_statistic(name).rates(p, y, m[:, [2, 0, 1]])
    torch.testing.assert_close(relabelled.value, found.value[..., [2, 0, 1]], rtol=1e-13, atol=0)


@pytest.mark.parametrize("name", ["selection_rate", "true_positive_rate", "false_positive_rate"])
def test_numerators_and_denominators_add_up_over_batches(name):
    p, y, m = _soft(60, 3, 2)
    m[:20, 1] = 0.0  # the first batch lacks the second group
    label = {"selection_rate": torch.ones_like(y), "true_positive_rate": y}.get(name, 1 - y)
    numerator, denominator = torch.zeros(3, 2).double(), torch.zeros(3, 2).double()
    for part in (slice(0, 20), slice(20, 21), slice(21, 60)):
        size = torch.einsum("bk,bg->kg", label[part], m[part])
        numerator += find_statistic(name).rates(p[part], y[part], m[part]).value[0] * size
        denominator += size
    whole = find_statistic(name).rates(p, y, m).value[0]
    torch.testing.assert_close(whole, numerator / denominator, rtol=1e-13, atol=0)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("name", STATISTICS)
def test_gradients_are_those_of_finite_differences(name, classes):
    p, y, m = _soft(8, classes, 3)
    m[:, 2] = 0.0  # a group that is absent

    def value(p: Tensor, y: Tensor) -> Tensor:
        return find_statistic(name).rates(p, y, m).value

    assert torch.autograd.gradcheck(value, (p.requires_grad_(), y.requires_grad_()))


def test_one_row_is_a_batch():
    found = find_statistic("equalized_odds").rates(
        torch.tensor([[0.25, 0.75]]), torch.tensor([1]), torch.tensor([[0.0, 1.0]])
    )
    assert found.value.tolist() == [[[0.0, 0.75]], [[0.0, 0.0]]]
    assert found.defined.tolist() == [[[False, True]], [[False, False]]]


@pytest.mark.parametrize("classes", [2, 4])
def test_the_loss_of_each_group_is_scikit_learns(classes):
    p, _, _ = _soft(90, classes, 3)
    _, y, cell = _hard(90, classes, 3)
    found = find_statistic("loss").rates(p, y, _one_hot(cell, 3))
    for group in range(3):
        rows = cell == group
        expected = log_loss(y[rows], p[rows], labels=list(range(classes)))
        assert float(found.value[0, 0, group]) == pytest.approx(expected, rel=1e-12)


def test_a_loss_without_a_chance_is_finite():
    p = torch.tensor([[1.0, 0.0], [1.0, 0.0]], requires_grad=True)
    found = find_statistic("loss").rates(p, torch.tensor([1, 0]), torch.eye(2))
    assert found.value.isfinite().all()
    found.value.sum().backward()
    assert p.grad is not None
    assert p.grad.isfinite().all()


@pytest.mark.parametrize("name", STATISTICS)
def test_overall_is_the_statistic_of_one_group_of_all_known_rows(name):
    p, y, m = _soft(60, 3, 4)
    found = find_statistic(name).rates(p, y, m)
    everyone = find_statistic(name).rates(p, y, m.sum(1, keepdim=True))
    torch.testing.assert_close(found.overall, everyone.value[..., 0])


@pytest.mark.parametrize("beta", [0.5, 2.0])
def test_f_beta_is_scikit_learns(beta):
    predicted, y, cell = _hard(120, 2, 3)
    found = f_score(beta).rates(_one_hot(predicted, 2), y, _one_hot(cell, 3))
    for group in range(3):
        rows = cell == group
        expected = fbeta_score(y[rows], predicted[rows], beta=beta)
        assert float(found.value[0, 0, group]) == pytest.approx(expected, rel=1e-12)
