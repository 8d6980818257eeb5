import math
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from sklearn.linear_model import LogisticRegression
from torch import Tensor

from fairkd.data.batch import Batch
from fairkd.data.blocks import Blocks
from fairkd.errors import ConfigError
from fairkd.fairness.adversarial import AdversarialDebiasing
from fairkd.fairness.laftr import LAFTR, reversed_gradient
from fairkd.fairness.mitigation import Adversary
from fairkd.fairness.mitigations import Mitigations
from fairkd.fairness.penalty import Penalty
from fairkd.models.features import ModelOutputs

BLOCKS = Blocks.of({"sex": ["f", "m"], "race": ["a", "b", "c"]})
NOW, JUDGING = torch.tensor(0.0), torch.tensor(torch.inf)
Make = Callable[..., Adversary]


def _adversarial(**knobs) -> AdversarialDebiasing:
    return AdversarialDebiasing(BLOCKS, 2, **knobs)


def _laftr(**knobs) -> LAFTR:
    return LAFTR(BLOCKS, 2, **{"layer": "hidden1", "hidden": 4, **knobs})


BOTH = pytest.mark.parametrize("make", [_adversarial, _laftr])


def _case(rows: int = 24, seed: int = 0) -> tuple[ModelOutputs, Batch]:
    g = torch.Generator().manual_seed(seed)
    sex = torch.eye(2)[torch.randint(2, (rows,), generator=g)]
    race = torch.eye(3)[torch.randint(3, (rows,), generator=g)]
    sex[::6] = 0.0
    batch = Batch(
        torch.zeros(rows, 1).double(), torch.randint(2, (rows,), generator=g),
        torch.cat([sex, race], 1).double(), torch.arange(rows),
        torch.rand(rows, generator=g).double() + 0.5,
    )  # fmt: skip
    logits = torch.randn(rows, 2, generator=g).double() + 2 * race[:, :2].double()
    hidden = torch.randn(rows, 5, generator=g).double() + race[:, :1].double()
    return ModelOutputs(logits, {"hidden1": hidden}), batch


def _connected(adversary: Adversary, outputs: ModelOutputs, seed: int = 0) -> Adversary:
    adversary.double()
    adversary.connect(outputs, torch.Generator().manual_seed(seed))
    return adversary


def _attached(outputs: ModelOutputs) -> ModelOutputs:
    features = {name: value.clone().requires_grad_() for name, value in outputs.features.items()}
    return ModelOutputs(outputs.logits.clone().requires_grad_(), features)


def _gradient(value: Tensor, of: Tensor) -> Tensor:
    (found,) = torch.autograd.grad(value, of, retain_graph=True, allow_unused=True)
    return torch.zeros_like(of) if found is None else found


def test_the_adversarys_loss_is_its_cross_entropy_with_the_group():
    outputs, batch = _case()
    adversary = _adversarial(by="race", hidden=3)
    _connected(adversary, outputs)
    first, last = adversary.predictor.layers
    total = weight = 0.0
    for i in range(batch.size):
        z = outputs.logits[i] - outputs.logits[i].mean()
        guess = last.weight @ (first.weight @ z + first.bias).relu() + last.bias
        loss = F.cross_entropy(guess, batch.group[i, 2:].argmax()).detach()
        total += float(batch.weight[i] * loss)
        weight += float(batch.weight[i])
    contest = adversary(outputs, batch, NOW)
    assert contest.opponent is not None
    for value in (contest.value, contest.opponent.loss):
        assert float(value.detach()) == pytest.approx(total / weight, rel=1e-9)
    assert (float(contest.weight), float(contest.opponent.weight)) == (1.0, 1.0)


def test_given_the_label_the_logits_stand_in_a_place_for_each_label():
    outputs, batch = _case()
    adversary = _adversarial(given="label")
    _connected(adversary, outputs)
    (layer,) = adversary.predictor.layers
    assert layer.weight.shape == (2, 2 * 2 + 2)
    total = weight = 0.0
    for i in range(batch.size):
        if batch.group[i, :2].sum() == 0:
            continue
        y, z = int(batch.y[i]), outputs.logits[i] - outputs.logits[i].mean()
        # Column c * L + y has logit c of rows with label y; the last columns are the label.
        own = layer.weight[:, [y, 2 + y]] @ z + layer.weight[:, 4 + y] + layer.bias
        loss = F.cross_entropy(own, batch.group[i, :2].argmax()).detach()
        total += float(batch.weight[i] * loss)
        weight += float(batch.weight[i])
    assert float(adversary(outputs, batch, NOW).value.detach()) == pytest.approx(
        total / weight, rel=1e-9
    )


def test_trained_out_the_linear_adversary_is_a_logistic_regression():
    outputs, batch = _case(rows=200)
    adversary = _adversarial(by="race")
    _connected(adversary, outputs)
    steps = torch.optim.LBFGS(adversary.parameters(), max_iter=500, tolerance_change=1e-12)

    def closure() -> Tensor:
        steps.zero_grad()
        loss: Tensor = adversary.guess_loss(outputs.logits, batch)
        loss.backward()
        return loss

    steps.step(closure)
    z = (outputs.logits - outputs.logits.mean(1, keepdim=True)).numpy()
    race = batch.group[:, 2:].argmax(1)
    oracle = LogisticRegression(C=1e8, tol=1e-10, max_iter=5000)
    oracle.fit(z, race.numpy(), sample_weight=batch.weight.numpy())
    log_p = torch.from_numpy(oracle.predict_log_proba(z))
    expected = -(batch.weight * log_p[torch.arange(200), race]).sum() / batch.weight.sum()
    found = adversary.guess_loss(outputs.logits, batch)
    assert float(found.detach()) == pytest.approx(float(expected), abs=1e-6)


@pytest.mark.parametrize("given", ["nothing", "label"])
def test_laftrs_error_lets_every_group_count_alike(given):
    outputs, batch = _case()
    laftr = _laftr(given=given, hidden=0)
    _connected(laftr, outputs)
    (layer,) = laftr.predictor.layers
    errors: dict[tuple[int, int], list[tuple[float, float]]] = {}
    for i in range(batch.size):
        if batch.group[i, :2].sum() == 0:
            continue
        g, y = int(batch.group[i, :2].argmax()), int(batch.y[i])
        x = outputs.features["hidden1"][i]
        if given == "label":
            x = torch.cat([x, torch.eye(2).double()[y]])
        p = float((layer.weight @ x + layer.bias).softmax(0)[g].detach())
        key = (g, y if given == "label" else 0)
        errors.setdefault(key, []).append((float(batch.weight[i]), 1 - p))
    means = [sum(w * e for w, e in seen) / sum(w for w, _ in seen) for seen in errors.values()]
    contest = laftr(outputs, batch, NOW)
    assert contest.opponent is None
    assert float(contest.value.detach()) == pytest.approx(sum(means) / len(means), rel=1e-9)


def test_laftr_reverses_the_students_gradient_and_not_its_own():
    outputs, batch = _case()
    laftr = _laftr(weight=2.5)
    _connected(laftr, outputs)
    student = _attached(outputs)
    hidden = student.features["hidden1"]
    value = laftr(student, batch, NOW).value
    plain = laftr.guess_error(hidden, batch)
    assert torch.equal(value, plain)
    torch.testing.assert_close(_gradient(value, hidden), -2.5 * _gradient(plain, hidden))
    for parameter in laftr.parameters():
        torch.testing.assert_close(_gradient(value, parameter), _gradient(plain, parameter))
    assert torch.autograd.gradcheck(lambda x: laftr.guess_error(x, batch), (hidden,))
    x = torch.tensor([1e30, -3.0, 0.1])
    assert torch.equal(reversed_gradient(x, torch.tensor(7.0)), x)


def test_the_debiasing_adversary_learns_on_outputs_that_it_cannot_change():
    outputs, batch = _case()
    adversary = _connected(_adversarial(hidden=3, weight=4.0), outputs)
    student = _attached(outputs)
    contest = adversary(student, batch, NOW)
    assert contest.opponent is not None
    assert not _gradient(contest.value, student.logits).any()
    assert _gradient(contest.opponent.loss, student.logits).any()
    assert float(contest.opponent.weight) == 4.0
    assert all(_gradient(contest.value, p).any() for p in adversary.parameters())
    assert torch.autograd.gradcheck(
        lambda z: adversary(ModelOutputs(z, {}), batch, NOW).opponent.loss, (student.logits,)
    )
    # Only what a prediction shows is seen: the logits' mean says nothing.
    pulled = _gradient(contest.opponent.loss, student.logits)
    torch.testing.assert_close(pulled.sum(1), torch.zeros(24).double(), rtol=0, atol=1e-12)


@BOTH
@pytest.mark.parametrize("given", ["nothing", "label"])
def test_rows_of_unknown_group_are_not_asked_about(make: Make, given):
    outputs, batch = _case()
    adversary = _connected(make(given=given), outputs)
    known = batch.group[:, :2].sum(1) > 0
    fewer = outputs.rows(known.nonzero().squeeze(1))
    value = adversary(outputs, batch, NOW).value
    torch.testing.assert_close(adversary(fewer, batch.rows(known), NOW).value, value)
    nobody = batch._replace(group=torch.zeros_like(batch.group))
    student = _attached(outputs)
    contest = adversary(student, nobody, NOW)
    assert float(contest.value.detach()) == 0.0
    for of in (student.logits, student.features["hidden1"], *adversary.parameters()):
        assert torch.equal(_gradient(contest.value, of), torch.zeros_like(of))
    assert float(adversary(outputs, nobody, JUDGING).value.detach()) == 0.0


@BOTH
@pytest.mark.parametrize("by", ["sex", "race"])
def test_an_absent_group_leaves_a_number(make: Make, by):
    outputs, batch = _case()
    adversary = _connected(make(by=by), outputs)
    column = 0 if by == "sex" else 2
    rows = (batch.group[:, column] == 1).nonzero().squeeze(1)
    student = _attached(outputs.rows(rows))
    contest = adversary(student, batch.rows(rows), NOW)
    assert contest.value.isfinite()
    assert all(_gradient(contest.value, p).isfinite().all() for p in adversary.parameters())
    assert float(adversary(student, batch.rows(rows), JUDGING).value.detach()) == 0.0


@BOTH
def test_the_order_of_rows_and_of_groups_says_nothing(make: Make):
    outputs, batch = _case()
    adversary = _connected(make(given="label"), outputs)
    value = adversary(outputs, batch, NOW).value
    order = torch.randperm(24, generator=torch.Generator().manual_seed(0))
    shuffled = adversary(outputs.rows(order), batch.rows(order), NOW).value
    torch.testing.assert_close(shuffled, value)
    last = adversary.get_submodule("predictor").layers[-1]  # type: ignore[index]
    with torch.no_grad():
        for parameter in last.parameters():
            parameter.copy_(parameter.flip(0))
    swapped = batch._replace(group=batch.group[:, [1, 0, 2, 3, 4]])
    torch.testing.assert_close(adversary(outputs, swapped, NOW).value, value)


@BOTH
@pytest.mark.parametrize(("given", "statistic"), [("nothing", "selection_rate"), ("label", None)])
def test_epochs_are_compared_by_the_gap_that_is_to_close(make: Make, given, statistic):
    outputs, batch = _case()
    adversary = _connected(make(by="race", given=given, weight=3.0), outputs)
    contest = adversary(outputs, batch, JUDGING)
    names = [statistic] if statistic else ["true_positive_rate", "false_positive_rate"]
    gaps = [float(Penalty(BLOCKS, "race", name)(outputs, batch)) for name in names]
    assert float(contest.value.detach()) == pytest.approx(max(gaps), rel=1e-6)
    assert float(contest.weight) == 3.0
    assert float(adversary(outputs, batch, NOW).weight) == 1.0


@BOTH
def test_initial_weights_are_the_generators_alone(make: Make):
    outputs, _ = _case()
    before = torch.get_rng_state()
    one, same, other = (_connected(make(hidden=6), outputs, seed) for seed in (0, 0, 1))
    assert torch.equal(torch.get_rng_state(), before)
    for name, value in one.named_parameters():
        assert torch.equal(value, same.get_parameter(name))
        assert not torch.equal(value, other.get_parameter(name))
        assert value.dtype == torch.float64
        fan_in = 6 if name.startswith("predictor.layers.1") else (2 if make is _adversarial else 5)
        assert value.abs().max() <= 1 / math.sqrt(fan_in)


def test_the_order_of_mitigations_does_not_change_what_they_start_from():
    outputs, _ = _case()
    started = []
    for names in (("one", "two"), ("two", "one")):
        made = {"one": _adversarial(), "two": _laftr()}
        mitigations = Mitigations({name: made[name] for name in names}).double()
        mitigations.connect(outputs, torch.Generator().manual_seed(0))
        started.append(dict(mitigations.named_parameters()))
    assert all(torch.equal(value, started[1][name]) for name, value in started[0].items())


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: _adversarial(weight=-1), "weight=-1 is out of range; accepted: a number of at le"),
        (lambda: _adversarial(given="y"), "given=y is not known; accepted: nothing, label."),
        (lambda: _adversarial(hidden=-1), "hidden=-1 is out of range; accepted: a whole number o"),
        (lambda: _adversarial(by="age"), "Unknown group block 'age'. Accepted: race, sex."),
        (lambda: _laftr(given="y"), "given=y is not known; accepted: nothing, label."),
        (
            lambda: Mitigations({"a": _adversarial(), "b": _adversarial(by="race")}),
            "mitigation=[a,b] turns the student's gradient away from 2 adversaries; choose one of ",
        ),
    ],
)
def test_what_cannot_work_is_refused(make, sentence):
    with pytest.raises(ConfigError) as refused:
        make()
    assert str(refused.value).startswith(sentence)
