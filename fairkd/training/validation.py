"""What an epoch is judged by on the validation split: the objective, and group metrics."""

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from fairkd.data.batch import Batch
from fairkd.data.blocks import Blocks
from fairkd.data.dataset import Dataset
from fairkd.evaluation.calibration import GroupCalibration, expected_calibration_error
from fairkd.evaluation.certificate import Certifier
from fairkd.evaluation.counts import GroupCounts
from fairkd.evaluation.disparities import disparities
from fairkd.evaluation.rates import accuracy, recorded_rates
from fairkd.models.features import ModelOutputs
from fairkd.models.probabilities import probabilities
from fairkd.training.inference import Gathered, joined_batch, outputs_of
from fairkd.training.objective import Objective

SLACK = "slack"
DECIDED = "decided_accuracy"
"""What certifying adds to an epoch's values: its safety, and its accuracy as it is decided."""
FOLLOWED = (
    "demographic_parity_difference",
    "equal_opportunity_difference",
    "false_positive_rate_difference",
    "equalized_odds_difference",
    "accuracy_difference",
    "worst_group_accuracy",
)
"""The disparities worth a curve; the record has them all."""


class Validation(nn.Module):
    """One pass over the validation split: outputs come in by batches and are judged together.

    The objective is taken over the whole split at once, never as a mean over batches of group
    terms, and always with distillation in force, so that epochs before ``start_epoch`` compare with
    those after.

    Args:
        blocks: the data's group blocks.
        n_classes: C.
    """

    def __init__(self, blocks: Blocks, n_classes: int) -> None:
        super().__init__()
        self.metrics = ValidationMetrics(blocks, n_classes)
        self._begin()

    def update(self, outputs: ModelOutputs, teacher: ModelOutputs | None, batch: Batch) -> None:
        """Add a batch; a teacher's outputs come with every one or with none."""
        self._student.add(outputs)
        if teacher is not None:
            self._teacher.add(teacher)
        self._batches.append(batch)
        self.metrics.update(outputs.logits, batch)

    def compute(
        self,
        objective: Objective,
        parameters: Mapping[str, Tensor] | None,
        model: nn.Module | None = None,
        certifier: Certifier | None = None,
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Judge what was added, and begin anew.

        Args:
            objective: what training minimises.
            parameters: the model's parameters by name.
            model: the model itself, for terms that ask it about other rows.
            certifier: will test the epochs; then `SLACK` and `DECIDED` are among the values.

        Returns:
            The objective (``loss``), its terms and what it follows (multipliers), which processes
            average over their shares; and the group metrics, which are those of all processes
            together.
        """
        outputs, batch = self._student.whole(), joined_batch(self._batches)
        teacher = self._teacher.whole() if self._teacher.rows else None
        self._begin()
        value = objective(
            outputs,
            teacher,
            batch,
            torch.tensor(math.inf, device=outputs.logits.device),
            parameters,
            model,
        )
        metrics = self.metrics.compute()
        self.metrics.reset()
        found = {"loss": value.total, **value.terms, **objective.followed()}
        if certifier is not None:
            judged_by = {SLACK: certifier.slack, DECIDED: certifier.accuracy}
            for name, judge in judged_by.items():
                value = judge(outputs.logits, batch)
                found[name] = torch.tensor(value, device=outputs.logits.device)
        return found, metrics

    def _begin(self) -> None:
        self._student, self._teacher = Gathered(), Gathered()
        self._batches: list[Batch] = []


def judged(model: nn.Module, dataset: Dataset) -> dict[str, float]:
    """A row like an epoch's for a model that learned labels in another way than by epochs.

    Args:
        model: trained.
        dataset: prepared splits; ``train`` is judged whole and in evaluation mode.

    Returns:
        ``train/...`` and ``val/...`` by name.
    """
    validation = Validation(dataset.blocks, len(dataset.classes))
    row: dict[str, float] = {}
    for stage, name in (("train", "train"), ("val", "validation")):
        split = dataset.splits[name]
        validation.update(outputs_of(model, dataset, name), None, split)
        terms, metrics = validation.compute(Objective(), None)
        found = terms if stage == "train" else {**terms, **metrics}
        row |= {f"{stage}/{key}": float(value) for key, value in found.items()}
    return row


class ValidationMetrics(nn.Module):
    """Accuracy, calibration and the followed disparities of every block, from exact counts.

    The counts cover all groups at once and a last, further "group" of everyone; calibration is
    everyone's alone. Both are sums over batches and processes, so the metrics are those of the
    whole split.

    Args:
        blocks: the data's group blocks.
        n_classes: C.
    """

    def __init__(self, blocks: Blocks, n_classes: int) -> None:
        super().__init__()
        self._blocks = blocks
        self._counts = GroupCounts(blocks.width + 1, n_classes)
        self._calibration = GroupCalibration(1)

    def update(self, logits: Tensor, batch: Batch) -> None:
        """Add a batch's decisions (the most likely class) and probabilities."""
        y = batch.y if batch.y.dim() == 1 else batch.y.argmax(-1)
        everyone = torch.ones_like(batch.weight).unsqueeze(-1)
        memberships = torch.cat([batch.group, everyone], dim=1)
        self._counts.update(logits.argmax(-1), y, memberships)
        self._calibration.update(probabilities(logits), y, everyone)

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
