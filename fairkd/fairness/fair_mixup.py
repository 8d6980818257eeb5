"""Predictions that do not change on the way from one group's rows to another's."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.func import jvp

from fairkd import checks
from fairkd.data.batch import Batch
from fairkd.data.blocks import Blocks
from fairkd.data.parts import parts
from fairkd.errors import ConfigError
from fairkd.fairness.dependence import against_the_rest
from fairkd.fairness.masses import below, comparable, within
from fairkd.fairness.term import FairnessTerm, Student
from fairkd.models.features import ModelOutputs
from fairkd.models.probabilities import probabilities

_PRIME = 2**31 - 1


def fair_mixup(
    score: Callable[[Tensor], Tensor], x: Tensor, memberships: Tensor, keys: Tensor
) -> Tensor:
    r"""How fast the mean score changes on the way between two groups, mean over pairs and scores.

    .. math:: \left| \frac{d}{dt} \, \mathbb{E} \, f \left( (1 - t) x_g + t x_h \right) \right|
              = \left| \mathbb{E} \, \langle \nabla f(x_t), x_h - x_g \rangle \right|

    at one t in each batch, so that its mean over batches is the integral over t. Every group's rows
    are brought into a random order, in which one group's meet the other's from the opposite end:
    as many pairs as there are rows, each row as often as its share in its group says. (Chuang and
    Mroueh, "Fair mixup: fairness via interpolation", ICLR 2021.)

    Args:
        score: from features, shape ``[B, ...]``, to scores, shape ``[B, K]``; each row by itself.
        x: shape ``[B, ...]``.
        memberships: shape ``[B, G]``, each in [0, 1]; rows of zeros take no part.
        keys: what order and t follow from, shape ``[B]``, whole numbers of at least 0: see
            `scattered`.

    Returns:
        Shape ``[]``; 0 without gradient where fewer than two groups are present.
    """
    if memberships.shape[1] < 2:
        return x.new_zeros(())
    one, other = torch.combinations(torch.arange(memberships.shape[1])).unbind(1)
    rows = _in_order(memberships, keys)
    present = memberships.sum(0) > 0
    both = (present[one] & present[other]).to(x.dtype)
    places = _places(memberships, keys)  # [N]
    start = x[rows[:, one].mT.flatten()]  # the pairs of groups one after another
    way = x[rows[:, other].flip(0).mT.flatten()] - start
    t = places.repeat_interleave(len(x)).reshape(-1, *[1] * (x.dim() - 1))
    slopes = jvp(score, (start + t * way,), (way,))[1]
    rates = slopes.reshape(len(one), len(x), -1).mean(1).abs().mean(1)
    value = (rates * both).sum() / both.sum().clamp(min=1)
    return torch.where(comparable(memberships), value, 0.0)


def scattered(index: Tensor, epoch: Tensor) -> Tensor:
    """Rows' places in their split as numbers in no apparent order, another in every epoch.

    Args:
        index: shape ``[B]``, below 2^31 - 1.
        epoch: counted from 0, shape ``[]``; validation's infinite one is a further epoch.

    Returns:
        Shape ``[B]``, different for different rows.
    """
    turn = torch.where(epoch.isfinite(), epoch + 1, 0.0).long()
    key = (index + 1) * 48_271 + turn * 69_621
    for factor in (16_807, 39_373):
        # Fifth powers are a permutation of the numbers below this prime.
        key = key % _PRIME
        square = key * key % _PRIME
        key = square * square % _PRIME * key % _PRIME
        key = key * factor + turn
    return key % _PRIME


def _in_order(memberships: Tensor, keys: Tensor) -> Tensor:
    """For each group B rows out of it, in the order of their keys, shape ``[B, G]``."""
    order = keys.argsort()
    sums = below(within(memberships)[order])
    n = len(keys)
    middles = (torch.arange(n, device=keys.device, dtype=sums.dtype) + 0.5) / n
    place = (sums.unsqueeze(0) < middles[:, None, None]).sum(1)
    return order[place.clamp(max=n - 1)]


def _places(memberships: Tensor, keys: Tensor) -> Tensor:
    """Where between each pair's groups the slope is taken, shape ``[N]``.

    The path begins at the group whose keys are smaller on average, whichever its name is.
    """
    t = (keys.sum() % _PRIME).to(memberships.dtype) / _PRIME
    means = (within(memberships) * (keys / _PRIME).to(memberships.dtype).unsqueeze(1)).sum(0)
    one, other = torch.combinations(torch.arange(memberships.shape[1])).unbind(1)
    return torch.where(means[one] < means[other], t, 1 - t)


class FairMixup(FairnessTerm):
    """`fair_mixup` of the probability of each class between a block's cells.

    It asks the student about mixed rows: one more pass, with its derivative, for each pair of
    cells. Which rows are mixed depends on the batch's rows and the epoch alone.

    Args:
        blocks: the data's group blocks.
        by: the block; ``None`` is the data's first.
        weight: the term's factor in the objective, at least 0.
        most_rows: more rows than this, as when a whole split is judged, are mixed in parts.

    Raises:
        ConfigError: an unknown name, or a value out of its range.
    """

    weight: Tensor

    def __init__(
        self, blocks: Blocks, by: str | None = None, weight: float = 1.0, most_rows: int = 256
    ) -> None:
        super().__init__(blocks, by)
        self.knob("weight", weight, least=0.0)
        self.most_rows = checks.whole("most_rows", most_rows, least=2)

    @property
    def factor(self) -> Tensor:
        """The weight."""
        return self.weight

    def forward(
        self,
        student: ModelOutputs,  # noqa: ARG002
        batch: Batch,
        epoch: Tensor,
        model: Student | None = None,
    ) -> Tensor:
        """The slope, shape ``[]``.

        Raises:
            ConfigError: there is no model to ask, or the rows cannot be mixed.
        """
        if model is None:
            raise ConfigError(
                "Fair mixup asks the student about mixed rows, and was given its outputs alone; "
                "pass the student to the objective as well (Objective's model)."
            )
        if not batch.x.is_floating_point():
            raise ConfigError(
                f"Fair mixup mixes rows, and these are of {batch.x.dtype}; it takes features that "
                "are floating point numbers."
            )
        memberships, keys = self.block.of(batch.group), scattered(batch.index, epoch)

        def score(x: Tensor) -> Tensor:
            return against_the_rest(probabilities(model(x))).to(memberships.dtype)

        rows = len(keys)
        values = [
            len(part) * fair_mixup(score, batch.x[part], memberships[part], keys[part])
            for part in parts(rows, self.most_rows, keys.device)
        ]
        return torch.stack(values).sum() / max(rows, 1)

    def asking(
        self, student: ModelOutputs, batch: Batch, epoch: Tensor, model: Student | None
    ) -> Tensor:
        """`forward` with the student to ask."""
        value: Tensor = self(student, batch, epoch, model)
        return value
