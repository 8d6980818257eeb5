"""Mutual information of predicted class and group: the prejudice remover's term."""

import torch
from torch import Tensor

from fairkd.fairness.dependence import Dependence
from fairkd.fairness.masses import comparable, joint
from fairkd.models.features import ModelOutputs
from fairkd.models.probabilities import probabilities


def mutual_information(predicted: Tensor, memberships: Tensor) -> Tensor:
    r"""Mutual information in nats of the predicted class and the group.

    .. math:: \frac{1}{n} \sum_i \sum_y p(y \mid x_i) \ln \frac{\hat P(y \mid g_i)}{\hat P(y)}
              = \sum_{g, y} \hat P(g, y) \ln \frac{\hat P(g, y)}{\hat P(g) \hat P(y)}

    with :math:`\hat P` the batch's means of predicted probabilities. The paper has the sum over
    rows; the mean does not grow with the batch. (Kamishima, Akaho, Asoh and Sakuma,
    "Fairness-aware classifier with prejudice remover regularizer", ECML PKDD 2012.)

    Args:
        predicted: probabilities, shape ``[B, C]``.
        memberships: shape ``[B, G]``, each in [0, 1]; rows of zeros take no part.

    Returns:
        Shape ``[]``; 0 without gradient where fewer than two groups are present.
    """
    shares = joint(memberships)
    both = (shares.unsqueeze(2) * predicted.unsqueeze(1)).sum(0)  # [G, C]
    apart = both.sum(1, keepdim=True) * both.sum(0, keepdim=True)
    least = torch.finfo(both.dtype).tiny
    terms = both * (both.clamp(min=least).log() - apart.clamp(min=least).log())
    return torch.where(comparable(memberships), terms.sum(), 0.0)


class PrejudiceRemover(Dependence):
    """`mutual_information` of the predicted class and a block's cells.

    The arguments are those of `Dependence`.
    """

    def scores(self, student: ModelOutputs) -> Tensor:
        """The probabilities of all classes, shape ``[B, C]``."""
        return probabilities(student.logits)

    def measure(self, scores: Tensor, memberships: Tensor) -> Tensor:
        """The information, shape ``[]``."""
        return mutual_information(scores, memberships)
