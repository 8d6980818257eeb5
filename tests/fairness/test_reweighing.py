from collections.abc import Sequence

import pytest
import torch

from fairkd.data.batch import Batch
from fairkd.data.blocks import Blocks
from fairkd.errors import ConfigError
from fairkd.fairness.reweighing import Reweighing, independence_weights

NOW = torch.tensor(0.0)
SEX = Blocks.of({"sex": ["f", "m"]})
BOTH = Blocks.of({"race": ["a", "b", "c"], "sex": ["f", "m"]})


def _batch(
    y: torch.Tensor | Sequence[object], group: Sequence[Sequence[float]], weight: float = 1.0
) -> Batch:
    memberships = torch.tensor(group)
    rows = len(memberships)
    return Batch(
        x=torch.zeros(rows, 1),
        y=torch.as_tensor(y),
        group=memberships,
        index=torch.arange(rows),
        weight=torch.full((rows,), weight),
    )


def _learned(train: Batch, blocks: Blocks = SEX, classes: int = 2, by: str | None = None):
    reweighing = Reweighing(blocks, classes, by)
    reweighing.learn({"train": train, "validation": train.rows(slice(1))})
    return reweighing


F, M = [1.0, 0.0], [0.0, 1.0]
# The example of the paper (table 1): 5 women of which 2 are hired, 5 men of which 4 are.
PAPER = _batch([1, 1, 0, 0, 0, 1, 1, 1, 1, 0], [F] * 5 + [M] * 5)


def test_the_papers_example():
    table = _learned(PAPER).table
    torch.testing.assert_close(table, torch.tensor([[0.4 / 0.6, 1.5], [2.0, 0.75]]))


def test_an_example_by_hand_with_three_groups_and_classes():
    cells = torch.tensor([[4.0, 0.0, 2.0], [1.0, 5.0, 0.0], [3.0, 1.0, 4.0]])
    found = independence_weights(cells)
    n_g, n_y = [6, 6, 8], [8, 6, 6]
    for g in range(3):
        for y in range(3):
            n = float(cells[g, y])
            expected = n_g[g] * n_y[y] / (20 * n) if n else 1.0
            assert float(found[g, y]) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(("groups", "classes"), [(2, 2), (3, 4), (7, 3)])
def test_group_and_label_are_independent_under_the_weights(groups, classes):
    g = torch.Generator().manual_seed(groups)
    rows = 4000
    group = torch.randint(groups, (rows,), generator=g)
    y = (torch.rand(rows, generator=g) ** (1 + group) * classes).long()  # the group tells much
    blocks = Blocks.of({"group": [f"g{i}" for i in range(groups)]})
    batch = _batch(y, torch.eye(groups)[group].tolist())
    batch = batch._replace(weight=torch.rand(rows, generator=g) + 0.5)
    weights = (
        _learned(batch, blocks, classes).double().factors(batch, NOW) * batch.weight
    ).double()

    def mass(weight: torch.Tensor) -> torch.Tensor:
        table = torch.zeros(groups, classes).double()
        table.index_put_((group, y), weight, accumulate=True)
        return table / table.sum()

    before, after = mass(batch.weight.double()), mass(weights)
    product = after.sum(1, keepdim=True) * after.sum(0, keepdim=True)
    torch.testing.assert_close(after, product, rtol=1e-6, atol=0)
    # What each group and each label weighs has not changed.
    torch.testing.assert_close(after.sum(0), before.sum(0), rtol=1e-6, atol=0)
    torch.testing.assert_close(after.sum(1), before.sum(1), rtol=1e-6, atol=0)
    assert (before - product).abs().max() > 0.02


def test_rows_of_unknown_group_weigh_one_and_are_not_counted():
    unknown = _batch([1, 0, 0], [[0.0, 0.0]] * 3)
    more = Batch(*(torch.cat(fields) for fields in zip(PAPER, unknown, strict=True)))
    with_unknown = _learned(more)
    assert torch.equal(with_unknown.table, _learned(PAPER).table)
    assert with_unknown.factors(unknown, NOW).tolist() == [1.0, 1.0, 1.0]


def test_uncertain_groups_and_labels_weigh_the_mean_of_their_cells():
    reweighing = _learned(PAPER)
    (f0, f1), (m0, m1) = reweighing.table.tolist()
    rows = _batch([[0.75, 0.25], [0.0, 1.0]], [[0.5, 0.5], [0.25, 0.25]])
    expected = [0.75 * (f0 + m0) / 2 + 0.25 * (f1 + m1) / 2, (f1 + m1) / 4 + 0.5]
    torch.testing.assert_close(reweighing.factors(rows, NOW), torch.tensor(expected))
    hard = torch.eye(2)[PAPER.y]
    assert torch.equal(_learned(PAPER._replace(y=hard)).table, reweighing.table)


def test_cells_without_rows_weigh_one_and_names_and_order_say_nothing():
    train = _batch([1, 1, 0], [F, F, M])
    expected = torch.tensor([[1.0, 2 * 2 / (3 * 2)], [1 / 3, 1.0]])
    torch.testing.assert_close(_learned(train).table, expected)
    order = torch.randperm(10, generator=torch.Generator().manual_seed(0))
    assert torch.equal(_learned(PAPER.rows(order)).table, _learned(PAPER).table)
    swapped = PAPER._replace(group=PAPER.group.flip(1))
    assert torch.equal(_learned(swapped).table, _learned(PAPER).table.flip(0))


def test_a_block_is_named_and_validation_is_not_counted():
    group = torch.cat([torch.eye(3)[torch.arange(10) % 3], PAPER.group], 1)
    train = PAPER._replace(group=group)
    assert torch.equal(_learned(train, BOTH, by="sex").table, _learned(PAPER).table)
    assert _learned(train, BOTH).table.shape == (3, 2)
    with pytest.raises(ConfigError, match="Unknown group block 'age'"):
        Reweighing(BOTH, 2, "age")
