"""What stacks are held against: a lean PyTorch loop, and the bare matrix products of a step."""

import copy
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fairkd.data.batch import Batch
from fairkd.data.loaders import BatchLoader
from fairkd.distillation.response import SoftTargets
from fairkd.distillation.softened import TEMPERATURE_SCALING
from fairkd.fairness.penalty import Penalty
from fairkd.training.randomness import threads
from fairkd.training.stack.member import Member

_ROUNDS_OF_PRODUCTS = 5
_SECONDS_A_ROUND = 0.2


def lean_loop(member: Member) -> list[float]:
    """Train one student's copy in plain PyTorch; its validation accuracy after every epoch.

    Tensors in memory; once per student, the teacher's softened log-probabilities; once per epoch, a
    gather of all rows in their order, of which batches are slices; no logging, one number read per
    epoch; forward, loss, backward and the configured optimiser's step; after every epoch accuracy
    on validation in one forward pass, and a copy of the weights if it is the best so far.
    """
    train, validation = member.dataset.splits["train"], member.dataset.splits["validation"]
    model = nn.Sequential(*copy.deepcopy(member.model).children())
    optimizer = member.settings.optimizer(model.parameters())
    loss = LeanLoss.of(member)
    assert member.teacher is not None
    softened = F.log_softmax(member.teacher["train"].logits / loss.temperature, -1)
    columns = (train.x, train.y, train.group[:, loss.columns].contiguous(), softened)
    orders = BatchLoader(Batch(*[train.index] * 5), train.size, member.seed)
    best: tuple[float, list[Tensor]] = (-math.inf, [])
    accuracies = []
    for epoch in range(member.settings.max_epochs):
        orders.set_epoch(epoch)
        order = next(iter(orders)).index
        size = member.settings.batch_size
        batches = (torch.split(column[order], size) for column in columns)
        for x, y, group, soft in zip(*batches, strict=True):
            optimizer.zero_grad()
            torch.autograd.backward(loss(model(x), y, group, soft))
            optimizer.step()
        with torch.inference_mode():
            accuracy = (model(validation.x).argmax(-1) == validation.y).float().mean().item()
        accuracies.append(accuracy)
        if accuracy > best[0]:
            best = (accuracy, [p.detach().clone() for p in model.parameters()])
    return accuracies


@dataclass(frozen=True)
class LeanLoss:
    """Labels, soft targets and a selection-rate penalty for two classes, as few calls as possible.

    Attributes:
        labels: weight of the cross-entropy.
        soft: weight of the soft targets.
        temperature: of the soft targets, which are scaled by its square.
        penalty: weight of the penalty.
        columns: of the groups that are compared.
    """

    labels: float
    soft: float
    temperature: float
    penalty: float
    columns: slice

    @classmethod
    def of(cls, member: Member) -> "LeanLoss":
        """The student's own objective.

        Raises:
            SystemExit: it is another one than the quickstart's.
        """
        objective = member.objective
        terms, constraints = list(objective.terms.values()), list(objective.constraints.values())
        plain = not (float(objective.start_epoch) or len(objective.start))
        match terms, constraints:
            case [SoftTargets() as soft], [Penalty() as penalty] if (
                plain
                and float(soft.scaling_power) == TEMPERATURE_SCALING["squared"]
                and penalty.statistic.name == "selection_rate"
                and float(penalty.threshold) == 0.0
            ):
                return cls(
                    labels=float(objective.label_weight),
                    soft=float(soft.weight),
                    temperature=float(soft.temperature),
                    penalty=float(penalty.weight),
                    columns=penalty.block.columns,
                )
        raise SystemExit("The lean loop knows soft targets with one penalty on selection rates.")

    def __call__(self, logits: Tensor, y: Tensor, group: Tensor, softened: Tensor) -> Tensor:
        """The mean loss of a batch; groups one-hot, the teacher's log-probabilities softened."""
        ours = F.log_softmax(logits / self.temperature, -1)
        soft = F.kl_div(ours, softened, reduction="batchmean", log_target=True)
        rates = logits.softmax(-1)[:, 1] @ group / group.sum(0).clamp(min=1)
        total: Tensor = (
            self.labels * F.cross_entropy(logits, y)
            + self.soft * self.temperature**2 * soft
            + self.penalty * (rates.amax() - rates.amin())
        )
        return total


@dataclass(frozen=True)
class Floor:
    """Seconds a student-step that matrix products alone take, one thread.

    Attributes:
        needed: the products that a step cannot do without: of each linear layer the output and the
            weight's gradient, and the input's gradient for all but the first.
        three: three products of each linear layer, the first included.
    """

    needed: float
    three: float


def floor_of(member: Member, students: int) -> Floor:
    """Time the bare matrix products of a step, for a stack of so many students.

    The faster of two ways: one product after another, and batched ones.
    """
    layers = [m for m in member.model.modules() if isinstance(m, nn.Linear)]
    rows = member.settings.batch_size
    with threads(1), torch.inference_mode():
        seconds = [
            [_fastest(left, right) for left, right in _products(layer, rows, students)]
            for layer in layers
        ]
    return Floor(
        needed=(sum(map(sum, seconds)) - seconds[0][2]) / students,
        three=sum(map(sum, seconds)) / students,
    )


def _products(layer: nn.Linear, rows: int, students: int) -> list[tuple[Tensor, Tensor]]:
    """Both factors of the output, the weight's gradient and the input's gradient."""
    generator = torch.Generator().manual_seed(0)
    # Members with the same seed read the same rows.
    x = torch.randn(rows, layer.in_features, generator=generator).expand(students, -1, -1)
    weight = torch.randn(students, *layer.weight.shape, generator=generator)
    gradient = torch.randn(students, rows, layer.out_features, generator=generator)
    return [(x, weight.mT), (gradient.mT, x), (gradient, weight)]


def _fastest(left: Tensor, right: Tensor) -> float:
    out = left.new_empty(left.shape[0], left.shape[1], right.shape[2])
    lefts, rights, outs = left.unbind(), right.unbind(), out.unbind()

    def single() -> None:
        for a, b, c in zip(lefts, rights, outs, strict=True):
            torch.mm(a, b, out=c)

    return min(_seconds(single), _seconds(partial(torch.bmm, left, right, out=out)))


def _seconds(call: Callable[[], object]) -> float:
    """The fastest of some rounds: what disturbs only adds."""
    call()
    began = time.perf_counter()
    call()
    often = max(1, round(_SECONDS_A_ROUND / (time.perf_counter() - began)))
    return min(_round(call, often) for _ in range(_ROUNDS_OF_PRODUCTS))


def _round(call: Callable[[], object], often: int) -> float:
    began = time.perf_counter()
    for _ in range(often):
        call()
    return (time.perf_counter() - began) / often
