from collections import Counter
from collections.abc import Iterator

import pytest
import torch

from fairkd.data import loaders
from fairkd.data.batch import Batch
from fairkd.data.loaders import BatchLoader


def _split(rows: int) -> Batch:
    numbers = torch.arange(rows)
    return Batch(
        x=numbers[:, None] * torch.tensor([1.0, 10.0]),
        y=numbers % 3,
        group=torch.eye(4)[numbers % 4],
        index=numbers,
        weight=1.0 + numbers,
    )


def _order(loader: BatchLoader, epoch: int = 0) -> list[int]:
    loader.set_epoch(epoch)
    return [int(i) for batch in loader for i in batch.index]


def _sizes(loader: BatchLoader) -> list[int]:
    return [batch.size for batch in loader]


@pytest.mark.parametrize("seed", [None, 0, 3])
@pytest.mark.parametrize(("rows", "size"), [(10, 3), (9, 3), (2, 5), (1, 1), (500, 1)])
def test_every_row_comes_exactly_once(rows, size, seed):
    loader = BatchLoader(_split(rows), size, seed)
    assert sorted(_order(loader)) == list(range(rows))
    sizes = _sizes(loader)
    assert len(sizes) == len(loader)
    assert sizes[:-1] == [size] * (len(sizes) - 1)
    assert sizes[-1] == rows - size * (len(sizes) - 1)


def test_without_a_seed_rows_stay_in_place():
    assert _order(BatchLoader(_split(10), 3)) == list(range(10))


def test_the_fields_of_a_row_stay_together():
    split = _split(50)
    for batch in BatchLoader(split, 7, 1):
        for field, whole in zip(batch, split, strict=True):
            assert torch.equal(field, whole[batch.index])


@pytest.mark.parametrize("world", [1, 2])
@pytest.mark.parametrize("seed", [None, 1])
def test_a_split_of_bytes_comes_as_numbers_and_stays_bytes(seed, world):
    split = _split(9)._replace(x=torch.arange(18, dtype=torch.uint8).reshape(9, 2))
    batches = list(BatchLoader(split, 4, seed, rank=world - 1, world_size=world))
    for batch in batches:
        assert batch.x.dtype == torch.float32
        assert torch.equal(batch.x, split.x[batch.index].float() / 255)
    assert split.x.dtype == torch.uint8


def test_an_order_depends_on_seed_and_epoch_alone():
    loader = BatchLoader(_split(40), 7, 5)
    first, second = _order(loader, 0), _order(loader, 1)
    assert first != second
    assert _order(loader, 0) == first  # again after another epoch
    torch.manual_seed(99)
    torch.rand(10)
    assert _order(BatchLoader(_split(40), 7, 5), 1) == second
    assert _order(BatchLoader(_split(40), 7, 6), 0) not in (first, second)
    assert first != list(range(40))


def test_the_global_generator_is_left_alone():
    before = torch.get_rng_state()
    _order(BatchLoader(_split(40), 7, 5))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("size", [1, 3, 40, 64, 1000])
def test_an_order_does_not_depend_on_how_it_is_cut(size, monkeypatch):
    expected = _order(BatchLoader(_split(200), 7, 5))
    assert _order(BatchLoader(_split(200), size, 5)) == expected
    monkeypatch.setattr(loaders, "_BATCHES_PER_GATHER", 2)
    assert _order(BatchLoader(_split(200), size, 5)) == expected


def test_seeds_and_epochs_are_not_interchangeable():
    orders = {
        tuple(_order(BatchLoader(_split(30), 30, seed), epoch))
        for seed in range(5)
        for epoch in range(5)
    }
    assert len(orders) == 25


def test_a_loader_restarts_from_the_beginning():
    loader = BatchLoader(_split(20), 6, 2)
    started: Iterator[Batch] = iter(loader)
    first = next(started).index.tolist()
    assert _order(loader)[:6] == first
    assert _order(loader) == _order(loader)


@pytest.mark.parametrize("world", [2, 3])
@pytest.mark.parametrize("rows", [11, 12, 13, 1])
@pytest.mark.parametrize("size", [1, 4])
def test_shuffled_shares_cover_all_rows_in_equally_many_equal_steps(rows, world, size):
    shares = [
        BatchLoader(_split(rows), size, 3, rank=rank, world_size=world) for rank in range(world)
    ]
    sizes = [_sizes(share) for share in shares]
    assert all(seen == sizes[0] for seen in sizes)
    assert [len(seen) for seen in sizes] == [len(share) for share in shares]
    seen = Counter(row for share in shares for row in _order(share, 2))
    assert set(seen) == set(range(rows))
    share = -(-rows // world)
    assert sum(seen.values()) == share * world
    if rows >= world:
        assert max(seen.values()) <= 2
        repeated = {row for row, times in seen.items() if times == 2}
        assert len(repeated) == share * world - rows


@pytest.mark.parametrize("world", [2, 3])
@pytest.mark.parametrize("rows", [9, 11, 12, 13, 2])
@pytest.mark.parametrize("size", [1, 2, 4, 100])
def test_shares_in_place_repeat_no_row_and_take_equally_many_batches(rows, world, size):
    shares = [BatchLoader(_split(rows), size, rank=rank, world_size=world) for rank in range(world)]
    assert sorted(row for share in shares for row in _order(share)) == list(range(rows))
    assert {len(_sizes(share)) for share in shares} == {len(shares[0])}
    assert {share.split.x.shape[1] for share in shares} == {2}


def test_shares_of_an_epoch_are_one_order_dealt_out():
    whole = _order(BatchLoader(_split(12), 4, 3), 1)
    for rank in range(3):
        share = BatchLoader(_split(12), 4, 3, rank=rank, world_size=3)
        assert _order(share, 1) == whole[rank::3]


@pytest.mark.parametrize("seed", [None, 3])
@pytest.mark.parametrize("given", [0, 1, 3, 4])
def test_it_goes_on_after_the_batches_that_a_checkpoint_says_were_given(seed, given):
    loader = BatchLoader(_split(10), 3, seed)
    loader.set_epoch(2)
    iteration = iter(loader)
    for _ in range(given):
        next(iteration)
    state = loader.state_dict()
    rest = [batch.index.tolist() for batch in iteration]
    resumed = BatchLoader(_split(10), 3, seed)
    resumed.load_state_dict(state)
    resumed.set_epoch(2)
    whole = [batch.index.tolist() for batch in resumed]
    # After the last batch an epoch is over, and the next iteration is that of the next one.
    assert whole == rest if given < 4 else len(whole) == 4
    assert len(list(resumed)) == 4  # once, not for every iteration
    assert loader.state_dict() == {"given": 0}
