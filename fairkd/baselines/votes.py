"""A mixture's learners as one module, so that their cost is counted as any model's is."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from sklearn.dummy import DummyClassifier
from torch import Tensor, nn

from fairkd.evaluation.compression import Cost, cost, latency


def cost_of(
    learners: Sequence[Any], shares: Sequence[float], example: Tensor, repeats: int
) -> Cost:
    """What deciding by these learners costs.

    Linear ones are counted and timed as one linear layer of torch, as the other models are; of
    others the bytes are those of scikit-learn's objects, written by skops, the time is theirs, and
    their parameters and multiply-adds are not counted.

    Args:
        learners: fitted; those that decide all rows alike cost nothing.
        shares: how often each decides.
        example: one row, shape ``[1, ...]``.
        repeats: timed passes, as `fairkd.evaluation.compression.latency` takes them.
    """
    pairs = [
        (learner, share)
        for learner, share in zip(learners, shares, strict=True)
        if not isinstance(learner, DummyClassifier)
    ]
    varying, weights = [learner for learner, _ in pairs], [share for _, share in pairs]
    linear = bool(varying) and all(map(_is_linear, varying))
    module = LinearVotes(varying, weights) if linear else Votes(varying, weights)
    return cost(module, example, latency(module, example, repeats))


class LinearVotes(nn.Module):
    """The share of linear learners that decide a row positive.

    Args:
        learners: fitted, each with ``coef_`` of shape ``[1, D]`` or ``[D]``, and ``intercept_``.
        shares: how often each decides.
    """

    shares: Tensor

    def __init__(self, learners: Sequence[Any], shares: Sequence[float]) -> None:
        super().__init__()
        weight = torch.from_numpy(np.concatenate([np.atleast_2d(one.coef_) for one in learners]))
        bias = torch.from_numpy(np.concatenate([np.atleast_1d(one.intercept_) for one in learners]))
        self.scores = nn.Linear(weight.shape[1], len(weight))
        self.scores.weight = nn.Parameter(weight.float())
        self.scores.bias = nn.Parameter(bias.float())
        self.register_buffer("shares", torch.tensor(shares, dtype=torch.float32))

    def forward(self, x: Tensor) -> Tensor:
        """Shape ``[B]``."""
        votes: Tensor = (self.scores(x.flatten(1)) > 0).to(x.dtype)
        return votes @ self.shares


class Votes(nn.Module):
    """The same of any learners, which run as scikit-learn has them.

    Args:
        learners: fitted; none is a constant decision.
        shares: how often each decides.
    """

    fitted: Tensor

    def __init__(self, learners: Sequence[Any], shares: Sequence[float]) -> None:
        import skops.io

        super().__init__()
        self._learners = list(learners)
        self._shares = list(shares)
        content = skops.io.dumps(self._learners) if learners else b""
        self.register_buffer("fitted", torch.from_numpy(np.frombuffer(content, np.uint8).copy()))

    def forward(self, x: Tensor) -> Tensor:
        """Shape ``[B]``."""
        rows = x.flatten(1).numpy()
        found = np.zeros(len(rows))
        for learner, share in zip(self._learners, self._shares, strict=True):
            found += share * learner.predict(rows)
        return torch.from_numpy(found)


def _is_linear(learner: Any) -> bool:
    coefficients = getattr(learner, "coef_", None)
    return isinstance(coefficients, np.ndarray) and len(np.atleast_2d(coefficients)) == 1
