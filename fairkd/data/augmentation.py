"""Change training rows at random, anew at every step."""

from collections.abc import Mapping
from typing import Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from fairkd import checks
from fairkd.data.batch import Batch
from fairkd.errors import ConfigError


class Augmentation(Protocol):
    """A random change of rows that leaves their labels true.

    Called with ``x``, shape ``[B, ...]``, and the generator that everything random is drawn from;
    returns a new tensor of the same shape, type and device.
    """

    def __call__(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """The changed rows."""
        ...


class Shift:
    """Each image moved by a whole number of pixels in both directions, zeros where nothing was.

    Both distances are drawn from ``-pixels`` to ``pixels``, each as likely.

    Args:
        pixels: the largest distance.

    Raises:
        ConfigError: no whole number of at least 0; when called, rows that are no images or that
            could be moved out of sight.
    """

    def __init__(self, pixels: int) -> None:
        self.pixels = checks.whole("pixels", pixels)

    def __call__(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """The moved images, shape ``[B, C, H, W]`` like ``x``."""
        check_images(x, "Shift")
        rows, channels, height, width = x.shape
        if self.pixels >= min(height, width):
            raise ConfigError(
                f"pixels={self.pixels} could move images of {height} x {width} out of sight; "
                f"accepted: a whole number below {min(height, width)}."
            )
        drawn = torch.randint(0, 2 * self.pixels + 1, (2, rows), generator=generator)
        down, right = drawn.to(x.device)
        places = (
            torch.arange(rows, device=x.device)[:, None, None, None],
            torch.arange(channels, device=x.device)[None, :, None, None],
            (down[:, None] + torch.arange(height, device=x.device))[:, None, :, None],
            (right[:, None] + torch.arange(width, device=x.device))[:, None, None, :],
        )
        return F.pad(x, [self.pixels] * 4)[places]


class Flip:
    """Each image mirrored left-right with some probability.

    Args:
        probability: from 0 to 1.

    Raises:
        ConfigError: no number from 0 to 1; when called, rows that are no images.
    """

    def __init__(self, probability: float = 0.5) -> None:
        self.probability = checks.number("probability", probability, least=0.0, most=1.0)

    def __call__(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """The images, some of them mirrored, shape ``[B, C, H, W]`` like ``x``."""
        check_images(x, "Flip")
        drawn = torch.rand(len(x), generator=generator, dtype=torch.float32)
        mirrored = (drawn < self.probability).to(x.device)
        return torch.where(mirrored[:, None, None, None], x.flip(-1), x)


class Noise:
    """Independent Gaussian noise on every value.

    Args:
        scale: its standard deviation, in units of ``x``.

    Raises:
        ConfigError: no number of at least 0.
    """

    def __init__(self, scale: float) -> None:
        self.scale = checks.number("scale", scale, least=0.0)

    def __call__(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """The noisy rows, shape ``[B, ...]`` like ``x``."""
        noise = torch.randn(x.shape, generator=generator, dtype=torch.float32)
        return x + self.scale * noise.to(x)


class Augmented(Batch):
    """A batch whose ``x`` is no longer that of its split: nothing known of those rows holds here.

    What was computed for the split and is found by ``index`` (a teacher's outputs) is of the rows
    as they were.
    """

    __slots__ = ()


class Augmenter:
    """Augments training batches: the same way again for the same seed and epoch.

    It draws on the CPU, so that every device gets the same numbers.

    Args:
        augmentations: by name; applied in the order of their names, however they are given.
        seed: of the model that is trained.
    """

    def __init__(self, augmentations: Mapping[str, Augmentation], seed: int) -> None:
        self.augmentations = [augmentations[name] for name in sorted(augmentations)]
        self.seed = seed
        self._generator = torch.Generator()
        self.begin(0)

    def begin(self, epoch: int, rank: int = 0) -> None:
        """Start an epoch's random numbers.

        Args:
            epoch: counted from 0.
            rank: which process this is; each augments rows of its own.
        """
        # A sequence of its own, far from the one that the order of rows is drawn from.
        mixed = np.random.SeedSequence([self.seed, epoch, rank]).generate_state(1, np.uint64)
        self._generator.manual_seed(int(mixed[0]))

    def __call__(self, batch: Batch) -> Augmented:
        """The batch with changed ``x``; labels, groups, index and weights stay."""
        x = batch.x
        for change in self.augmentations:
            x = change(x, self._generator)
        return Augmented(*batch._replace(x=x))


def check_images(x: Tensor, name: str) -> None:
    """Refuse rows that are no images.

    Args:
        x: shape ``[B, ...]``.
        name: of the augmentation, for the sentence.

    Raises:
        ConfigError: rows of any other shape than ``[C, H, W]``.
    """
    if x.dim() != 4:
        raise ConfigError(
            f"{name} takes images, rows of shape [C, H, W], and these rows have the shape "
            f"{list(x.shape[1:])}; choose another augmentation (noise, none) or data of images."
        )
