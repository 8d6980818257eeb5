from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.special import rel_entr

from fairkd.errors import DataError
from fairkd.evaluation.class_errors import class_error_change
from fairkd.evaluation.counts import group_counts
from fairkd.evaluation.evaluate import evaluate
from fairkd.evaluation.evaluation import Evaluation
from fairkd.evaluation.settings import EvaluationSettings
from fairkd.evaluation.transfer import transfer

FEW = EvaluationSettings(draws=50)


def _noisy(predictions, seed):
    rng = np.random.default_rng(seed)
    p = predictions.probabilities * np.exp(rng.normal(size=predictions.probabilities.shape))
    return replace(predictions, probabilities=p / p.sum(1, keepdims=True))


@pytest.fixture(params=[2, 3])
def trio(make, request):
    student = make(classes=request.param)
    return student, _noisy(student, 1), _noisy(student, 2)


def test_changes_are_differences_of_the_models_own_records(trio):
    found = transfer(*trio, "sex", FEW).metrics
    own = {
        name: evaluate(model, FEW).metrics
        for name, model in zip(("student", "teacher", "control"), trio, strict=True)
    }
    compared = 0
    for name, value in found.items():
        for other in ("teacher", "control"):
            for suffix, combine in (
                (f"_change_from_{other}", lambda a, b: a - b),
                (f"_ratio_to_{other}", lambda a, b: a / b),
            ):
                if suffix in name:
                    key = name.replace(suffix, "")
                    expected = combine(own["student"][key], own[other][key])
                    assert value == pytest.approx(expected, rel=1e-9, abs=1e-12), name
                    compared += 1
    n_rates = 1 + 4 * (1 if len(trio[0].classes) == 2 else 3)
    assert compared == 2 * (3 * n_rates + 2 * 19)


def test_fidelity_and_divergence_per_group(trio):
    student, teacher, _ = trio
    found = transfer(*trio, "sex", FEW).metrics
    alike = student.predicted(0.5) == teacher.predicted(0.5)
    divergence = rel_entr(teacher.probabilities, student.probabilities).sum(1)
    assert found["fidelity"] == pytest.approx(alike.mean(), rel=1e-12)
    assert found["kl_from_teacher"] == pytest.approx(divergence.mean(), rel=1e-10)
    for g in range(3):
        rows = student.memberships["sex"] == g
        assert found[f"fidelity/sex.cell {g}"] == pytest.approx(alike[rows].mean(), rel=1e-12)
        kl = found[f"kl_from_teacher/sex.cell {g}"]
        assert kl == pytest.approx(divergence[rows].mean(), rel=1e-10)


def test_class_errors_are_over_all_rows(trio):
    student, _, control = trio
    found = transfer(*trio, "sex", FEW).metrics
    y, everyone = torch.from_numpy(student.y), torch.ones(student.n_rows, 1)
    n = len(student.classes)
    counts = [
        group_counts(torch.from_numpy(m.predicted(0.5)), y, everyone, n)[0]
        for m in (student, control)
    ]
    expected = class_error_change(*counts)
    assert found["cev_from_control"] == pytest.approx(float(expected[0]), rel=1e-9)
    assert found["sde_from_control"] == pytest.approx(float(expected[1]), rel=1e-9)


def test_flips_are_counted_by_label_and_group(trio):
    student, teacher, control = trio
    table = transfer(*trio, "sex", FEW).tables["sex/flips"]
    right = {
        name: m.predicted(0.5) == m.y for name, m in (("teacher", teacher), ("control", control))
    }
    mine = student.predicted(0.5) == student.y
    assert len(table) == 3 * len(student.classes)
    for line in table.itertuples():
        rows = (student.y == student.classes.index(line.label)) & (
            student.memberships["sex"] == int(line.group.removeprefix("cell "))
        )
        assert line.count == rows.sum()
        for name in right:
            harmful = sum(r and not m for r, m in zip(right[name][rows], mine[rows], strict=True))
            gained = sum(m and not r for r, m in zip(right[name][rows], mine[rows], strict=True))
            assert getattr(line, f"harmful_flips_from_{name}") == harmful
            assert getattr(line, f"beneficial_flips_from_{name}") == gained
            share = getattr(line, f"harmful_flips_from_{name}_share")
            assert share == pytest.approx(harmful / rows.sum())


def test_a_student_equal_to_its_teacher_changed_nothing_in_any_draw(trio):
    student, _, control = trio
    found = transfer(student, student, control, "sex", FEW)
    assert found.metrics["fidelity"] == 1
    assert found.metrics["kl_from_teacher"] == pytest.approx(0, abs=1e-15)
    for name, bounds in found.intervals.items():
        if "_change_from_teacher" in name:
            assert found.metrics[name] == 0
            assert bounds == (0, 0), name


def test_paired_intervals_agree_with_resampling_rows(make):
    student = make(n=500, cells=2)
    trio = (student, _noisy(student, 1), _noisy(student, 2))
    found = transfer(*trio, "sex", EvaluationSettings(draws=4000))
    rng = np.random.default_rng(0)
    decided = [m.predicted(0.5) for m in trio[:2]]
    cell, y = student.memberships["sex"], student.y
    draws = []
    for _ in range(4000):
        rows = rng.integers(0, 500, 500)
        women, men = rows[cell[rows] == 0], rows[cell[rows] == 1]
        gaps = [abs(d[women].mean() - d[men].mean()) for d in decided]
        change = (decided[0][women] == y[women]).mean() - (decided[1][women] == y[women]).mean()
        draws.append((gaps[0] - gaps[1], change))
    expected = np.quantile(draws, [0.025, 0.975], axis=0)
    gap = found.intervals["demographic_parity_difference_change_from_teacher/sex"]
    change = found.intervals["accuracy_change_from_teacher/sex.cell 0"]
    assert gap == pytest.approx(expected[:, 0], abs=0.01)
    assert change == pytest.approx(expected[:, 1], abs=0.01)


def test_each_model_can_have_its_own_threshold(make):
    student = make()
    trio = (student, _noisy(student, 1), _noisy(student, 2))
    at = {"student": 0.3, "teacher": 0.6, "control": 0.5}
    found = transfer(*trio, "sex", FEW, thresholds=at).metrics
    low = evaluate(trio[0], replace(FEW, threshold=0.3)).metrics["accuracy_difference/sex"]
    high = evaluate(trio[1], replace(FEW, threshold=0.6)).metrics["accuracy_difference/sex"]
    assert found["accuracy_difference_change_from_teacher/sex"] == pytest.approx(low - high)


def test_an_underflowed_probability_keeps_the_divergence_finite(make):
    student = make(n=2)
    sure = replace(student, probabilities=np.array([[1.0, 0.0], [0.0, 1.0]]))
    half = replace(student, probabilities=np.full((2, 2), 0.5))
    assert 300 < transfer(sure, half, half, "sex", FEW).metrics["kl_from_teacher"] < 400
    assert transfer(half, sure, half, "sex", FEW).metrics["kl_from_teacher"] == pytest.approx(
        np.log(2)
    )


def test_a_transfer_is_stored_like_an_evaluation(trio):
    found = transfer(*trio, "sex", FEW)
    assert Evaluation.from_json(found.to_json()).to_json() == found.to_json()


def test_other_rows_are_refused(make):
    student = make(seed=0)
    with pytest.raises(DataError, match="teacher's predictions are not of the student's rows"):
        transfer(student, make(seed=1), student, "sex", FEW)
