"""What the models of images have in common: their input, and normalisation without a state."""

from collections.abc import Sequence

from torch import nn

from fairkd.errors import ConfigError

_MOST_GROUPS = 8


def check_image(in_shape: Sequence[int], model: str) -> tuple[int, int, int]:
    """The shape of an image, ``(C, H, W)``.

    Args:
        in_shape: of one row.
        model: whose input it is, for the sentence.

    Raises:
        ConfigError: rows that are no images.
    """
    if len(in_shape) != 3:
        raise ConfigError(
            f"{model} takes images of shape [C, H, W], and the data's rows have the shape "
            f"{list(in_shape)}; use a model for flat rows (mlp, linear), or a data set of images."
        )
    channels, height, width = in_shape
    return channels, height, width


def normalised(channels: int) -> nn.GroupNorm:
    """Normalisation of each image by itself over groups of channels.

    Unlike batch normalisation it keeps no running state, so that models can train in stacks, and
    rows do not depend on the batch they come in. (Wu and He, "Group normalization", ECCV 2018.)
    """
    # At least two channels a group: a single one of a single place would have nothing to vary by.
    most = max(1, min(_MOST_GROUPS, channels // 2))
    groups = next(g for g in range(most, 0, -1) if channels % g == 0)
    return nn.GroupNorm(groups, channels)
