import pytest
import torch
from torch import Tensor, nn

from fairkd.data.batch import Batch
from fairkd.distillation.feature import Hint, hint
from fairkd.errors import ConfigError
from fairkd.models.features import ModelOutputs

NOBODY = Batch(*[torch.empty(0)] * 5)


def _outputs(width: int, layer: str, rows: int = 4, seed: int = 0) -> ModelOutputs:
    feature = torch.randn(rows, width, generator=torch.Generator().manual_seed(seed)).double()
    return ModelOutputs(torch.zeros(rows, 2), {layer: feature})


def _connected(seed: int = 0, dtype: torch.dtype = torch.float64) -> Hint:
    term = Hint(1.0, "hidden1", "hidden2")
    few = [
        ModelOutputs(o.logits, {n: f.to(dtype) for n, f in o.features.items()})
        for o in (_outputs(3, "hidden1"), _outputs(5, "hidden2"))
    ]
    term.connect(few[0], few[1], torch.Generator().manual_seed(seed))
    return term


def test_error_is_the_mean_square_over_units_by_a_loop():
    ours, theirs = (_outputs(5, "f", seed=s).features["f"] for s in (0, 1))
    expected = [
        sum((float(ours[i, d]) - float(theirs[i, d])) ** 2 for d in range(5)) / 5 for i in range(4)
    ]
    torch.testing.assert_close(hint(ours, theirs), torch.tensor(expected, dtype=torch.float64))


def test_term_projects_the_students_layer_to_the_teachers():
    term = _connected()
    student, teacher = _outputs(3, "hidden1", seed=2), _outputs(5, "hidden2", seed=3)
    weight, bias = term.projection.weight.detach(), term.projection.bias.detach()
    projected = [
        [float(bias[d]) + sum(float(weight[d, j] * row[j]) for j in range(3)) for d in range(5)]
        for row in student.features["hidden1"].detach()
    ]
    expected = hint(torch.tensor(projected, dtype=torch.float64), teacher.features["hidden2"])
    torch.testing.assert_close(term(student, teacher, NOBODY), expected, rtol=1e-12, atol=0)


def test_the_projection_learns_and_the_student_through_it():
    term = _connected()
    feature = _outputs(3, "hidden1", seed=2).features["hidden1"].requires_grad_()
    student = ModelOutputs(torch.zeros(4, 2), {"hidden1": feature})
    term(student, _outputs(5, "hidden2"), NOBODY).sum().backward()
    learned: list[Tensor | None] = [feature.grad, *(p.grad for p in term.parameters())]
    assert all(gradient is not None and gradient.abs().sum() > 0 for gradient in learned)
    assert [name for name, _ in term.named_parameters()] == [
        "projection.weight",
        "projection.bias",
    ]


def test_the_projection_comes_from_its_own_generator_alone():
    before = torch.get_rng_state()
    first = _connected(seed=7)
    assert torch.equal(torch.get_rng_state(), before)
    torch.rand(3)
    again, other = _connected(seed=7), _connected(seed=8)
    assert torch.equal(first.projection.weight, again.projection.weight)
    assert torch.equal(first.projection.bias, again.projection.bias)
    assert not torch.equal(first.projection.weight, other.projection.weight)


def test_initial_values_fill_the_range_of_torchs_linear_layer():
    term = Hint(1.0, "f", "f")
    wide = ModelOutputs(torch.zeros(1, 2), {"f": torch.zeros(1, 100)})
    term.connect(wide, wide, torch.Generator().manual_seed(0))
    for parameter in term.projection.parameters():
        assert 0.09 < float(parameter.detach().abs().max()) <= 0.1  # 1 / sqrt(100)
        assert abs(float(parameter.detach().mean())) < 0.02


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_projection_has_the_features_precision(dtype):
    projection = _connected(dtype=dtype).projection
    assert isinstance(projection, nn.Linear)
    assert projection.weight.dtype == projection.bias.dtype == dtype


@pytest.mark.parametrize("side", ["student", "teacher"])
def test_a_layer_that_is_not_flat_is_refused(side):
    flat = _outputs(3, "hidden1")
    image = ModelOutputs(torch.zeros(4, 2), {"conv": torch.zeros(4, 8, 6, 6)})
    term = Hint(
        1.0, "conv" if side == "student" else "hidden1", "conv" if side == "teacher" else "hidden1"
    )
    ours, theirs = (image, flat) if side == "student" else (flat, image)
    with pytest.raises(ConfigError) as refused:
        term.connect(ours, theirs, torch.Generator())
    assert str(refused.value) == (
        "distillation=hint projects flat layers; 'conv' gives rows of shape [8, 6, 6]: name "
        "another layer in distillation.terms.hint.student_layer or teacher_layer."
    )


def test_the_layers_it_reads_are_declared():
    term = Hint(0.5, "hidden1", "hidden2")
    assert (term.student_features, term.teacher_features) == (("hidden1",), ("hidden2",))
    assert float(term.weight) == 0.5
