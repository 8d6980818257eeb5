"""Training labels that are recorded wrongly, corrected or smoothed."""

import numpy as np
import numpy.typing as npt

from fairkd.data.flips import corrected, flipped
from fairkd.data.imperfect import Imperfect


def imperfect_labels(
    y: npt.NDArray[np.int64], n_classes: int, imperfect: Imperfect, random: np.random.Generator
) -> npt.NDArray[np.int64] | npt.NDArray[np.float32]:
    r"""What training is told of the labels.

    Smoothing takes :math:`(1 - s) e_y + s / C` (Szegedy et al., "Rethinking the Inception
    architecture", CVPR 2016); correction :math:`e_y T^{-1}`, see `fairkd.data.flips`.

    Args:
        y: class indices as the source has them, shape ``[N]``.
        n_classes: C.
        imperfect: what to do.
        random: of the labels alone.

    Returns:
        Class indices, shape ``[N]``, or, smoothed or corrected, soft labels, shape ``[N, C]``,
        whose rows sum to 1; corrected ones have negative entries.

    Raises:
        ConfigError: a rate at which the record says nothing.
    """
    recorded = flipped(y, n_classes, imperfect.flipped_labels, random)
    one_hot = np.eye(n_classes, dtype=np.float32)[recorded]
    if imperfect.label_flip_rate > 0:
        key = "data.imperfect.label_flip_rate"
        return corrected(one_hot, imperfect.label_flip_rate, key, "classes")
    if imperfect.label_smoothing > 0:
        share = np.float32(imperfect.label_smoothing)
        smooth: npt.NDArray[np.float32] = (1 - share) * one_hot + share / np.float32(n_classes)
        return smooth
    return recorded
