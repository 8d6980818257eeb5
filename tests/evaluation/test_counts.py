import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from torch import Tensor

from fairkd.errors import ConfigError
from fairkd.evaluation.counts import GroupCounts, group_counts


def _rows(n: int, groups: int, classes: int, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    g = torch.Generator().manual_seed(seed)
    memberships = torch.rand(n, groups, generator=g)
    memberships /= memberships.sum(-1, keepdim=True)
    return (
        torch.randint(classes, (n,), generator=g),
        torch.randint(classes, (n,), generator=g),
        memberships,
    )


def _slowly(predicted: Tensor, y: Tensor, memberships: Tensor, classes: int) -> Tensor:
    counts = torch.zeros(memberships.shape[1], classes, classes, dtype=torch.float64)
    for i in range(len(y)):
        for g in range(memberships.shape[1]):
            counts[g, y[i], predicted[i]] += memberships[i, g].double()
    return counts


def test_counts_equal_a_loop_over_rows_and_soft_memberships():
    rows = _rows(50, 3, 4)
    torch.testing.assert_close(group_counts(*rows, 4), _slowly(*rows, 4), rtol=1e-13, atol=1e-13)


def test_known_counts_with_a_missing_row_and_an_absent_group():
    predicted = torch.tensor([1, 0, 1, 1])
    y = torch.tensor([1, 1, 0, 1])
    memberships = torch.tensor([[1.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 0]])
    counts = group_counts(predicted, y, memberships, 2)
    expected = torch.tensor([[[0, 0], [1, 1]], [[0, 1], [0, 0]], [[0, 0], [0, 0]]]).double()
    assert torch.equal(counts, expected)


def test_rows_with_an_unknown_label_are_not_counted():
    counts = group_counts(torch.tensor([0, 1]), torch.tensor([-1, 1]), torch.ones(2, 1), 2)
    assert torch.equal(counts, torch.tensor([[[0.0, 0], [0, 1]]]).double())


def test_stacked_models_are_counted_at_once_and_under_vmap():
    predicted, y, memberships = _rows(20, 2, 3)
    stacked = torch.stack([predicted, (predicted + 1) % 3])
    counts = group_counts(stacked, y, memberships, 3)
    mapped = torch.vmap(lambda p: group_counts(p, y, memberships, 3))(stacked)
    for k in range(2):
        alone = group_counts(stacked[k], y, memberships, 3)
        torch.testing.assert_close(counts[k], alone, rtol=1e-14, atol=1e-14)
        torch.testing.assert_close(mapped[k], alone, rtol=1e-14, atol=1e-14)


def test_the_state_is_the_same_however_rows_are_split_and_ordered():
    predicted, y, _ = _rows(30, 2, 3)
    memberships = torch.eye(4)[torch.arange(30) // 10]  # sorted: most batches lack most groups
    metric = GroupCounts(n_groups=4, n_classes=3)
    for start, stop in ((0, 1), (1, 17), (17, 30)):
        part = slice(start, stop)
        metric.update(predicted[part], y[part], memberships[part])
    order = torch.randperm(30, generator=torch.Generator().manual_seed(1))
    whole = group_counts(predicted[order], y[order], memberships[order], 3)
    assert metric.counts.shape == (4, 3, 3)
    assert metric.counts.dtype == torch.float64
    assert torch.equal(metric.compute(), whole)
    metric.reset()
    assert metric.counts.sum() == 0


def test_wrong_number_of_group_columns_is_refused():
    with pytest.raises(ConfigError, match="3 group columns and the metric counts 2"):
        GroupCounts(2, 2).update(torch.tensor([0]), torch.tensor([0]), torch.ones(1, 3))


def _process(rank: int, port: int, folder: str) -> None:
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    dist.init_process_group("gloo", rank=rank, world_size=2)
    predicted, y, memberships = _rows(31, 2, 3)
    mine = slice(0, 20) if rank == 0 else slice(20, 31)
    metric = GroupCounts(2, 3)
    metric.update(predicted[mine], y[mine], memberships[mine])
    torch.save(metric.compute(), Path(folder) / f"{rank}.pt")
    dist.destroy_process_group()


@pytest.mark.slow
def test_two_processes_sum_their_counts(tmp_path, free_port):
    port = free_port()
    processes = [
        subprocess.Popen([sys.executable, __file__, str(rank), str(port), str(tmp_path)])
        for rank in range(2)
    ]
    assert [process.wait(timeout=300) for process in processes] == [0, 0]
    whole = group_counts(*_rows(31, 2, 3), 3)
    for rank in range(2):
        found = torch.load(tmp_path / f"{rank}.pt", weights_only=True)
        torch.testing.assert_close(found, whole, rtol=1e-13, atol=1e-13)


if __name__ == "__main__":
    _process(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
