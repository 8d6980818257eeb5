"""The cell of a block that the average differences compare with."""

from dataclasses import replace

from torch import Tensor

from fairkd.data.blocks import Block, Blocks
from fairkd.data.dataset import Dataset
from fairkd.errors import ConfigError, unknown_name
from fairkd.evaluation.settings import EvaluationSettings


def reference_of(block: Block, counts: Tensor, settings: EvaluationSettings) -> int:
    """The index of the named reference cell, or of the (first) largest one.

    Args:
        block: the block.
        counts: rows by group, true and predicted class, shape ``[G, C, C]``.
        settings: may name the cell.
    """
    named = (settings.reference_group or {}).get(block.name)
    if named is not None:
        return block.cells.index(named)
    return int(counts.sum((-1, -2)).argmax())


def with_references(settings: EvaluationSettings, dataset: Dataset) -> EvaluationSettings:
    """The same settings with a reference cell named for every block.

    Where none was chosen it is the largest in training, so that test rows choose nothing.
    """
    group = dataset.splits["train"].group
    largest = {
        block.name: block.cells[int(block.of(group).sum(0).argmax())] for block in dataset.blocks
    }
    return replace(settings, reference_group={**largest, **(settings.reference_group or {})})


def check_reference_groups(settings: EvaluationSettings, blocks: Blocks) -> None:
    """Refuse a reference group that the data does not have.

    Raises:
        ConfigError: naming the block or cell and the accepted ones.
    """
    for block, cell in (settings.reference_group or {}).items():
        if cell not in blocks[block].cells:
            kind = f"cell of '{block}' in evaluation.reference_group"
            raise ConfigError(unknown_name(kind, cell, blocks[block].cells))
