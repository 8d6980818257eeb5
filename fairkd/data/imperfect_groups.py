"""Training rows' memberships where groups are unknown, guessed, recorded wrongly or corrected."""

import logging

import numpy as np
import numpy.typing as npt

from fairkd.data.blocks import Block, Blocks
from fairkd.data.flips import chosen, corrected, flipped
from fairkd.data.imperfect import Imperfect
from fairkd.data.proxy import guessed
from fairkd.errors import DataError

log = logging.getLogger(__name__)

Memberships = npt.NDArray[np.float32]


def imperfect_groups(
    memberships: Memberships,
    blocks: Blocks,
    imperfect: Imperfect,
    random: np.random.Generator,
    x: npt.NDArray[np.float32],
) -> Memberships:
    """What training is told of the groups.

    All blocks of a row are known together. Of a known row each block's cell may be flipped; it is
    corrected for the known rate; a block's unknown rows are guessed, or stay zero rows.

    Args:
        memberships: as the source has them, shape ``[N, sum G]``.
        blocks: the columns.
        imperfect: what to do.
        random: of the groups alone.
        x: the prepared features, shape ``[N, D]``, which a proxy reads.

    Returns:
        Shape ``[N, sum G]``; entries of corrected rows may be negative or above 1.

    Raises:
        DataError: a block of which fewer than two cells are known, or a proxy without a task.
        ConfigError: a rate at which the record says nothing.
    """
    known = chosen(random.permutation(len(memberships)), imperfect.known_groups)
    told = np.zeros_like(memberships)
    told[known] = memberships[known]
    if imperfect.proxy is not None and _all_known(told, blocks):
        raise DataError(
            f"data.imperfect.proxy={imperfect.proxy} has nothing to guess, as every training row's "
            "groups are known; give a data.imperfect.known_groups below 1, or set the proxy to "
            "null."
        )
    for block in blocks:
        of_block = told[:, block.columns]
        cells = np.where(of_block.any(axis=1), of_block.argmax(axis=1), -1)
        cells = flipped(cells, len(block.cells), imperfect.flipped_groups, random)
        _check_known(cells, block, imperfect.known_groups)
        told[:, block.columns] = _block(cells, block, imperfect, x)
    return told


def _block(
    cells: npt.NDArray[np.int64], block: Block, imperfect: Imperfect, x: Memberships
) -> Memberships:
    """One block's columns, shape ``[N, G]``, from recorded cells; -1 where unknown."""
    recorded = np.eye(len(block.cells), dtype=np.float32)[cells]
    if imperfect.group_flip_rate > 0:
        key, what = "data.imperfect.group_flip_rate", f"cells of {block.name}"
        recorded = corrected(recorded, imperfect.group_flip_rate, key, what)
    unknown = cells < 0
    recorded[unknown] = 0 if imperfect.proxy is None else guessed(x, cells, len(block.cells))
    return recorded


def _all_known(told: Memberships, blocks: Blocks) -> bool:
    return all(bool(told[:, block.columns].any(axis=1).all()) for block in blocks)


def _check_known(cells: npt.NDArray[np.int64], block: Block, share: float) -> None:
    """Refuse a block without a comparison, and warn of cells that nobody is known to be in."""
    rows = np.bincount(cells[cells >= 0], minlength=len(block.cells))
    found = [name for name, count in zip(block.cells, rows, strict=True) if count]
    absent = [name for name in block.cells if name not in found]
    if len(found) < 2:
        all_of_one = f", all of them {found[0]}" if found else ""
        raise DataError(
            f"data.imperfect.known_groups={share:g} leaves {rows.sum()} training rows of known "
            f"{block.name}{all_of_one}, so there is nothing to compare; give a larger share."
        )
    if absent:
        log.warning(
            "No training row is known to be %s of %s (data.imperfect.known_groups=%g): constraints "
            "do not see that cell, and a proxy gives it probability 0.",
            " or ".join(absent),
            block.name,
            share,
        )
