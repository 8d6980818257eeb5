"""Rates of recorded groups and labels, corrected for a known error, beside the clean ones."""

import numpy as np
import pytest
import torch
from torch import Tensor

from fairkd.data.batch import Batch
from fairkd.data.blocks import Blocks
from fairkd.data.flips import corrected, flipped
from fairkd.fairness.dual import Lagrangian
from fairkd.fairness.names import STATISTICS
from fairkd.fairness.penalty import Penalty
from fairkd.fairness.statistics import Rates, find_statistic
from fairkd.models.features import ModelOutputs

N, GROUPS, RATE, RECORDS = 4_000, 3, 0.2, 120


def people() -> tuple[Tensor, np.ndarray, np.ndarray]:
    """Probabilities, labels and groups that hang together, float64."""
    random = np.random.default_rng(0)
    group = random.integers(GROUPS, size=N)
    label = (random.random(N) < 0.2 + 0.25 * group).astype(np.int64)
    score = random.normal(size=N) + 1.2 * label + 0.6 * group - 1
    p = torch.sigmoid(torch.from_numpy(score))
    return torch.stack([1 - p, p], dim=1), label, group


def record(true: np.ndarray, n: int, seed: int) -> tuple[Tensor, Tensor]:
    """One-hot rows as recorded, and corrected."""
    cells = flipped(true, n, RATE, np.random.default_rng(seed))
    plain = np.eye(n, dtype=np.float32)[cells]
    return torch.from_numpy(plain), torch.from_numpy(corrected(plain, RATE, "rate", "cells"))


@pytest.mark.parametrize("statistic", STATISTICS)
def test_corrected_rates_are_the_clean_ones_and_others_shrink(statistic: str) -> None:
    p, label, group = people()
    rates = find_statistic(statistic)
    memberships = torch.eye(GROUPS)[torch.from_numpy(group)]
    clean = rates.rates(p, torch.from_numpy(label), memberships).value
    found: dict[str, list[Tensor]] = {"groups": [], "both": [], "uncorrected": []}
    for seed in range(RECORDS):
        plain, repaired = record(group, GROUPS, seed)
        _, y = record(label, 2, 1_000 + seed)
        hard = torch.from_numpy(label)
        found["uncorrected"].append(rates.rates(p, hard, plain).value)
        found["groups"].append(rates.rates(p, hard, repaired, corrected=True).value)
        found["both"].append(rates.rates(p, y, repaired, corrected=True).value)
    for name in ("groups", "both"):
        values = torch.stack(found[name])
        error = values.std(0) / RECORDS**0.5
        # A ratio of unbiased sums has a bias of the order of its variance.
        slack = 4 * error + 2 * values.var(0) / clean.abs().clamp(min=0.1)
        assert ((values.mean(0) - clean).abs() < slack).all(), name
    spread = clean.amax(-1) - clean.amin(-1)
    uncorrected = torch.stack(found["uncorrected"]).mean(0)
    if spread.max() > 0.05:
        left = (uncorrected.amax(-1) - uncorrected.amin(-1)) / spread
        assert (left[spread > 0.05] < 0.85).all()


@pytest.mark.parametrize("statistic", STATISTICS)
@pytest.mark.parametrize("labels", [False, True])
def test_the_noise_is_the_denominators_variance_over_records(statistic: str, labels: bool) -> None:
    p, label, group = (values[:400] for values in people())
    rates = find_statistic(statistic)
    sums = []
    for seed in range(600):
        _, repaired = record(group, GROUPS, seed)
        y = record(label, 2, 1_000 + seed)[1] if labels else torch.from_numpy(label)
        sums.append(rates.sums(p, y, repaired.double(), corrected=True))
    _, below, noise = torch.stack(sums, dim=1)
    # Errors are drawn without replacement, a fixed share of the rows, so a little less than apart.
    torch.testing.assert_close(noise.mean(0), below.var(0), rtol=0.3, atol=0.5)


@pytest.mark.parametrize("statistic", STATISTICS)
def test_what_is_not_corrected_has_no_noise(statistic: str) -> None:
    p, label, group = people()
    rates = find_statistic(statistic)
    y = torch.from_numpy(label)
    one_hot = torch.eye(GROUPS, dtype=p.dtype)[torch.from_numpy(group)]
    one_hot[::7] = 0
    assert (rates.sums(p, y, one_hot, corrected=True)[2] == 0).all()
    soft = torch.rand(N, GROUPS, dtype=p.dtype).softmax(-1)
    assert (rates.sums(p, y, soft, corrected=True)[2] <= 0).all()
    for memberships in (one_hot, soft):
        for of_one, of_other in zip(
            rates.rates(p, y, memberships),
            rates.rates(p, y, memberships, corrected=True),
            strict=True,
        ):
            assert torch.equal(of_one, of_other)


def test_a_rate_counts_where_its_denominator_is_told_from_nothing() -> None:
    value, noise = torch.tensor([[[1.0, 1.0, 1.0]]]), torch.tensor([[[0.24, 0.26, -3.0]]])
    rates = Rates.of(value / 2, value, noise)
    assert rates.defined.tolist() == [[[True, False, True]]]
    assert rates.value.tolist() == [[[0.5, 0.0, 0.5]]]
    assert rates.overall.tolist() == [[0.5]]
    negative = Rates.of(value, -value, torch.zeros(1, 1, 3))
    assert not negative.defined.any()


def test_sums_that_are_carried_on_are_told_from_nothing_sooner() -> None:
    """One batch says nothing of a rare group, and twenty of them do."""
    random = np.random.default_rng(3)
    group = (random.random(20 * 256) < 0.08).astype(np.int64)
    _, repaired = record(group, 2, 0)
    logits = torch.randn(len(group), 2, generator=torch.Generator().manual_seed(0))
    blocks = Blocks(Blocks.of({"sex": ["most", "few"]}).blocks, corrected=True)
    dual = Lagrangian(blocks, 2, running=0.95)
    epoch = torch.tensor(0.0)
    defined = []
    for rows in torch.arange(len(group)).split(256):
        batch = Batch(logits[rows], rows, repaired[rows], rows, torch.ones(256))
        batch = batch._replace(y=torch.zeros(256, dtype=torch.int64))
        outputs = ModelOutputs(logits[rows], {})
        alone = dual.rates(logits[rows].softmax(-1), batch).defined
        for name, state in dual.stepped(outputs, batch, epoch, None)[1].items():
            dual.get_buffer(name).copy_(state)
        defined.append((bool(alone[0, 0, 1]), bool(Rates.of(*dual.soft_sums).defined[0, 0, 1])))
    lone, carried = zip(*defined, strict=True)
    assert sum(lone) < 15
    assert all(carried[10:])


def test_the_penalty_of_corrected_rows_has_a_finite_gradient() -> None:
    """A batch in which a corrected denominator is all but 0."""
    memberships = torch.from_numpy(
        corrected(np.eye(2, dtype=np.float32)[[0, 1, 1, 1, 1]], 0.2, "rate", "cells")
    )
    assert abs(float(memberships[:, 0].sum())) < 1e-5
    blocks = Blocks(Blocks.of({"sex": ["few", "most"]}).blocks, corrected=True)
    logits = torch.randn(5, 2).requires_grad_()
    batch = Batch(
        logits, torch.tensor([0, 1, 0, 1, 0]), memberships, torch.arange(5), torch.ones(5)
    )
    Penalty(blocks)(ModelOutputs(logits, {}), batch).backward()
    assert logits.grad is not None
    assert (logits.grad == 0).all()
