"""Images with a planted attribute: each is tinted, mostly in its class's own colour.

The images are real and have no sensitive attribute; the tint is planted here, openly, so that a
model may learn the colour instead of the shape. The sets are semi-synthetic: their groups are no
groups of people, and what is found on them is about shortcuts, not about anyone.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from fairkd import checks
from fairkd.data.batch import Batch
from fairkd.data.blocks import Blocks
from fairkd.data.dataset import Dataset
from fairkd.data.pixels import SOURCES
from fairkd.data.splits import split_rows
from fairkd.errors import ConfigError, unknown_name

COLOURS = {
    "red": (1.0, 0.1, 0.1),
    "green": (0.1, 0.8, 0.1),
    "blue": (0.2, 0.3, 1.0),
    "yellow": (1.0, 0.9, 0.1),
    "magenta": (1.0, 0.2, 0.9),
    "cyan": (0.1, 0.9, 0.9),
    "orange": (1.0, 0.6, 0.2),
    "violet": (0.6, 0.3, 1.0),
    "brown": (0.6, 0.4, 0.2),
    "grey": (0.7, 0.7, 0.7),
}
"""Red, green and blue of each class's own colour, in the order of the classes."""
AGREEMENT = "agreement"
TINT = "tint"


def load_tinted(
    *,
    source: str,
    groups: Sequence[str] = (AGREEMENT,),
    bias: float = 0.99,
    jitter: float = 0.0,
    seed: int,
    validation_fraction: float = 0.25,
    test_fraction: float | None = 0.25,
    certify_fraction: float | None = None,
    path: str | None = None,
    cache: str | None = None,
    name: str = "tinted",
) -> Dataset:
    """Load grey images, and tint each: in its class's colour with probability ``bias``.

    The others get one of the nine other colours, each as likely. So it is on the training and
    validation rows; on test every colour is as likely whatever the class, so that about a tenth
    agree.

    Args:
        source: ``mnist``, ``digits`` or ``fashion_mnist``.
        groups: blocks: ``agreement`` (the tint is the class's own, or another: ``agreeing``,
            ``conflicting``) and ``tint`` (the ten colours).
        bias: share of training rows that agree, from 0.1 (no relation) to 1.
        jitter: standard deviation, from 0 to 1, of the factors by which each image's red, green and
            blue differ from its tint: without, the tint alone tells the class where it agrees, and
            no shape is ever learned (Nam et al., "Learning from failure", NeurIPS 2020, vary the
            colours as well).
        seed: decides the split and the tints.
        validation_fraction: of the rows that are not test rows.
        test_fraction: of all rows; ``None`` for an official test part.
        certify_fraction: of the rows that are not test rows: rows that certify bounds.
        path: a folder with the source's files, where it is not fetched.
        cache: folder of fetched data; ``None`` is the default one.
        name: the name the data set goes by.

    Raises:
        DataError: the images are not there, or a split that they cannot give.
        ConfigError: a value that cannot work.
    """
    checks.choice("data.source", source, tuple(SOURCES))
    checks.number("data.bias", bias, least=0.1, most=1.0)
    checks.number("data.jitter", jitter, least=0.0, most=1.0)
    known = {AGREEMENT: ("agreeing", "conflicting"), TINT: tuple(COLOURS)}
    for block in groups:
        if block not in known:
            raise ConfigError(unknown_name("group block in data.groups", block, known))
    folder = path if source == "fashion_mnist" else cache
    pixels = SOURCES[source](Path(folder).expanduser() if folder is not None else None)
    rows = split_rows(
        pixels.labels,
        pixels.classes,
        seed=seed,
        validation_fraction=validation_fraction,
        test_fraction=test_fraction,
        certify_fraction=certify_fraction,
        official_test=pixels.official_test,
    )
    blocks = Blocks.of({block: known[block] for block in groups})
    splits = {}
    for place, (split, chosen) in enumerate(rows.items()):
        # Streams of their own: another bias changes the tints of train and validation alone.
        random = np.random.default_rng([seed, place])
        labels = pixels.labels[chosen]
        colours = tints(labels, 0.1 if split == "test" else bias, random)
        factors = 1 + jitter * random.standard_normal((len(chosen), 3)).astype(np.float32)
        memberships = {AGREEMENT: (labels != colours).astype(np.int64), TINT: colours}
        splits[split] = Batch(
            x=torch.from_numpy(tinted(pixels.images[chosen], colours, factors)),
            y=torch.from_numpy(labels),
            group=_one_hot(memberships, blocks),
            index=torch.arange(len(chosen)),
            weight=torch.ones(len(chosen)),
        )
    return Dataset(name, splits, blocks, pixels.classes, pixels.fingerprint)


def tints(
    labels: npt.NDArray[np.int64], bias: float, random: np.random.Generator
) -> npt.NDArray[np.int64]:
    """A colour's number for every row: its class's own with probability ``bias``, else another."""
    others = (labels + random.integers(1, len(COLOURS), size=len(labels))) % len(COLOURS)
    return np.where(random.random(len(labels)) < bias, labels, others)


def tinted(
    images: npt.NDArray[np.float32],
    colours: npt.NDArray[np.int64],
    factors: npt.NDArray[np.float32],
) -> npt.NDArray[np.float32]:
    """Grey images, shape ``[N, H, W]``, in their colours, shape ``[N, 3, H, W]``, from 0 to 1.

    Args:
        images: from 0 to 1.
        colours: each one's number in `COLOURS`, shape ``[N]``.
        factors: of each one's red, green and blue, shape ``[N, 3]``; what would be below 0 or above
            1 is 0 or 1.
    """
    light = np.asarray(list(COLOURS.values()), dtype=np.float32)[colours]
    light = (light * factors).clip(0, 1)
    return images[:, None] * light[:, :, None, None]


def _one_hot(cells: dict[str, npt.NDArray[np.int64]], blocks: Blocks) -> torch.Tensor:
    return torch.cat(
        [
            torch.nn.functional.one_hot(torch.from_numpy(cells[block.name]), len(block.cells))
            for block in blocks
        ],
        dim=1,
    ).float()
