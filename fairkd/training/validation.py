"""Group metrics of the validation split, by epoch."""

import torch
from torch import Tensor, nn

from fairkd.data.batch import Batch
from fairkd.data.blocks import Blocks
from fairkd.evaluation.calibration import GroupCalibration, expected_calibration_error
from fairkd.evaluation.counts import GroupCounts
from fairkd.evaluation.disparities import disparities
from fairkd.evaluation.rates import accuracy, recorded_rates

FOLLOWED = (
    "demographic_parity_difference",
    "equal_opportunity_difference",
    "false_positive_rate_difference",
    "equalized_odds_difference",
    "accuracy_difference",
    "worst_group_accuracy",
)
"""The disparities worth a curve; the record has them all."""


class ValidationMetrics(nn.Module):
    """Accuracy, calibration and the followed disparities of every block, from exact counts.

    The counts cover all groups at once and a last, further "group" of everyone. They are sums over
    batches and processes, so the metrics are those of the whole split.

    Args:
        blocks: the data's group blocks.
        n_classes: C.
    """

    def __init__(self, blocks: Blocks, n_classes: int) -> None:
        super().__init__()
        self._blocks = blocks
        self._counts = GroupCounts(blocks.width + 1, n_classes)
        self._calibration = GroupCalibration(blocks.width + 1)

    def update(self, logits: Tensor, batch: Batch) -> None:
        """Add a batch's decisions (the most likely class) and probabilities."""
        y = batch.y if batch.y.dim() == 1 else batch.y.argmax(-1)
        everyone = torch.ones_like(batch.group[:, :1])
        memberships = torch.cat([batch.group, everyone], dim=1)
        self._counts.update(logits.argmax(-1), y, memberships)
        self._calibration.update(logits.softmax(-1), y, memberships)

    def compute(self) -> dict[str, Tensor]:
        """``accuracy``, ``ece``, and ``<disparity>/<block>``; NaN where undefined."""
        counts = self._counts.compute()
        found = {
            "accuracy": accuracy(counts)[-1],
            "ece": expected_calibration_error(self._calibration.compute())[-1],
        }
        for block in self._blocks:
            of_block = disparities(recorded_rates(counts[block.columns]), reference=0)
            found |= {f"{name}/{block.name}": of_block[name] for name in FOLLOWED}
        return found

    def reset(self) -> None:
        """Start the next epoch at zero."""
        self._counts.reset()
        self._calibration.reset()
