"""What a tabular preparation learned, in plain values, for whatever does the same elsewhere."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fairkd.data.tabular import TabularPreparation


@dataclass(frozen=True, eq=False)
class FittedParts:
    """The numbers and names behind `TabularPreparation.transform`, in the order of its features.

    A number ``v`` becomes ``(v - mean) / scale``, the median in the place of a missing one; then
    come the indicators of missing numbers, then each category column one-hot.

    Attributes:
        medians, means, scales: of the numeric columns, shape ``[F]``.
        indicated: the places, among the numeric columns, of those with an indicator.
        categories: for each categorical column, the values known.
    """

    medians: npt.NDArray[np.float64]
    means: npt.NDArray[np.float64]
    scales: npt.NDArray[np.float64]
    indicated: tuple[int, ...]
    categories: tuple[tuple[str, ...], ...]

    @classmethod
    def of(cls, preparation: TabularPreparation) -> "FittedParts":
        """The parts of a fitted preparation."""
        steps = preparation.features.named_transformers_
        none = np.zeros(0)
        medians, means, scales, indicated = none, none, none, ()
        if preparation.numeric:
            impute, scale = (step for _, step in steps["numbers"].steps)
            medians, means, scales = impute.statistics_, scale.mean_, scale.scale_
            indicated = tuple(int(place) for place in steps["missing"].features_)
        known = steps["categories"].categories_ if preparation.categorical else ()
        categories = tuple(tuple(map(str, values)) for values in known)
        return cls(medians, means, scales, indicated, categories)
