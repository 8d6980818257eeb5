import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.stats import entropy
from torch import Tensor

from fairkd.data.batch import Batch
from fairkd.distillation.response import SoftTargets, soft_targets
from fairkd.errors import ConfigError
from fairkd.models.features import ModelOutputs

NOBODY = Batch(*[torch.empty(0)] * 5)
FIRST = torch.tensor(0.0)


def _logits(classes: int, rows: int = 6, seed: int = 0) -> tuple[Tensor, Tensor]:
    g = torch.Generator().manual_seed(seed)
    student, teacher = (3 * torch.randn(rows, classes, generator=g).double() for _ in range(2))
    return student, teacher


def _term(student: Tensor, teacher: Tensor, **arguments: object) -> Tensor:
    term = SoftTargets(**arguments)  # type: ignore[arg-type]
    value: Tensor = term(ModelOutputs(student, {}), ModelOutputs(teacher, {}), NOBODY, FIRST)
    return value


@pytest.mark.parametrize("classes", [2, 10])
@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0, 20.0])
def test_divergence_equals_torch_and_scipy(classes, temperature):
    student, teacher = _logits(classes)
    found = soft_targets(student, teacher, temperature)
    log_s, log_t = (F.log_softmax(z / temperature, -1) for z in (student, teacher))
    by_torch = F.kl_div(log_s, log_t, reduction="none", log_target=True).sum(-1)
    torch.testing.assert_close(found, by_torch, rtol=1e-12, atol=1e-15)
    by_scipy = entropy(log_t.exp().numpy(), log_s.exp().numpy(), axis=1)
    np.testing.assert_allclose(found, by_scipy, rtol=1e-10, atol=1e-15)


def test_a_divergence_known_by_hand():
    # Teacher (3/4, 1/4), student (1/2, 1/2): 3/4 log(3/2) + 1/4 log(1/2).
    found = soft_targets(torch.zeros(1, 2), torch.tensor([[3.0, 1.0]]).log(), 1.0)
    assert float(found) == pytest.approx(0.75 * np.log(1.5) + 0.25 * np.log(0.5))


@pytest.mark.parametrize("temperature", [1.0, 2.0, 8.0])
def test_scaling_is_by_the_temperature_squared_or_not_at_all(temperature):
    student, teacher = _logits(3)
    plain = soft_targets(student, teacher, temperature)
    squared = _term(student, teacher, temperature=temperature, temperature_scaling="squared")
    none = _term(student, teacher, temperature=temperature, temperature_scaling="none")
    torch.testing.assert_close(squared, temperature**2 * plain, rtol=1e-12, atol=0)
    torch.testing.assert_close(none, plain, rtol=1e-12, atol=0)


@pytest.mark.parametrize("classes", [2, 10])
def test_at_large_temperature_it_is_half_the_centred_mean_square(classes):
    student, teacher = _logits(classes)
    difference = student - teacher
    centred = difference - difference.mean(1, keepdim=True)
    limit = centred.square().sum(1) / (2 * classes)
    errors = []
    for temperature in (1e2, 1e3, 1e4):
        found = _term(student, teacher, temperature=temperature)
        errors.append(float((found / limit - 1).abs().max()))
    assert errors[0] > errors[1] > errors[2]
    assert errors[2] < 1e-3


@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_equal_models_cost_nothing_and_pull_nowhere(temperature):
    student = _logits(5)[0].requires_grad_()
    value = _term(student, student.detach().clone(), temperature=temperature)
    assert torch.equal(value, torch.zeros(6).double())
    (gradient,) = torch.autograd.grad(value.sum(), student)
    torch.testing.assert_close(gradient, torch.zeros_like(student), rtol=0, atol=1e-14)


def test_a_shift_of_all_logits_of_a_row_changes_nothing():
    student, teacher = _logits(4)
    shift = torch.arange(6.0).double()[:, None]
    torch.testing.assert_close(
        _term(student + shift, teacher - 2 * shift), _term(student, teacher), rtol=1e-11, atol=0
    )


def test_gradient_is_the_difference_of_softened_probabilities_times_the_temperature():
    student, teacher = _logits(4)
    student.requires_grad_()
    (gradient,) = torch.autograd.grad(_term(student, teacher, temperature=4.0).sum(), student)
    p_s, p_t = ((z / 4.0).softmax(-1) for z in (student.detach(), teacher))
    torch.testing.assert_close(gradient, 4.0 * (p_s - p_t), rtol=1e-10, atol=1e-14)
    assert torch.autograd.gradcheck(lambda z: _term(z, teacher, temperature=2.0), (student,))


TEMPERATURES = range(1, 41)


def _gradient_norms(student: Tensor, teacher: Tensor, temperature: float, scaling: str) -> Tensor:
    z = student.clone().requires_grad_()
    value = _term(z, teacher, temperature=temperature, temperature_scaling=scaling)
    (gradient,) = torch.autograd.grad(value.sum(), z)
    return gradient.norm(dim=1)


@pytest.mark.parametrize("scale", [0.3, 1.0, 3.0, 10.0])
@pytest.mark.parametrize("classes", [2, 3, 10])
@pytest.mark.parametrize("seed", range(3))
def test_scaling_by_the_temperature_squared_keeps_the_size_of_the_gradient(seed, classes, scale):
    """The gradient T (p_s - p_t) is J d: d = z_s - z_t centred, J the mean of diag(p) - p p' over
    the logits between z_t / T and z_s / T. x' J x is a mean of variances of x under p: at most a
    quarter of x's squared range, so |x|^2 / 2, and at least min p |x|^2 where x has mean 0. log p_c
    is concave in the logits, so min p is least at an end: |gradient| / |d| is in [min p, 1/2].
    """
    student, teacher = (z * scale / 3 for z in _logits(classes, rows=50, seed=seed))
    difference = student - teacher
    centred = (difference - difference.mean(1, keepdim=True)).norm(dim=1)
    for temperature in TEMPERATURES:
        found = _gradient_norms(student, teacher, temperature, "squared") / centred
        ends = torch.cat([(z / temperature).softmax(-1) for z in (student, teacher)], dim=1)
        assert (found >= ends.amin(1) * (1 - 1e-9)).all()
        assert (found <= 0.5 * (1 + 1e-9)).all()
        if temperature >= 20 * scale:  # the limit is 1 / C, where all classes are alike
            torch.testing.assert_close(found * classes, torch.ones(50).double(), rtol=0, atol=0.2)


@pytest.mark.parametrize("classes", [2, 3, 10])
def test_without_it_the_gradient_falls_with_the_temperature_squared(classes):
    student, teacher = _logits(classes, rows=50)
    powers = {}
    for scaling in ("squared", "none"):
        low, high = (_gradient_norms(student, teacher, t, scaling).mean() for t in (20.0, 40.0))
        powers[scaling] = float((high / low).log2())
    assert powers["squared"] == pytest.approx(0, abs=0.1)
    assert powers["none"] == pytest.approx(-2, abs=0.1)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_huge_logits_stay_finite(dtype, temperature):
    student = torch.tensor([[1e4, -1e4], [1e4, -1e4], [0, 0]], dtype=dtype, requires_grad=True)
    teacher = torch.tensor([[-1e4, 1e4], [1e4, -1e4], [1e4, -1e4]], dtype=dtype)
    value = _term(student, teacher, temperature=temperature, temperature_scaling="none")
    expected = [2e4 / temperature, 0.0, np.log(2)]
    np.testing.assert_allclose(value.detach(), expected, rtol=1e-6)
    (gradient,) = torch.autograd.grad(value.sum(), student)
    assert gradient.isfinite().all()


def test_rows_are_judged_one_by_one():
    student, teacher = _logits(3)
    together = _term(student, teacher)
    alone = torch.cat([_term(student[i : i + 1], teacher[i : i + 1]) for i in range(6)])
    torch.testing.assert_close(together, alone, rtol=1e-13, atol=0)


def test_knobs_are_buffers():
    term = SoftTargets(weight=0.75, temperature=2, temperature_scaling="none")
    assert {name: float(value) for name, value in term.named_buffers()} == {
        "weight": 0.75,
        "temperature": 2.0,
        "scaling_power": 0.0,
    }
    assert not list(term.parameters())


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            {"temperature": 0},
            "temperature=0 is out of range; accepted: a number above 0.",
        ),
        (
            {"temperature": float("inf")},
            "temperature=inf is out of range; accepted: a number above 0.",
        ),
        ({"weight": -0.1}, "weight=-0.1 is out of range; accepted: a number of at least 0."),
        (
            {"temperature_scaling": "cubed"},
            "temperature_scaling=cubed is not known; accepted: squared, none.",
        ),
    ],
)
def test_what_cannot_work_is_refused(arguments, sentence):
    with pytest.raises(ConfigError) as refused:
        SoftTargets(**arguments)
    assert str(refused.value) == sentence
