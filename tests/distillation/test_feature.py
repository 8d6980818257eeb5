import pytest
import torch
from torch import Tensor, nn

from fairkd.data.batch import Batch
from fairkd.distillation.feature import Hint, hint
from fairkd.errors import ConfigError
from fairkd.models.features import ModelOutputs

NOBODY = Batch(*[torch.empty(0)] * 5)
FIRST = torch.tensor(0.0)


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
    weight, bias = term.projections[0].weight.detach(), term.projections[0].bias.detach()
    projected = [
        [float(bias[d]) + sum(float(weight[d, j] * row[j]) for j in range(3)) for d in range(5)]
        for row in student.features["hidden1"].detach()
    ]
    expected = hint(torch.tensor(projected, dtype=torch.float64), teacher.features["hidden2"])
    torch.testing.assert_close(term(student, teacher, NOBODY, FIRST), expected, rtol=1e-12, atol=0)


def test_the_projection_learns_and_the_student_through_it():
    term = _connected()
    feature = _outputs(3, "hidden1", seed=2).features["hidden1"].requires_grad_()
    student = ModelOutputs(torch.zeros(4, 2), {"hidden1": feature})
    term(student, _outputs(5, "hidden2"), NOBODY, FIRST).sum().backward()
    learned: list[Tensor | None] = [feature.grad, *(p.grad for p in term.parameters())]
    assert all(gradient is not None and gradient.abs().sum() > 0 for gradient in learned)
    assert [name for name, _ in term.named_parameters()] == [
        "projections.0.weight",
        "projections.0.bias",
    ]


def test_the_projection_comes_from_its_own_generator_alone():
    before = torch.get_rng_state()
    first = _connected(seed=7)
    assert torch.equal(torch.get_rng_state(), before)
    torch.rand(3)
    again, other = _connected(seed=7), _connected(seed=8)
    assert torch.equal(first.projections[0].weight, again.projections[0].weight)
    assert torch.equal(first.projections[0].bias, again.projections[0].bias)
    assert not torch.equal(first.projections[0].weight, other.projections[0].weight)


def test_initial_values_fill_the_range_of_torchs_linear_layer():
    term = Hint(1.0, "f", "f")
    wide = ModelOutputs(torch.zeros(1, 2), {"f": torch.zeros(1, 100)})
    term.connect(wide, wide, torch.Generator().manual_seed(0))
    for parameter in term.projections[0].parameters():
        assert 0.09 < float(parameter.detach().abs().max()) <= 0.1  # 1 / sqrt(100)
        assert abs(float(parameter.detach().mean())) < 0.02


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_projection_has_the_features_precision(dtype):
    projection = _connected(dtype=dtype).projections[0]
    assert isinstance(projection, nn.Linear)
    assert projection.weight.dtype == projection.bias.dtype == dtype


@pytest.mark.parametrize("side", ["student", "teacher"])
def test_a_map_and_a_flat_layer_do_not_meet(side):
    flat = _outputs(3, "hidden1")
    image = ModelOutputs(torch.zeros(4, 2), {"conv": torch.zeros(4, 8, 6, 6)})
    term = Hint(
        1.0, "conv" if side == "student" else "hidden1", "conv" if side == "teacher" else "hidden1"
    )
    ours, theirs = (image, flat) if side == "student" else (flat, image)
    shapes = ("[8, 6, 6]", "[3]") if side == "student" else ("[3]", "[8, 6, 6]")
    with pytest.raises(ConfigError) as refused:
        term.connect(ours, theirs, torch.Generator())
    assert str(refused.value) == (
        f"distillation=hint connects rows of shape {shapes[0]} of the student and {shapes[1]} of "
        "the teacher; accepted: both flat, or both [C, H, W]: name other layers in "
        "distillation.terms.hint.student_layer and teacher_layer."
    )


def test_a_map_is_projected_place_by_place_at_the_smaller_extent():
    g = torch.Generator().manual_seed(0)
    ours, theirs = (torch.randn(2, c, s, s, generator=g) for c, s in ((3, 4), (5, 2)))
    student = ModelOutputs(torch.zeros(2, 2), {"f": ours})
    teacher = ModelOutputs(torch.zeros(2, 2), {"f": theirs})
    term = Hint(1.0, "f", "f")
    term.connect(student, teacher, torch.Generator().manual_seed(1))
    weight, bias = term.projections[0].weight.detach(), term.projections[0].bias.detach()
    errors = torch.zeros(2)
    for row in range(2):
        for i in range(2):
            for j in range(2):
                pooled = ours[row, :, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2].mean((1, 2))
                errors[row] += (weight @ pooled + bias - theirs[row, :, i, j]).square().sum() / 20
    torch.testing.assert_close(term(student, teacher, NOBODY, FIRST).detach(), errors)


def test_several_pairs_of_layers_add_up():
    g = torch.Generator().manual_seed(0)
    ours, theirs = (
        ModelOutputs(
            torch.zeros(3, 2),
            {name: torch.randn(3, 4, generator=g) for name in ("hidden1", "hidden2")},
        )
        for _ in range(2)
    )
    both = Hint(1.0, ["hidden1", "hidden2"], ["hidden2", "hidden1"])
    both.connect(ours, theirs, torch.Generator().manual_seed(0))
    alone = torch.zeros(3)
    for number, pair in enumerate((("hidden1", "hidden2"), ("hidden2", "hidden1"))):
        one = Hint(1.0, *pair)
        one.connect(ours, theirs, torch.Generator())
        one.projections[0] = both.projections[number]
        alone += one(ours, theirs, NOBODY, FIRST).detach()
    torch.testing.assert_close(both(ours, theirs, NOBODY, FIRST).detach(), alone)


def test_layers_that_do_not_pair_are_refused():
    with pytest.raises(ConfigError) as refused:
        Hint(1.0, ["hidden1", "hidden2"], "hidden1")
    assert str(refused.value) == (
        "student_layer names 2 layers and teacher_layer 1; accepted: as many of the one as of the "
        "other, and at least one."
    )


def test_the_layers_it_reads_are_declared():
    term = Hint(0.5, "hidden1", "hidden2")
    assert (term.student_features, term.teacher_features) == (("hidden1",), ("hidden2",))
    assert float(term.weight) == 0.5
