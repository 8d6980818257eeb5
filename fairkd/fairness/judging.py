"""How a student that is trained against an adversary is judged on validation."""

from torch import Tensor

from fairkd.data.batch import Batch
from fairkd.data.blocks import Block
from fairkd.fairness.disparities import largest_difference
from fairkd.fairness.statistics import find_statistic
from fairkd.models.features import ModelOutputs
from fairkd.models.probabilities import probabilities

_AGAINST = {"nothing": "selection_rate", "label": "equalized_odds"}


def remaining_gap(student: ModelOutputs, batch: Batch, block: Block, given: str) -> Tensor:
    """What the adversary is there to close, shape ``[]``: a gap of the groups' soft predictions.

    An adversary's own loss would not do: an untrained one finds no group in any student.

    Args:
        student: the student's outputs.
        batch: the rows.
        block: the groups.
        given: what the adversary knows: ``nothing``, and the gap is that of selection rates;
            ``label``, and it is the larger one of true and false positive rates.
    """
    statistic = find_statistic(_AGAINST[given])
    rates = statistic.rates(probabilities(student.logits), batch.y, block.of(batch.group))
    return largest_difference(rates).amax()
