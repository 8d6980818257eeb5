import pytest
import torch
from torch import Tensor

from fairkd.data.batch import Batch
from fairkd.data.blocks import Blocks
from fairkd.errors import ConfigError
from fairkd.fairness.names import STATISTICS
from fairkd.fairness.penalty import Penalty
from fairkd.fairness.statistics import find_statistic
from fairkd.models.features import ModelOutputs
from fairkd.models.probabilities import probabilities

SEX = Blocks.of({"sex": ["f", "m"]})


def _batch(y: list[int], group: list[list[float]]) -> Batch:
    n = len(y)
    return Batch(
        x=torch.zeros(n, 1).double(),
        y=torch.tensor(y),
        group=torch.tensor(group, dtype=torch.float64).reshape(n, -1),
        index=torch.arange(n),
        weight=torch.ones(n).double(),
    )


def _outputs(p: list[list[float]]) -> ModelOutputs:
    """Logits whose softmax is the given probabilities."""
    return ModelOutputs(torch.tensor(p, dtype=torch.float64).log().requires_grad_(), {})


def _value_and_gradient(
    penalty: Penalty, outputs: ModelOutputs, batch: Batch
) -> tuple[float, Tensor]:
    value = penalty(outputs, batch)
    assert value.shape == ()
    (gradient,) = torch.autograd.grad(value, outputs.logits)
    return float(value.detach()), gradient


# f: 0.8 and 0.4 (labels 1, 0); m: 0.3 and 0.1 (labels 1, 0)
FOUR = _batch([1, 0, 1, 0], [[1, 0], [1, 0], [0, 1], [0, 1]])
P = [[0.2, 0.8], [0.6, 0.4], [0.7, 0.3], [0.9, 0.1]]


@pytest.mark.parametrize(
    ("statistic", "gaps"),
    [
        ("selection_rate", [0.4]),
        ("true_positive_rate", [0.5]),
        ("false_positive_rate", [0.3]),
        ("equalized_odds", [0.5, 0.3]),
        ("accuracy", [0.1]),  # f: (0.8 + 0.6) / 2, m: (0.3 + 0.9) / 2
    ],
)
@pytest.mark.parametrize("threshold", [0.0, 0.125, 0.375])
def test_known_values(statistic, gaps, threshold):
    penalty = Penalty(SEX, statistic=statistic, threshold=threshold)
    value, _ = _value_and_gradient(penalty, _outputs(P), FOUR)
    assert value == pytest.approx(sum(max(gap - threshold, 0.0) for gap in gaps), abs=1e-12)


def test_classes_take_the_worst_and_conditions_add_up():
    # Group f is one row of class 0, group m one of class 0 and one of class 1.
    batch = _batch([0, 0, 1], [[1, 0], [0, 1], [0, 1]])
    p = [[0.5, 0.3, 0.2], [0.1, 0.2, 0.7], [0.4, 0.4, 0.2]]
    # Selection: class 0: 0.5 - 0.25, class 1: 0.3 - 0.3, class 2: 0.2 - 0.45.
    assert float(Penalty(SEX)(_outputs(p), batch).detach()) == pytest.approx(0.25, abs=1e-12)
    # True positives: class 0: 0.5 - 0.1; the others have no rows in f.
    # False positives: class 0 none in f; class 1: 0.3 - 0.2; class 2: 0.2 - 0.45.
    odds = Penalty(SEX, statistic="equalized_odds", threshold=0.05)
    assert float(odds(_outputs(p), batch).detach()) == pytest.approx(0.35 + 0.2, abs=1e-8)


def test_temperature_one_whatever_the_scale_of_logits_means():
    outputs = _outputs(P)
    shifted = ModelOutputs(outputs.logits.detach() + 100.0, {})
    assert float(Penalty(SEX)(shifted, FOUR)) == pytest.approx(0.4, abs=1e-12)


@pytest.mark.parametrize("statistic", STATISTICS)
@pytest.mark.parametrize(
    "group",
    [
        pytest.param([[0, 0]] * 4, id="no row has a group"),
        pytest.param([[1, 0]] * 4, id="one group only"),
        pytest.param([[0, 1], [0, 0], [0, 1], [0, 0]], id="one group, some missing"),
    ],
)
def test_absent_groups_cost_nothing_and_leave_a_zero_gradient(statistic, group):
    value, gradient = _value_and_gradient(
        Penalty(SEX, statistic=statistic), _outputs(P), _batch([1, 0, 1, 0], group)
    )
    assert value == 0.0
    assert torch.equal(gradient, torch.zeros(4, 2).double())


def test_a_group_without_positives_has_no_true_positive_rate():
    batch = _batch([1, 0, 0, 0], [[1, 0], [1, 0], [0, 1], [0, 1]])
    opportunity = Penalty(SEX, statistic="true_positive_rate")
    value, gradient = _value_and_gradient(opportunity, _outputs(P), batch)
    assert value == 0.0
    assert torch.equal(gradient, torch.zeros(4, 2).double())
    # Of equalized odds the false positive rates are left: 0.4 against (0.3 + 0.1) / 2.
    value, gradient = _value_and_gradient(
        Penalty(SEX, statistic="equalized_odds"), _outputs(P), batch
    )
    assert value == pytest.approx(0.2, abs=1e-12)
    assert gradient.isfinite().all()
    assert torch.equal(gradient[0], torch.zeros(2).double())


def test_an_absent_group_of_three_leaves_the_other_two_as_they_are():
    three = Blocks.of({"race": ["a", "b", "c"]})
    batch = _batch([1, 0, 1, 0], [[1, 0, 0], [1, 0, 0], [0, 0, 1], [0, 0, 1]])
    value, gradient = _value_and_gradient(Penalty(three), _outputs(P), batch)
    of_two, gradient_of_two = _value_and_gradient(Penalty(SEX), _outputs(P), FOUR)
    assert value == of_two
    assert torch.equal(gradient, gradient_of_two)


@pytest.mark.parametrize("extreme", [0.0, 1e4])
def test_equal_and_extreme_logits_stay_finite(extreme):
    logits = torch.tensor([[extreme, 0], [0, extreme], [0, 0], [extreme, 0]]).double()
    for statistic in STATISTICS:
        outputs = ModelOutputs(logits.clone().requires_grad_(), {})
        value, gradient = _value_and_gradient(Penalty(SEX, statistic=statistic), outputs, FOUR)
        assert 0.0 <= value <= (2.0 if find_statistic(statistic).bounded else 1000.0)
        assert gradient.isfinite().all()


@pytest.mark.parametrize("statistic", STATISTICS)
@pytest.mark.parametrize("room", [0.0, 0.125])
def test_inside_the_bound_and_on_it_nothing_is_paid_and_nothing_pulls(statistic, room):
    penalty = Penalty(SEX, statistic=statistic)
    outputs = _outputs(P)
    gap = penalty.measured(probabilities(outputs.logits.detach()), FOUR)
    penalty.threshold = gap + room  # bit for bit the gap, where room is 0
    value, gradient = _value_and_gradient(penalty, outputs, FOUR)
    assert value == 0.0
    assert torch.equal(gradient, torch.zeros(4, 2).double())
    penalty.threshold = gap - 0.01
    value, gradient = _value_and_gradient(penalty, outputs, FOUR)
    assert value == pytest.approx(0.01, abs=1e-12)
    assert gradient.abs().sum() > 0


@pytest.mark.parametrize("statistic", STATISTICS)
def test_a_step_down_the_gradient_closes_the_gap(statistic):
    penalty = Penalty(SEX, statistic=statistic)
    outputs = _outputs(P)
    value, gradient = _value_and_gradient(penalty, outputs, FOUR)
    stepped = ModelOutputs(outputs.logits.detach() - 0.05 * gradient, {})
    assert 0 < float(penalty(stepped, FOUR)) < value


def test_selection_gradient_lowers_the_larger_rate_and_raises_the_smaller():
    _, gradient = _value_and_gradient(Penalty(SEX), _outputs(P), FOUR)
    assert (gradient[:2, 1] > 0).all()  # f is selected more often
    assert (gradient[2:, 1] < 0).all()


def test_gradients_are_those_of_finite_differences():
    for statistic in STATISTICS:
        penalty = Penalty(SEX, statistic=statistic, threshold=0.01).double()
        assert torch.autograd.gradcheck(
            lambda z, penalty=penalty: penalty(ModelOutputs(z, {}), FOUR),
            (_outputs(P).logits,),
        )


def test_blocks_never_mix():
    g = torch.Generator().manual_seed(0)
    n = 60
    sex = torch.eye(2).double()[torch.randint(2, (n,), generator=g)]
    race = torch.eye(3).double()[torch.randint(3, (n,), generator=g)]
    y = torch.randint(2, (n,), generator=g).tolist()
    outputs = ModelOutputs(torch.randn(n, 2, generator=g).double(), {})
    both = Blocks.of({"sex": ["f", "m"], "race": ["a", "b", "c"]})
    together = _batch(y, torch.cat([sex, race], 1).tolist())
    for by, statistic, block, columns in (
        ("sex", "selection_rate", SEX, sex),
        ("race", "true_positive_rate", Blocks.of({"race": ["a", "b", "c"]}), race),
    ):
        found = Penalty(both, by=by, statistic=statistic)(outputs, together)
        alone = Penalty(block, statistic=statistic)(outputs, _batch(y, columns.tolist()))
        assert float(found) == float(alone) > 0


def test_row_order_and_group_names_are_without_meaning():
    value = float(Penalty(SEX)(_outputs(P), FOUR).detach())
    rows = torch.tensor([2, 0, 3, 1])
    shuffled = ModelOutputs(_outputs(P).logits.detach()[rows], {})
    assert float(Penalty(SEX)(shuffled, FOUR.rows(rows))) == pytest.approx(value, rel=1e-14)
    swapped = FOUR._replace(group=FOUR.group.flip(1))
    assert float(Penalty(SEX)(_outputs(P), swapped).detach()) == value


def test_measured_is_the_worst_gap_of_hard_decisions():
    decisions = torch.tensor([[0, 1], [0, 1], [0, 1], [1, 0]]).double()
    # f: both positives found, both negatives taken; m: the positive found, the negative not.
    assert float(Penalty(SEX, threshold=0.4).measured(decisions, FOUR)) == 0.5
    assert float(Penalty(SEX, statistic="true_positive_rate").measured(decisions, FOUR)) == 0.0
    assert float(Penalty(SEX, statistic="equalized_odds").measured(decisions, FOUR)) == 1.0


def test_hyperparameters_are_buffers_and_the_first_block_is_the_default():
    both = Blocks.of({"sex": ["f", "m"], "race": ["a", "b", "c"]})
    penalty = Penalty(both, threshold=0.125, weight=2)
    assert {name: float(value) for name, value in penalty.named_buffers()} == {
        "threshold": 0.125,
        "weight": 2.0,
    }
    assert penalty.block.name == "sex"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"by": "rase"}, "Unknown group block 'rase'. Accepted: sex."),
        (
            {"threshold": 1.5},
            "threshold=1.5 is out of range; accepted: a number from 0 to 1.",
        ),
        ({"weight": -1}, "weight=-1 is out of range; accepted: a number of at least 0."),
        (
            {"statistic": "accurcy"},
            "Unknown statistic 'accurcy'; did you mean 'accuracy'? Accepted: accuracy, "
            "equalized_odds, f1, false_omission_rate, false_positive_rate, loss, "
            "positive_predictive_value, selection_rate, treatment_equality, true_positive_rate.",
        ),
    ],
)
def test_what_cannot_work_is_refused(arguments, sentence):
    with pytest.raises(ConfigError) as refused:
        Penalty(SEX, **arguments)
    assert str(refused.value) == sentence
