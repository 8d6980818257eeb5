"""Every mitigation trains in a stack as it does alone, its state included."""

import copy
from collections.abc import Callable

import pytest
import torch

from fairkd.data.blocks import Blocks
from fairkd.fairness.adversarial import AdversarialDebiasing
from fairkd.fairness.balanced_sampling import BalancedSampling
from fairkd.fairness.group_dro import GroupDRO
from fairkd.fairness.laftr import LAFTR
from fairkd.fairness.mitigation import Mitigation
from fairkd.fairness.reweighing import Reweighing
from fairkd.fairness.tail import ChiSquare, CVaR
from fairkd.models.features import run
from fairkd.training.distil import Trained
from fairkd.training.stack.member import Member
from fairkd.training.stack.together import train_alone, train_stack

BLOCKS = Blocks.of({"sex": ["f", "m"], "race": ["a", "b", "c"]})
WEIGHTS = (0.0, 0.3, 1.0)
MITIGATIONS: dict[str, Callable[[float], Mitigation]] = {
    "adversarial": lambda w: AdversarialDebiasing(BLOCKS, 3, weight=w),
    "adversarial_by_label": lambda w: AdversarialDebiasing(
        BLOCKS, 3, by="race", given="label", weight=w, hidden=5
    ),
    "balanced_sampling": lambda w: BalancedSampling(BLOCKS, 3),
    "chi2_dro": lambda w: ChiSquare(0.1 + w),
    "cvar_dro": lambda w: CVaR(0.1 + 0.9 * w),
    "group_dro": lambda w: GroupDRO(BLOCKS, 3, by="race", of="group", rate=w),
    "group_and_label_dro": lambda w: GroupDRO(BLOCKS, 3, rate=w),
    "laftr": lambda w: LAFTR(BLOCKS, 3, layer="hidden1", weight=w),
    "laftr_by_label": lambda w: LAFTR(BLOCKS, 3, by="race", given="label", weight=w, hidden=5),
    "reweighing": lambda w: Reweighing(BLOCKS, 3, by="race"),
}


def _members(make_member: Callable[..., Member], name: str) -> list[Member]:
    members = [
        make_member(seed=seed, data=seed // 2, classes=3, gradient_clip_val=1.0)
        for seed in range(3)
    ]
    for one, weight in zip(members, WEIGHTS, strict=True):
        one.objective.mitigations["other"] = MITIGATIONS[name](weight)
        few = one.dataset.splits["train"].rows(slice(2))
        generator = torch.Generator().manual_seed(one.seed)
        with torch.inference_mode():
            outputs = run(one.model, few.x, one.objective.student_features)
        one.objective.mitigations.connect(outputs, generator)
        one.objective.mitigations.learn(one.dataset.splits)
    return members


@pytest.mark.parametrize("name", MITIGATIONS)
def test_a_stack_of_three_ends_as_they_end_alone(member: Callable[..., Member], name: str) -> None:
    members = _members(member, name)
    alone = [train_alone(copy.deepcopy(m)) for m in members]
    together = train_stack(members)
    for ours, theirs in zip(together, alone, strict=True):
        assert isinstance(ours, Trained)
        assert isinstance(theirs, Trained)
        assert ours.together == 3
        for path, value in theirs.model.state_dict().items():
            assert torch.equal(ours.model.state_dict()[path], value), path
        assert ours.fitted.history == [
            {key: row[key] for key in ours.fitted.history[0]} for row in theirs.fitted.history
        ]
