r"""Bounds enforced by multipliers that rise while the bound is exceeded.

The student descends on its loss plus :math:`\sum_{sk} \mu_{sk} c_{sk}`, and the multipliers climb
on the same sum. Two kinds of rates stand for the constraint: soft ones, which have a gradient,
drive the student; hard ones, of its decisions, which the bound is about, drive the multipliers
(proxies: Cotter, Jiang and Sridharan, "Two-player games for efficient non-convex constrained
optimization", ALT 2019).
"""

from abc import abstractmethod

import torch
from torch import Tensor

from fairkd.data.batch import Batch
from fairkd.data.blocks import Blocks
from fairkd.fairness.constraint import Constraint, hard, soft
from fairkd.fairness.statistics import Rates
from fairkd.fairness.term import Student
from fairkd.models.features import ModelOutputs

_SEVERITY = 100.0


class Dual(Constraint):
    """A constraint with multipliers, one for each condition of the statistic and each class.

    Rates may run over batches: their sums are carried on, shrunk by ``running`` at every step, so
    that a group of which a batch has few rows keeps its value from earlier ones. A ratio of two
    such sums needs no correction at the start.

    On validation, where epochs are compared, multipliers have no say: the term is 100 times what
    hard decisions exceed the bound by, so that an epoch within the bound is better than any other.

    Args:
        blocks: see `Constraint`, as for the next four.
        by: the block whose cells are compared.
        statistic: which rate.
        disparity: which number from the groups' values.
        threshold: the bound.
        weight: every multiplier's start, at least 0.
        rate: how fast multipliers follow, above 0.
        proxy: whether hard decisions drive the multipliers; ``False``: soft predictions do.
        running: share of the earlier sums that a step keeps, from 0 to below 1.
        n_classes: C.
        reference: the cell that average differences compare with.
        sharpness: of a smooth disparity; multipliers follow the exact one in any case.

    Raises:
        ConfigError: an unknown name, or a value out of its range.
    """

    weight: Tensor
    rate: Tensor
    running: Tensor
    multipliers: Tensor
    soft_sums: Tensor
    hard_sums: Tensor

    def __init__(
        self,
        blocks: Blocks,
        n_classes: int,
        by: str | None = None,
        statistic: str = "selection_rate",
        disparity: str = "largest_difference",
        threshold: float = 0.0,
        weight: float = 0.0,
        rate: float = 0.1,
        proxy: bool = True,
        running: float = 0.0,
        reference: str | None = None,
        sharpness: float | None = None,
    ) -> None:
        super().__init__(blocks, by, statistic, disparity, threshold, reference, sharpness)
        self.knob("weight", weight, least=0.0)
        self.knob("rate", rate, above=0.0)
        self.knob("running", running, least=0.0, most=0.999)
        self.proxy = proxy
        shape = self.statistic.shape(n_classes)
        self.register_buffer("multipliers", torch.full(shape, float(self.weight)))
        sums = torch.zeros(2 + self.corrected, *shape, len(self.block.cells))
        self.register_buffer("soft_sums", sums)
        self.register_buffer("hard_sums", sums.clone())

    @property
    def factor(self) -> Tensor:
        """1: the multipliers are in the term."""
        return torch.ones_like(self.weight)

    def forward(self, student: ModelOutputs, batch: Batch, epoch: Tensor) -> Tensor:
        """The term, shape ``[]``: what the student descends on, or how validation judges it."""
        of_soft = self._run(soft(student), batch, self.soft_sums)
        decided = self.gaps(self.rates(hard(student), batch)) - self.threshold
        training = epoch.isfinite()
        return torch.where(training, self._driven(of_soft), _SEVERITY * decided.relu().amax())

    def stepped(
        self,
        student: ModelOutputs,
        batch: Batch,
        epoch: Tensor,
        model: Student | None,  # noqa: ARG002
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """What the student descends on; running sums, multipliers and what else follows them."""
        of_soft = self._run(soft(student), batch, self.soft_sums)
        of_hard = self._run(hard(student), batch, self.hard_sums)
        sums = {"soft_sums": of_soft.detach(), "hard_sums": of_hard}
        seen = sums["hard_sums" if self.proxy else "soft_sums"]
        excess = self.gaps(Rates.of(*seen)) - self.threshold
        return self._driven(of_soft), {**sums, **self.climbed(excess, epoch)}

    @abstractmethod
    def primal(self, excess: Tensor) -> Tensor:
        """What the student descends on, shape ``[]``, from ``c``, shape ``[S, K]``."""

    @abstractmethod
    def climbed(self, excess: Tensor, epoch: Tensor) -> dict[str, Tensor]:
        """Multipliers, and what else follows them, after a step with ``c``, shape ``[S, K]``."""

    def followed(self) -> dict[str, Tensor]:
        """The multipliers: numbered in the order of conditions and classes where there are more."""
        each = self.multipliers.detach().flatten().clone()
        if len(each) == 1:
            return {"multiplier": each[0]}
        return {f"multiplier/{number}": value for number, value in enumerate(each)}

    def _driven(self, sums: Tensor) -> Tensor:
        """What the student descends on, shape ``[]``, from the running sums of soft predictions."""
        return self.primal(self.descended(Rates.of(*sums)) - self.threshold)

    def _run(self, predictions: Tensor, batch: Batch, sums: Tensor) -> Tensor:
        """The sums of this batch and of the ones before, see `Statistic.sums`."""
        now = self.sums(predictions, batch)
        kept = torch.stack([self.running, self.running, self.running.square()])[: len(now)]
        return now + kept[:, None, None, None] * sums


class Lagrangian(Dual):
    r"""Gradient ascent on the multipliers.

    .. math:: \min_\theta \; \sum_{sk} \mu_{sk} c_{sk}, \qquad \mu \leftarrow [\mu + \eta c]_+

    The arguments are those of `Dual`.
    """

    def primal(self, excess: Tensor) -> Tensor:
        """The multipliers times what exceeds the bound."""
        return (self.multipliers * excess).sum()

    def climbed(self, excess: Tensor, epoch: Tensor) -> dict[str, Tensor]:  # noqa: ARG002
        """One step up."""
        return {"multipliers": (self.multipliers + self.rate * excess).relu()}


class NuPI(Lagrangian):
    r"""Multipliers that a controller sets: they answer to the violation and to its change.

    .. math:: \mu \leftarrow [\, \mu + \eta (K_I c_t + K_P (\xi_t - \xi_{t-1})) \,]_+, \quad
              \xi_t = \nu \xi_{t-1} + (1 - \nu) c_t

    With :math:`K_P = 0` it is the `Lagrangian`; with :math:`K_P = K_I` and :math:`\nu = 0` the
    optimistic gradient. (Sohrabi et al., "On PI controllers for updating Lagrange multipliers in
    constrained optimization", ICML 2024.)

    Args:
        proportional: K_P, at least 0.
        integral: K_I, at least 0.
        smoothing: nu, from 0 to below 1.
        blocks: as all others, see `Dual`.
    """

    proportional: Tensor
    integral: Tensor
    smoothing: Tensor
    smoothed: Tensor
    begun: Tensor

    def __init__(
        self,
        blocks: Blocks,
        n_classes: int,
        by: str | None = None,
        statistic: str = "selection_rate",
        disparity: str = "largest_difference",
        threshold: float = 0.0,
        weight: float = 0.0,
        rate: float = 0.1,
        proxy: bool = True,
        running: float = 0.0,
        reference: str | None = None,
        proportional: float = 1.0,
        integral: float = 1.0,
        smoothing: float = 0.0,
        sharpness: float | None = None,
    ) -> None:
        super().__init__(
            blocks, n_classes, by, statistic, disparity, threshold, weight, rate, proxy, running,
            reference, sharpness,
        )  # fmt: skip
        self.knob("proportional", proportional, least=0.0)
        self.knob("integral", integral, least=0.0)
        self.knob("smoothing", smoothing, least=0.0, most=0.999)
        self.register_buffer("smoothed", torch.zeros_like(self.multipliers))
        self.register_buffer("begun", torch.tensor(0.0))

    def climbed(self, excess: Tensor, epoch: Tensor) -> dict[str, Tensor]:  # noqa: ARG002
        """One step of the controller; the first one knows no change."""
        before = torch.where(self.begun > 0, self.smoothed, excess)
        smoothed = self.smoothing * before + (1 - self.smoothing) * excess
        change = self.integral * excess + self.proportional * (smoothed - before)
        return {
            "multipliers": (self.multipliers + self.rate * change).relu(),
            "smoothed": smoothed,
            "begun": torch.ones_like(self.begun),
        }


class AugmentedLagrangian(Dual):
    r"""A quadratic on what exceeds the bound, moved by multipliers.

    .. math:: \min_\theta \; \frac{1}{2 \rho} \sum_{sk} \left( [\mu_{sk} + \rho c_{sk}]_+^2
              - \mu_{sk}^2 \right), \qquad \mu \leftarrow [\mu + \rho c]_+

    Multipliers move once an epoch, by what exceeded the bound on average over its steps; where that
    is more than nothing, :math:`\rho` grows. (Powell; Hestenes; Rockafellar, "The multiplier method
    of Hestenes and Powell applied to convex programming", 1973.)

    Args:
        growth: factor on :math:`\rho` after an epoch outside the bound, at least 1.
        most: the largest :math:`\rho`.
        rate: :math:`\rho` at the start.
        blocks: as all others, see `Dual`.
    """

    growth: Tensor
    most: Tensor
    rho: Tensor
    exceeded: Tensor
    steps: Tensor
    last_epoch: Tensor

    def __init__(
        self,
        blocks: Blocks,
        n_classes: int,
        by: str | None = None,
        statistic: str = "selection_rate",
        disparity: str = "largest_difference",
        threshold: float = 0.0,
        weight: float = 0.0,
        rate: float = 1.0,
        proxy: bool = True,
        running: float = 0.0,
        reference: str | None = None,
        growth: float = 2.0,
        most: float = 100.0,
        sharpness: float | None = None,
    ) -> None:
        super().__init__(
            blocks, n_classes, by, statistic, disparity, threshold, weight, rate, proxy, running,
            reference, sharpness,
        )  # fmt: skip
        self.knob("growth", growth, least=1.0)
        self.knob("most", most, above=0.0)
        self.register_buffer("rho", self.rate.clone())
        self.register_buffer("exceeded", torch.zeros_like(self.multipliers))
        self.register_buffer("steps", torch.tensor(0.0))
        self.register_buffer("last_epoch", torch.tensor(0.0))

    def primal(self, excess: Tensor) -> Tensor:
        """The moved quadratic."""
        pushed = (self.multipliers + self.rho * excess).relu().square()
        return (pushed - self.multipliers.square()).sum() / (2 * self.rho)

    def climbed(self, excess: Tensor, epoch: Tensor) -> dict[str, Tensor]:
        """Sum up an epoch's steps; with the first step of the next one, move."""
        new = epoch > self.last_epoch
        mean = self.exceeded / self.steps.clamp(min=1.0)
        moved = (self.multipliers + self.rho * mean).relu()
        grown = torch.where((mean > 0).any(), self.growth, 1.0) * self.rho
        return {
            "multipliers": torch.where(new, moved, self.multipliers),
            "rho": torch.where(new, torch.minimum(grown, self.most), self.rho),
            "exceeded": torch.where(new, excess, self.exceeded + excess),
            "steps": torch.where(new, torch.ones_like(self.steps), self.steps + 1),
            "last_epoch": epoch.to(self.last_epoch.dtype),
        }
