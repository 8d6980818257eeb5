"""A mixture of learners is counted as one model."""

import numpy as np
import torch
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from fairkd.baselines.votes import LinearVotes, Votes, cost_of

SHARES = [0.2, 0.5, 0.3]


def _fitted(kind):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(80, 3)).astype(np.float32)
    labels = [
        (x @ w + b > 0).astype(int)
        for w, b in zip(rng.normal(size=(3, 3)), (0, 1, -1), strict=True)
    ]
    return x, [kind().fit(x, y) for y in labels]


def test_linear_votes_are_those_of_the_learners():
    x, learners = _fitted(LogisticRegression)
    expected = sum(s * one.predict(x) for s, one in zip(SHARES, learners, strict=True))
    found = LinearVotes(learners, SHARES)(torch.from_numpy(x))
    np.testing.assert_allclose(found.detach().numpy(), expected, atol=1e-6)
    same = Votes(learners, SHARES)(torch.from_numpy(x))
    np.testing.assert_allclose(same.numpy(), expected, atol=1e-12)


def test_what_a_mixture_costs_is_the_sum_of_its_learners():
    x, learners = _fitted(LogisticRegression)
    example = torch.from_numpy(x[:1])
    price = cost_of(learners, SHARES, example, repeats=1)
    assert (price.parameters, price.multiply_adds, price.not_counted) == (12, 9, ())
    assert price.nonzero == 12
    assert price.latency_ms_batch_1 > 0
    one = cost_of(learners[:1], [1.0], example, repeats=1)
    assert (one.parameters, one.multiply_adds) == (4, 3)
    assert one.bytes < price.bytes


def test_a_learner_that_decides_all_rows_alike_costs_nothing():
    x, learners = _fitted(LogisticRegression)
    constant = DummyClassifier(strategy="constant", constant=1).fit(x, np.ones(80))
    example = torch.from_numpy(x[:1])
    mixed = cost_of([*learners[:2], constant], SHARES, example, repeats=1)
    assert mixed.parameters == 8
    alone = cost_of([constant], [1.0], example, repeats=1)
    assert (alone.parameters, alone.multiply_adds) == (0, 0)


def test_other_learners_are_counted_by_their_bytes():
    x, learners = _fitted(DecisionTreeClassifier)
    example = torch.from_numpy(x[:1])
    price = cost_of(learners, SHARES, example, repeats=1)
    assert (price.parameters, price.not_counted) == (0, ("Votes",))
    assert price.bytes > cost_of(learners[:1], [1.0], example, repeats=1).bytes > 500
