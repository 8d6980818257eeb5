"""The mitigations of one objective, side by side."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from fairkd.data.batch import Batch
from fairkd.errors import ConfigError
from fairkd.fairness.balanced_sampling import BalancedSampling
from fairkd.fairness.mitigation import Adversary, Contest, LabelLoss, Mitigation, RowWeights
from fairkd.fairness.reweighing import Reweighing
from fairkd.models.features import ModelOutputs


class Mitigations(nn.ModuleDict):
    """Mitigations by name, each applied where it belongs.

    Args:
        named: any kinds; at most one of them makes the labels' loss.

    Attributes:
        label_losses: the name of the one that makes the labels' loss, if any.

    Raises:
        ConfigError: several make the labels' loss, or they undo each other.
    """

    def __init__(self, named: Mapping[str, Mitigation]) -> None:
        super().__init__(dict(named))
        self.label_losses = [name for name, one in self.items() if isinstance(one, LabelLoss)]
        if len(self.label_losses) > 1:
            raise ConfigError(
                f"mitigation=[{','.join(self.label_losses)}] makes one number of the labels' "
                f"losses in {len(self.label_losses)} ways; choose one of them."
            )
        opposing = [n for n, one in self.items() if isinstance(one, Adversary) and one.opposes]
        if len(opposing) > 1:
            raise ConfigError(
                f"mitigation=[{','.join(opposing)}] turns the student's gradient away from "
                f"{len(opposing)} adversaries; choose one of them."
            )
        self._check_sampling()

    @property
    def named(self) -> dict[str, Mitigation]:
        """All of them by name."""
        return {name: one for name, one in self.items() if isinstance(one, Mitigation)}

    @property
    def student_features(self) -> tuple[str, ...]:
        """Module paths of the student that some of them reads."""
        return tuple(name for one in self.named.values() for name in one.student_features)

    def connect(self, student: ModelOutputs, generator: torch.Generator) -> None:
        """Let each build what depends on the student's shapes, whatever order they are given in."""
        for _, one in sorted(self.named.items()):
            one.connect(student, generator)

    def learn(self, splits: Mapping[str, Batch]) -> None:
        """Show the rows to each before training."""
        for one in self.named.values():
            one.learn(splits)

    def advanced(self, student: ModelOutputs, batch: Batch, epoch: Tensor) -> dict[str, Tensor]:
        """The state of all of them after a step with weighed rows, by its name in this module."""
        return {
            f"{name}.{buffer}": value
            for name, one in self.named.items()
            for buffer, value in one.advanced(student, batch, epoch).items()
        }

    def chances(self, split: Batch) -> Tensor | None:
        """How likely each training row is to be drawn, shape ``[N]``, summing to 1.

        Args:
            split: all rows, on the device of this module.

        Returns:
            ``None`` where rows are not drawn: each comes once in an epoch.
        """
        for one in self.values():
            if isinstance(one, BalancedSampling):
                often = one.how_often(split).double()
                return often / often.sum()
        return None

    def weighed(self, batch: Batch, epoch: Tensor) -> Batch:
        """The rows with the weights that they have in the objective."""
        for one in self.values():
            if isinstance(one, RowWeights):
                batch = batch._replace(weight=batch.weight * one.factors(batch, epoch))
        return batch

    def labels(self, losses: Tensor, batch: Batch, epoch: Tensor) -> Tensor:
        """The labels' loss, shape ``[]``, or ``[B]`` as it is where nothing makes one of it.

        Args:
            losses: shape ``[B]``.
            batch: weighed.
            epoch: counted from 0.
        """
        for one in self.values():
            if isinstance(one, LabelLoss):
                return one.aggregated(losses, batch, epoch)
        return losses

    def contests(self, student: ModelOutputs, batch: Batch, epoch: Tensor) -> dict[str, Contest]:
        """What each adversary adds, by name; the arguments are those of `Adversary`."""
        return {
            name: one(student, batch, epoch)
            for name, one in self.items()
            if isinstance(one, Adversary)
        }

    def _check_sampling(self) -> None:
        drawn = {name: one for name, one in self.items() if isinstance(one, BalancedSampling)}
        if len(drawn) > 1:
            raise ConfigError(
                f"mitigation=[{','.join(drawn)}] draws the rows of a batch in {len(drawn)} ways; "
                "choose one of them."
            )
        for name, sampling in drawn.items():
            for other, weights in self.items():
                if not isinstance(weights, Reweighing) or sampling.of == "group":
                    continue
                if weights.block == sampling.block:
                    raise ConfigError(
                        f"mitigation=[{other},{name}] makes group and label independent twice, as "
                        f"rows of equally frequent cells of {weights.block.name} and label are "
                        f"weighed anew; choose one of them, or mitigation.of=group."
                    )
