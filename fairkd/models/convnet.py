"""A small convolutional network that names its stages."""

from collections.abc import Sequence

from torch import Tensor, nn

from fairkd import checks
from fairkd.models.images import check_image, normalised


class ConvNet(nn.Module):
    """One convolution a stage, each stage at half the last one's extent, and a linear head.

    Features are ``stage1``, ``stage2``, ..., shape ``[B, channels, H', W']``, and ``pooled``, the
    mean over places of the last stage, shape ``[B, channels]``.

    Args:
        in_shape: of an image, ``(C, H, W)``.
        n_classes: number of logits.
        channels: of each stage; at least one.

    Raises:
        ConfigError: rows that are no images, or fewer than two channels.
    """

    def __init__(
        self, in_shape: Sequence[int], n_classes: int, channels: Sequence[int] = (16, 32, 64)
    ) -> None:
        super().__init__()
        width, _, _ = check_image(in_shape, "ConvNet")
        checks.whole("the number of stages", len(channels), least=1)
        for stage, units in enumerate(channels, start=1):
            checks.whole("channels", units, least=2)
            convolution = nn.Conv2d(
                width, units, 3, stride=1 if stage == 1 else 2, padding=1, bias=False
            )
            layers = nn.Sequential(convolution, normalised(units), nn.ReLU())
            self.add_module(f"stage{stage}", layers)
            width = units
        self.pooled = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.head = nn.Linear(width, n_classes)
        stages = tuple(f"stage{stage}" for stage in range(1, len(channels) + 1))
        self.feature_names = (*stages, "pooled")

    def forward(self, x: Tensor) -> Tensor:
        """Logits, shape ``[B, n_classes]``, of images, shape ``[B, C, H, W]``."""
        for name in self.feature_names:
            x = self.get_submodule(name)(x)
        logits: Tensor = self.head(x)
        return logits
