"""Batched products: other rounding, the same training."""

import copy
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from fairkd.training.distil import Trained
from fairkd.training.stack.member import Member
from fairkd.training.stack.together import Outcome, train_alone, train_stack

Make = Callable[..., Member]


def _weights(outcome: Outcome, together: int) -> torch.Tensor:
    assert isinstance(outcome, Trained)
    assert outcome.together == together
    return torch.cat([value.flatten() for value in outcome.model.state_dict().values()])


@pytest.mark.parametrize("hidden", [(16,), (5, 17)])
def test_fifty_steps_in_single_precision(member: Make, hidden: tuple[int, ...]) -> None:
    members = [
        replace(
            member(seed=s, temperature=t, hidden=hidden, max_epochs=12, monitor="val/loss"),
            exact=False,
        )
        for s in (0, 1)
        for t in (1.0, 4.0)
    ]
    alone = [train_alone(copy.deepcopy(one)) for one in members]
    for one, other in zip(train_stack(members), alone, strict=True):
        torch.testing.assert_close(
            _weights(one, len(members)), _weights(other, 1), atol=1e-5, rtol=0
        )


@pytest.mark.slow
def test_a_whole_run_in_double_precision(member: Make) -> None:
    members = [
        replace(
            member(seed=s, data=d, temperature=t, precision="64-true", max_epochs=40), exact=False
        )
        for s, d, t in ((0, 0, 1.0), (0, 0, 4.0), (1, 0, 4.0), (1, 3, 4.0), (0, 0, 8.0))
    ]
    alone = [train_alone(copy.deepcopy(one)) for one in members]
    for one, other in zip(train_stack(members), alone, strict=True):
        torch.testing.assert_close(
            _weights(one, len(members)), _weights(other, 1), atol=1e-8, rtol=0
        )
