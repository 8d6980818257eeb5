import pytest
import torch

from fairkd.data.blocks import Block, Blocks
from fairkd.errors import ConfigError

CELLS = {"sex": ["f", "m"], "race": ["a", "b", "c"], "sex+race": ["f, a", "m, b"]}


def test_blocks_lie_side_by_side():
    blocks = Blocks.of(CELLS)
    assert [(block.name, block.columns) for block in blocks] == [
        ("sex", slice(0, 2)),
        ("race", slice(2, 5)),
        ("sex+race", slice(5, 7)),
    ]
    assert blocks.width == 7
    assert len(blocks) == 3
    assert blocks.names == ("sex", "race", "sex+race")
    group = torch.arange(14.0).reshape(2, 7)
    assert blocks["race"].of(group).tolist() == [[2, 3, 4], [9, 10, 11]]
    parts = torch.cat([block.of(group) for block in blocks], 1)
    assert torch.equal(parts, group)


def test_a_block_is_cut_from_stacked_memberships_too():
    group = torch.arange(24.0).reshape(2, 3, 4)
    assert torch.equal(Block("race", ("b", "c"), 1).of(group), group[:, :, 1:3])


def test_cells_are_the_way_back():
    assert Blocks.of(CELLS).cells() == CELLS
    assert Blocks.of(Blocks.of(CELLS).cells()) == Blocks.of(CELLS)


def test_membership_of_a_name():
    assert "race" in Blocks.of(CELLS)
    assert "age" not in Blocks.of(CELLS)
    assert 1 not in Blocks.of(CELLS)


def test_no_block_is_none():
    blocks = Blocks.of({})
    assert (blocks.width, len(blocks), blocks.names) == (0, 0, ())


def test_an_unknown_block_is_refused():
    with pytest.raises(ConfigError) as refused:
        Blocks.of(CELLS)["rase"]
    assert str(refused.value) == (
        "Unknown group block 'rase'; did you mean 'race'? Accepted: race, sex, sex+race."
    )
