"""Every way to enforce a bound trains in a stack as it does alone, multipliers included."""

import copy
from collections.abc import Callable

import pytest
import torch

from fairkd.data.blocks import Blocks
from fairkd.fairness.chi_square import ChiSquare
from fairkd.fairness.covariance import Covariance
from fairkd.fairness.dual import AugmentedLagrangian, Lagrangian, NuPI
from fairkd.fairness.fair_mixup import FairMixup
from fairkd.fairness.kernels import HSIC, MMD
from fairkd.fairness.mutual_information import PrejudiceRemover
from fairkd.fairness.names import DISPARITIES, SMOOTH, STATISTICS
from fairkd.fairness.penalty import Penalty
from fairkd.fairness.term import FairnessTerm
from fairkd.fairness.wasserstein import Wasserstein
from fairkd.training.distil import Trained
from fairkd.training.stack.member import Member
from fairkd.training.stack.together import train_alone, train_stack

BLOCKS = Blocks.of({"sex": ["f", "m"], "race": ["a", "b", "c"]})
KNOBS = ((0.02, 0.0), (0.1, 0.5), (0.3, 1.0))
DUALS: dict[str, Callable[[float, float], FairnessTerm]] = {
    "lagrangian": lambda bound, w: Lagrangian(
        BLOCKS, 3, by="race", threshold=bound, weight=w, running=0.5
    ),
    "nupi": lambda bound, w: NuPI(BLOCKS, 3, threshold=bound, weight=w, smoothing=0.25),
    "smooth": lambda bound, w: Lagrangian(
        BLOCKS,
        3,
        disparity="smooth_largest_difference",
        threshold=bound,
        weight=w,
        sharpness=20 + 40 * w,
    ),
    "augmented": lambda bound, w: AugmentedLagrangian(
        BLOCKS, 3, statistic="equalized_odds", threshold=bound, weight=w, rate=0.5 + w
    ),
}
DEPENDENCES: dict[str, Callable[[float, float], FairnessTerm]] = {
    "hsic": lambda width, w: HSIC(BLOCKS, "race", 50 * w, most_rows=100),
    "hsic_fixed": lambda width, w: HSIC(BLOCKS, "race", 50 * w, bandwidth=width),
    "mmd": lambda width, w: MMD(BLOCKS, "race", 5 * w),
    "mmd_label": lambda width, w: MMD(BLOCKS, "sex", 5 * w, "label", bandwidth=width),
    "wasserstein": lambda _, w: Wasserstein(BLOCKS, "race", w),
    "wasserstein_label": lambda _, w: Wasserstein(BLOCKS, "sex", w, "label"),
    "covariance": lambda _, w: Covariance(BLOCKS, "race", 10 * w),
    "margin": lambda _, w: Covariance(BLOCKS, "sex", 3 * w, of="margin"),
    "prejudice": lambda _, w: PrejudiceRemover(BLOCKS, "race", 10 * w),
    "chi_square": lambda _, w: ChiSquare(BLOCKS, "race", w),
    "fair_mixup": lambda _, w: FairMixup(BLOCKS, "race", w),
    "chi_square_fixed": lambda width, w: ChiSquare(BLOCKS, "sex", w, bandwidth=width),
}


def _check(members: list[Member]) -> None:
    alone = [train_alone(copy.deepcopy(m)) for m in members]
    together = train_stack(members)
    for ours, theirs in zip(together, alone, strict=True):
        assert isinstance(ours, Trained)
        assert isinstance(theirs, Trained)
        assert ours.together == 3
        for path, value in theirs.model.state_dict().items():
            assert torch.equal(ours.model.state_dict()[path], value), path
        for mine, its in zip(ours.fitted.history, theirs.fitted.history, strict=True):
            assert mine["train/bound"] == its["train/bound"]
            multipliers = [key for key in its if "multiplier" in key]
            assert [mine[key] for key in multipliers] == [its[key] for key in multipliers]


def _members(
    member: Callable[..., Member], make: Callable[[float, float], FairnessTerm], classes: int = 3
) -> list[Member]:
    members = [member(seed=seed, classes=classes, weight=None) for seed in range(3)]
    for one, (bound, weight) in zip(members, KNOBS, strict=True):
        one.objective.constraints["bound"] = make(bound, weight)
    return members


@pytest.mark.parametrize("name", DUALS)
def test_multipliers_of_a_stack_are_those_of_its_members(
    member: Callable[..., Member], name: str
) -> None:
    members = _members(member, DUALS[name])
    _check(members)
    started = DUALS[name](*KNOBS[1]).get_buffer("multipliers")
    moved = train_alone(copy.deepcopy(_members(member, DUALS[name])[1]))
    assert isinstance(moved, Trained)
    assert moved.fitted.history[-1]["train/bound"] != 0.0
    assert {f"val/bound/multiplier/{place}" for place in range(3)} <= set(moved.fitted.history[0])
    assert started.shape[-1] == 3


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("name", DEPENDENCES)
def test_every_measure_of_dependence_stacks(
    member: Callable[..., Member], name: str, classes: int
) -> None:
    _check(_members(member, DEPENDENCES[name], classes))


@pytest.mark.parametrize("statistic", STATISTICS)
def test_every_statistic_stacks(member: Callable[..., Member], statistic: str) -> None:
    _check(
        _members(
            member, lambda bound, w: Penalty(BLOCKS, "race", statistic, threshold=bound, weight=w)
        )
    )


@pytest.mark.parametrize("disparity", [*DISPARITIES, *SMOOTH])
def test_every_disparity_stacks(member: Callable[..., Member], disparity: str) -> None:
    _check(
        _members(
            member,
            lambda bound, w: Penalty(
                BLOCKS, "race", disparity=disparity, threshold=bound, weight=w, reference="b"
            ),
        )
    )


@pytest.mark.parametrize("by", ["sex", "race"])
def test_a_student_with_dropout_that_is_asked_twice_trains_alone(
    member: Callable[..., Member], by: str, caplog: pytest.LogCaptureFixture
) -> None:
    members = [member(seed=seed, weight=None, dropout=0.2) for seed in range(2)]
    for one in members:
        one.objective.constraints["bound"] = FairMixup(BLOCKS, by, 0.5)
    for ours in train_stack(members):
        assert isinstance(ours, Trained)
        assert ours.together == 1
    assert "train one by one" in caplog.text
