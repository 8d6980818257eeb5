import pytest
import torch
from torch import Tensor, nn

from fairkd.errors import ConfigError
from fairkd.models.convnet import ConvNet
from fairkd.models.linear import Linear
from fairkd.models.mlp import MLP
from fairkd.models.slicing import start_from_teacher

X = torch.randn(9, 4, generator=torch.Generator().manual_seed(0))


def _weight(model: nn.Module, name: str) -> Tensor:
    return model.get_parameter(f"{name}.weight").detach()


def _bias(model: nn.Module, name: str) -> Tensor:
    return model.get_parameter(f"{name}.bias").detach()


@pytest.mark.parametrize("hidden", [[5], [5, 6, 5]])
def test_an_equal_architecture_is_copied_exactly(hidden):
    student, teacher = MLP(4, 3, hidden), MLP(4, 3, hidden)
    start_from_teacher(student, teacher)
    assert torch.equal(student(X), teacher(X))
    with torch.no_grad():
        student.head.weight.zero_()
    assert teacher.head.weight.abs().sum() > 0  # a copy, not the same memory


def test_linear_from_linear():
    student, teacher = Linear(4, 3), Linear(4, 3)
    start_from_teacher(student, teacher)
    assert torch.equal(student(X), teacher(X))


def test_a_narrower_student_keeps_the_strongest_units_in_order_with_their_inputs():
    teacher, student = MLP(2, 2, [4, 3]), MLP(2, 2, [2, 2])
    with torch.no_grad():
        # Norms 1, 5, 2, 4: units 1 and 3 are kept.
        teacher.get_parameter("hidden1.0.weight").copy_(
            torch.tensor([[1.0, 0], [3, 4], [0, 2], [4, 0]])
        )
        teacher.get_parameter("hidden1.0.bias").copy_(torch.tensor([10.0, 11, 12, 13]))
        # Norms 7, sqrt 5, sqrt 50: units 0 and 2, of the inputs 1 and 3.
        teacher.get_parameter("hidden2.0.weight").copy_(
            torch.tensor([[7.0, 0, 0, 0], [0, 1, 2, 0], [3, 4, 0, 5]])
        )
        teacher.get_parameter("hidden2.0.bias").copy_(torch.tensor([20.0, 21, 22]))
        teacher.head.weight.copy_(torch.tensor([[30.0, 31, 32], [33, 34, 35]]))
        teacher.head.bias.copy_(torch.tensor([40.0, 41]))
    start_from_teacher(student, teacher)
    assert _weight(student, "hidden1.0").tolist() == [[3, 4], [4, 0]]
    assert _bias(student, "hidden1.0").tolist() == [11, 13]
    assert _weight(student, "hidden2.0").tolist() == [[0, 0], [4, 5]]
    assert _bias(student, "hidden2.0").tolist() == [20, 22]
    assert _weight(student, "head").tolist() == [[30, 32], [33, 35]]
    assert _bias(student, "head").tolist() == [40, 41]


def test_units_that_say_nothing_may_go_without_a_trace():
    teacher, student = MLP(4, 3, [6]), MLP(4, 3, [4])
    with torch.no_grad():
        for parameter in ("hidden1.0.weight", "hidden1.0.bias"):
            teacher.get_parameter(parameter)[[1, 4]] = 0.0
    start_from_teacher(student, teacher)
    torch.testing.assert_close(student(X), teacher(X))


def test_layers_are_spread_over_a_deeper_teacher():
    # Linear layers 0..5 of the teacher; three of the student take 0, 2 (of 2.5, to even) and 5.
    teacher, student = MLP(4, 2, [4] * 5), MLP(4, 2, [4] * 2)
    start_from_teacher(student, teacher)
    assert torch.equal(_weight(student, "hidden1.0"), _weight(teacher, "hidden1.0"))
    assert torch.equal(_weight(student, "hidden2.0"), _weight(teacher, "hidden3.0"))
    assert torch.equal(_weight(student, "head"), _weight(teacher, "head"))
    # Every second layer where it divides: 0, 2, 4.
    teacher = MLP(4, 2, [4] * 4)
    start_from_teacher(student, teacher)
    assert torch.equal(_weight(student, "hidden2.0"), _weight(teacher, "hidden3.0"))
    assert torch.equal(_weight(student, "head"), _weight(teacher, "head"))


def test_after_a_skipped_layer_the_strongest_inputs_are_kept():
    teacher, student = MLP(2, 1, [3, 3]), MLP(2, 1, [2])
    with torch.no_grad():
        # The first layer's strongest units are 0 and 1; the head, two layers on, hears 1 and 2.
        teacher.get_parameter("hidden1.0.weight").copy_(torch.tensor([[9.0, 0], [8, 0], [1, 0]]))
        teacher.head.weight.copy_(torch.tensor([[1.0, 5, 6]]))
    start_from_teacher(student, teacher)
    assert _weight(student, "hidden1.0").tolist() == [[9, 0], [8, 0]]
    assert _weight(student, "head").tolist() == [[5, 6]]


def test_a_teacher_layer_without_bias_leaves_none():
    class NoBias(nn.Module):
        def __init__(self, bias: bool) -> None:
            super().__init__()
            self.first = nn.Linear(4, 5, bias=bias)
            self.last = nn.Linear(5, 3, bias=bias)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.last(self.first(x).relu())
            return out

    student, teacher = NoBias(bias=True), NoBias(bias=False)
    start_from_teacher(student, teacher)
    torch.testing.assert_close(student(X), teacher(X))


@pytest.mark.parametrize(
    ("student", "teacher", "sentence"),
    [
        (
            nn.Conv2d(1, 1, 1),
            MLP(4, 2),
            "distillation.init=teacher needs linear layers in both models; one has none.",
        ),
        (
            MLP(4, 2, [8, 8]),
            MLP(4, 2, [8]),
            "distillation.init=teacher: the student has 3 linear layers and the teacher 2; the "
            "student must not be deeper (see student.hidden and teacher.model.hidden).",
        ),
        (
            Linear(4, 2),
            MLP(4, 2),
            "distillation.init=teacher: a student of one linear layer has no slice of a deep "
            "teacher; use student=mlp or distillation.init=fresh.",
        ),
        (
            MLP(4, 2),
            MLP(5, 2),
            "distillation.init=teacher: student and teacher must have the same inputs and classes.",
        ),
        (
            MLP(4, 2),
            MLP(4, 3),
            "distillation.init=teacher: student and teacher must have the same inputs and classes.",
        ),
        (
            MLP(4, 2, [9]),
            MLP(4, 2, [8]),
            "distillation.init=teacher: a student layer of 4 -> 9 does not fit into the teacher's "
            "4 -> 8; make the student at most as wide (student.hidden) or the teacher wider "
            "(teacher.model.hidden).",
        ),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_changes(student, teacher, sentence):
    before = {name: value.clone() for name, value in student.state_dict().items()}
    with pytest.raises(ConfigError) as refused:
        start_from_teacher(student, teacher)
    assert str(refused.value) == sentence
    assert all(torch.equal(value, before[name]) for name, value in student.state_dict().items())


def test_models_with_other_weights_are_refused():
    images = ConvNet((3, 8, 8), 4, (4,))
    with pytest.raises(ConfigError) as refused:
        start_from_teacher(images, ConvNet((3, 8, 8), 4, (8,)))
    assert str(refused.value) == (
        "distillation.init=teacher slices linear layers alone, and ConvNet has other layers with "
        "weights; use distillation.init=fresh."
    )
