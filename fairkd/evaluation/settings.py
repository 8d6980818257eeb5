"""How models are measured."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from fairkd import checks
from fairkd.errors import ConfigError


@dataclass(frozen=True)
class EvaluationSettings:
    """The choices behind the numbers of a record.

    Attributes:
        threshold: two classes only: a row is predicted positive if its probability of the positive
            class is at least this.
        confidence: of each interval by itself.
        draws: bootstrap replicates.
        seed: of the bootstrap.
        calibration_bins: equally wide bins of the expected calibration error.
        latency_repeats: timed forward passes, of which the median is reported.
        reference_group: for some blocks, the cell that the average differences compare with; the
            block's largest cell where none is named.

    Raises:
        ConfigError: a value that cannot work.
    """

    threshold: float = 0.5
    confidence: float = 0.95
    draws: int = 1000
    seed: int = 0
    calibration_bins: int = 15
    latency_repeats: int = 50
    reference_group: Mapping[str, str] | None = None

    def __post_init__(self) -> None:
        # A threshold chosen to select no row may have to lie just above a probability of 1.
        highest = math.nextafter(1.0, 2.0)
        checks.number("evaluation.threshold", self.threshold, least=0, most=highest)
        checks.number("evaluation.confidence", self.confidence, least=0.5, most=0.9999)
        checks.whole("evaluation.draws", self.draws, least=10)
        checks.whole("evaluation.seed", self.seed)
        checks.whole("evaluation.calibration_bins", self.calibration_bins, least=1)
        checks.whole("evaluation.latency_repeats", self.latency_repeats, least=1)
        if self.reference_group is not None and not isinstance(self.reference_group, Mapping):
            raise ConfigError(
                f"evaluation.reference_group={self.reference_group} is not a mapping; accepted: "
                "null, or a cell for each block, such as evaluation.reference_group={sex: Male}."
            )
