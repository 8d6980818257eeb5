import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.special import log_softmax
from torch import Tensor

from fairkd.data.batch import Batch
from fairkd.data.blocks import Blocks
from fairkd.distillation.feature import Hint
from fairkd.distillation.response import SoftTargets
from fairkd.distillation.term import DistillationTerm
from fairkd.errors import ConfigError
from fairkd.fairness.penalty import Penalty
from fairkd.models.features import ModelOutputs, run
from fairkd.models.mlp import MLP
from fairkd.training.objective import Objective

BLOCKS = Blocks.of({"sex": ["f", "m"], "race": ["a", "b", "c"]})
NOW = torch.tensor(0.0)


def _batch(rows: int = 12, classes: int = 2, seed: int = 0) -> Batch:
    g = torch.Generator().manual_seed(seed)
    sex = torch.eye(2)[torch.randint(2, (rows,), generator=g)]
    race = torch.eye(3)[torch.randint(3, (rows,), generator=g)]
    return Batch(
        x=torch.randn(rows, 4, generator=g).double(),
        y=torch.randint(classes, (rows,), generator=g),
        group=torch.cat([sex, race], 1).double(),
        index=torch.arange(rows),
        weight=torch.ones(rows).double(),
    )


def _models(classes: int = 2, seed: int = 0) -> tuple[MLP, MLP]:
    torch.manual_seed(seed)
    return MLP(4, classes, [5]).double(), MLP(4, classes, [6, 7]).double()


def _outputs(classes: int = 2, seed: int = 0) -> tuple[ModelOutputs, ModelOutputs, Batch]:
    batch = _batch(classes=classes, seed=seed)
    student, teacher = _models(classes, seed)
    with torch.no_grad():
        theirs = run(teacher, batch.x, ("hidden2",))
    return run(student, batch.x, ("hidden1",)), theirs, batch


def _cross_entropy(logits: Tensor, y: Tensor) -> list[float]:
    log_p = log_softmax(logits.detach().numpy(), axis=1)
    return [-float(log_p[i, y[i]]) for i in range(len(y))]


def _everything(start_epoch: int = 0) -> Objective:
    """An objective with two terms and two constraints, connected to `_models`."""
    objective = Objective(
        label_weight=0.3,
        terms={
            "soft_targets": SoftTargets(0.7, 3.0),
            "hint": Hint(0.5, "hidden1", "hidden2"),
        },
        constraints={
            "parity": Penalty(BLOCKS, by="race", threshold=0.05, weight=0.6),
            "opportunity": Penalty(BLOCKS, statistic="equalized_odds", weight=0.4),
        },
        start_epoch=start_epoch,
    ).double()
    student, teacher, _ = _outputs()
    objective.connect(student, teacher, torch.Generator().manual_seed(0))
    return objective


def test_the_total_is_the_weighted_sum_of_its_terms():
    student, teacher, batch = _outputs()
    objective = _everything()
    value = objective(student, teacher, batch, NOW)
    soft, hint = objective.terms["soft_targets"], objective.terms["hint"]
    parity, opportunity = objective.constraints["parity"], objective.constraints["opportunity"]
    by_hand = {
        "labels": (float(torch.tensor(0.3)), np.mean(_cross_entropy(student.logits, batch.y))),
        "soft_targets": (0.7, float(soft(student, teacher, batch, NOW).detach().mean())),
        "hint": (0.5, float(hint(student, teacher, batch, NOW).detach().mean())),
        "parity": (0.6, float(parity(student, batch).detach())),
        "opportunity": (0.4, float(opportunity(student, batch).detach())),
    }
    assert list(value.terms) == list(value.weights) == list(by_hand)
    for name, (weight, term) in by_hand.items():
        assert value.weights[name].item() == pytest.approx(weight, rel=1e-7)
        assert value.terms[name].item() == pytest.approx(term, rel=1e-12)
    total = sum(weight * term for weight, term in by_hand.values())
    assert value.total.item() == pytest.approx(total, rel=1e-7)
    assert all(term.shape == () for term in value.terms.values())


def test_alpha_zero_is_cross_entropy_alone():
    student, teacher, batch = _outputs()
    objective = Objective(label_weight=1.0, terms={"soft_targets": SoftTargets(weight=0.0)})
    value = objective(student, teacher, batch, NOW)
    expected = F.cross_entropy(student.logits, batch.y)
    torch.testing.assert_close(value.total, expected, rtol=1e-14, atol=0)
    ours, theirs = (
        torch.autograd.grad(v, student.logits, retain_graph=True)[0]
        for v in (value.total, expected)
    )
    torch.testing.assert_close(ours, theirs, rtol=1e-13, atol=0)


def test_alpha_one_is_the_teacher_alone():
    student, teacher, batch = _outputs()
    term = SoftTargets(weight=1.0)
    value = Objective(label_weight=0.0, terms={"soft_targets": term})(student, teacher, batch, NOW)
    expected = term(student, teacher, batch, NOW).mean()
    torch.testing.assert_close(value.total, expected, rtol=1e-14, atol=0)


@pytest.mark.parametrize("epoch", [0, 1, 2, 3])
def test_distillation_starts_exactly_at_its_epoch(epoch):
    student, teacher, batch = _outputs()
    value = _everything(start_epoch=2)(student, teacher, batch, torch.tensor(float(epoch)))
    weights = {name: round(float(weight), 6) for name, weight in value.weights.items()}
    constraints = {"parity": 0.6, "opportunity": 0.4}
    if epoch < 2:
        assert weights == {"labels": 1.0, "soft_targets": 0.0, "hint": 0.0, **constraints}
    else:
        assert weights == {"labels": 0.3, "soft_targets": 0.7, "hint": 0.5, **constraints}


def test_rows_count_as_they_weigh():
    student, teacher, batch = _outputs()
    weight = torch.arange(12.0).double()
    weighted = batch._replace(weight=weight)
    value = _everything()(student, teacher, weighted, NOW)
    rows = _cross_entropy(student.logits, batch.y)
    expected = sum(i * row for i, row in enumerate(rows)) / sum(range(12))
    assert value.terms["labels"].item() == pytest.approx(expected, rel=1e-13)
    # A row of weight 2 is two rows; a row of weight 0 is none.
    twice = torch.tensor([*range(11), 10])
    whole = batch._replace(weight=torch.tensor([1.0] * 10 + [2.0, 0.0]).double())
    for name in ("labels", "soft_targets", "hint"):
        once = _everything()(student, teacher, whole, NOW).terms[name]
        again = _everything()(student.rows(twice), teacher.rows(twice), batch.rows(twice), NOW)
        assert once.item() == pytest.approx(again.terms[name].item(), rel=1e-12)


def test_soft_labels_are_expected_over():
    student, _, batch = _outputs(classes=3)
    soft = torch.rand(12, 3, generator=torch.Generator().manual_seed(1)).double()
    soft = soft / soft.sum(1, keepdim=True)
    value = Objective()(student, None, batch._replace(y=soft), NOW)
    log_p = log_softmax(student.logits.detach().numpy(), axis=1)
    assert value.total.item() == pytest.approx(-(soft.numpy() * log_p).sum(1).mean(), rel=1e-13)
    hard = Objective()(student, None, batch, NOW).total
    one_hot = Objective()(student, None, batch._replace(y=F.one_hot(batch.y, 3).double()), NOW)
    torch.testing.assert_close(one_hot.total, hard, rtol=1e-13, atol=0)


def test_the_pull_to_the_start_is_the_squared_distance():
    student, _ = _models()
    batch = _batch()
    start = {name: p.detach().clone() for name, p in student.named_parameters()}
    objective = Objective(pull=0.25, start=start).double()
    with torch.no_grad():
        student.head.bias += torch.tensor([3.0, -1.0])
        student.get_parameter("hidden1.0.weight")[2, 1] += 2.0
    parameters = dict(student.named_parameters())
    value = objective(run(student, batch.x), None, batch, NOW, parameters)
    assert value.terms["pull_to_start"].item() == pytest.approx(9 + 1 + 4, rel=1e-12)
    assert value.weights["pull_to_start"].item() == 0.25
    labels = value.terms["labels"].item()
    assert value.total.item() == pytest.approx(labels + 0.25 * 14, rel=1e-12)
    pull = 0.25 * value.terms["pull_to_start"]
    gradients = torch.autograd.grad(pull, list(parameters.values()))
    for gradient, (name, parameter) in zip(gradients, parameters.items(), strict=True):
        expected = 2 * 0.25 * (parameter.detach() - start[name])
        torch.testing.assert_close(gradient, expected, rtol=1e-12, atol=1e-15)


def test_the_start_is_kept_and_not_trained():
    student, _ = _models()
    objective = Objective(pull=1.0, start=dict(student.named_parameters()))
    assert not any(p.requires_grad for p in objective.parameters())
    batch = _batch()
    with torch.no_grad():
        student.head.bias.zero_()
    moved = objective(run(student, batch.x), None, batch, NOW, dict(student.named_parameters()))
    assert moved.terms["pull_to_start"] > 0
    resting = Objective(pull=0.0, start=dict(student.named_parameters()))
    unmoved = resting(run(student, batch.x), None, batch, NOW, dict(student.named_parameters()))
    assert unmoved.weights["pull_to_start"] == 0  # a weight like every other, so members may differ
    with pytest.raises(ConfigError, match="needs the starting weights"):
        Objective(pull=1.0)


def test_constraints_hold_without_a_teacher():
    student, _, batch = _outputs()
    penalty = Penalty(BLOCKS, weight=2.0)
    value = Objective(constraints={"parity": penalty})(student, None, batch, NOW)
    expected = F.cross_entropy(student.logits, batch.y) + 2 * penalty(student, batch)
    torch.testing.assert_close(value.total, expected, rtol=1e-13, atol=0)


def test_missing_teacher_outputs_are_refused():
    student, _, batch = _outputs()
    with pytest.raises(ConfigError) as refused:
        _everything()(student, None, batch, NOW)
    assert str(refused.value) == (
        "The objective has distillation terms and was given no teacher outputs."
    )


@pytest.mark.parametrize(
    ("term", "constraint", "name"),
    [
        ("parity", "parity", "parity"),
        ("labels", "parity", "labels"),
        ("soft", "pull_to_start", "pull_to_start"),
    ],
)
def test_a_name_used_twice_is_refused(term, constraint, name):
    with pytest.raises(ConfigError) as refused:
        Objective(terms={term: SoftTargets()}, constraints={constraint: Penalty(BLOCKS)})
    assert str(refused.value) == (
        f"The name '{name}' is used twice in the objective; "
        "name each distillation term, constraint and mitigation differently."
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            {"label_weight": -1.0},
            "label_weight=-1.0 is out of range; accepted: a number of at least 0.",
        ),
        ({"pull": math.nan}, "pull=nan is out of range; accepted: a number of at least 0."),
        (
            {"start_epoch": 0.5},
            "start_epoch=0.5 is not a whole number; accepted: a whole number of at least 0.",
        ),
    ],
)
def test_what_cannot_work_is_refused(arguments, sentence):
    with pytest.raises(ConfigError) as refused:
        Objective(**arguments)
    assert str(refused.value) == sentence


def test_the_layers_that_terms_read_are_listed_once():
    objective = Objective(
        terms={
            "one": Hint(1.0, "hidden1", "hidden2"),
            "two": Hint(1.0, "hidden1", "hidden1"),
            "three": SoftTargets(),
        }
    )
    assert objective.student_features == ("hidden1",)
    assert objective.teacher_features == ("hidden2", "hidden1")
    assert objective.needs_teacher
    assert not Objective(constraints={"parity": Penalty(BLOCKS)}).needs_teacher


def test_a_term_over_the_batch_is_taken_as_it_is():
    class Whole(DistillationTerm):
        def forward(
            self, student: ModelOutputs, teacher: ModelOutputs, batch: Batch, epoch: Tensor
        ) -> Tensor:
            return (student.logits - teacher.logits).square().sum()

    student, teacher, batch = _outputs()
    weighted = batch._replace(weight=torch.arange(12.0).double())
    value = Objective(terms={"whole": Whole(0.5)})(student, teacher, weighted, NOW)
    expected = float((student.logits - teacher.logits).square().sum().detach())
    assert value.terms["whole"].item() == pytest.approx(expected, rel=1e-13)
