"""A residual network for small images that names its stages."""

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from fairkd import checks
from fairkd.errors import ConfigError
from fairkd.models.images import check_image, normalised


class ResNet(nn.Module):
    """Three stages of residual blocks, each at half the last one's extent, and a linear head.

    The network for CIFAR of He, Zhang, Ren and Sun, "Deep residual learning for image recognition"
    (CVPR 2016), with group instead of batch normalisation and shortcuts through 1 x 1 convolutions.
    Features are ``stage1``, ``stage2``, ``stage3``, shape ``[B, channels, H', W']``, and
    ``pooled``, shape ``[B, channels]``.

    Args:
        in_shape: of an image, ``(C, H, W)``.
        n_classes: number of logits.
        depth: layers with weights, 6 n + 2 for n blocks a stage: 8, 14, 20, ...
        width: channels of the first stage; the others have twice and four times as many.

    Raises:
        ConfigError: rows that are no images, another depth, or a width below 2.
    """

    def __init__(
        self, in_shape: Sequence[int], n_classes: int, depth: int = 20, width: int = 16
    ) -> None:
        super().__init__()
        channels, _, _ = check_image(in_shape, "ResNet")
        checks.whole("depth", depth, least=8)
        if (depth - 2) % 6:
            raise ConfigError(f"depth={depth} is out of range; accepted: 6 n + 2, as 8, 14, 20.")
        checks.whole("width", width, least=2)
        self.stem = nn.Sequential(
            nn.Conv2d(channels, width, 3, padding=1, bias=False), normalised(width), nn.ReLU()
        )
        before = width
        for stage in range(3):
            units = width * 2**stage
            blocks = [
                Block(before if first else units, units, stride=2 if first and stage else 1)
                for first in [True] + [False] * ((depth - 2) // 6 - 1)
            ]
            self.add_module(f"stage{stage + 1}", nn.Sequential(*blocks))
            before = units
        self.pooled = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.head = nn.Linear(before, n_classes)
        self.feature_names = ("stage1", "stage2", "stage3", "pooled")

    def forward(self, x: Tensor) -> Tensor:
        """Logits, shape ``[B, n_classes]``, of images, shape ``[B, C, H, W]``."""
        x = self.stem(x)
        for name in self.feature_names:
            x = self.get_submodule(name)(x)
        logits: Tensor = self.head(x)
        return logits


class Block(nn.Module):
    """Two convolutions, and the input added to what they find.

    Args:
        channels: of the input.
        units: of the output.
        stride: of the first convolution; 2 halves the extent.
    """

    def __init__(self, channels: int, units: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, units, 3, stride=stride, padding=1, bias=False),
            normalised(units),
            nn.ReLU(),
            nn.Conv2d(units, units, 3, padding=1, bias=False),
            normalised(units),
        )
        changes = stride != 1 or channels != units
        self.shortcut = (
            nn.Sequential(
                nn.Conv2d(channels, units, 1, stride=stride, bias=False), normalised(units)
            )
            if changes
            else nn.Identity()
        )

    def forward(self, x: Tensor) -> Tensor:
        """Shape ``[B, units, H', W']``."""
        return F.relu(self.body(x) + self.shortcut(x))
