"""Whether a model's loss tells the rows that trained it from rows that did not.

The attack is that of Yeom et al., "Privacy risk in machine learning: analyzing the connection to
overfitting" (CSF 2018): a row is taken for a member of the training rows if its loss is low. Over
all thresholds that is one area under the ROC curve: the share of pairs of a member and another row
in which the member's loss is the lower one. 0.5 means that losses tell nothing; it is no proof that
nothing else does. Members are compared with other rows as a whole, so a difference between the
two for any other reason (labels flipped in training alone) counts too.
"""

import numpy as np
from numpy.typing import NDArray

from fairkd.evaluation.discrimination import separation
from fairkd.evaluation.evaluation import Evaluation
from fairkd.evaluation.measured import BlockRecord, Column, Measured, Record, assemble
from fairkd.evaluation.predictions import Predictions

MEMBERSHIP_AUC = "membership_auc"


def membership(members: Predictions, others: Predictions, confidence: float) -> Evaluation:
    """The AUC of the loss, over all rows and by group, with DeLong's interval.

    A row's loss is the cross-entropy at T = 1 of its label as `Predictions` holds it: of members
    the one that training was told, a smoothed or corrected label being the one that it was made
    from. Rows whose group is missing count over all rows alone.

    Args:
        members: predictions for the rows that trained the model.
        others: for rows that did not, as many groups.
        confidence: of each interval by itself.

    Returns:
        ``membership_auc`` and, by group, ``membership_auc``, ``members`` and ``others``; an AUC is
        NaN with fewer than two rows on a side.
    """
    scores = np.concatenate([odds_against(members), odds_against(others)])
    np.negative(scores, out=scores)  # the lowest odds come last
    order = scores.argsort()
    scores = scores[order]
    member = np.repeat([True, False], [members.n_rows, others.n_rows])[order]
    whole = separation(scores, member)
    blocks = {}
    for block in members.blocks:
        sides = [of.memberships[block.name] for of in (members, others)]
        counts = [np.bincount(side[side >= 0], minlength=len(block.cells)) for side in sides]
        group = np.concatenate(sides).astype(np.int16)[order]  # few bits sort fast
        sizes = np.append((group < 0).sum(), counts[0] + counts[1])
        by_group = np.split(group.argsort(kind="stable"), sizes.cumsum())[1:-1]
        areas = [separation(scores[rows], member[rows]) for rows in by_group]
        column = Column(
            np.array([area.value for area in areas]),
            [area.interval(confidence) for area in areas],
        )
        columns = {
            "members": Column(counts[0]),
            "others": Column(counts[1]),
            MEMBERSHIP_AUC: column,
        }
        blocks[block.name] = BlockRecord(block.cells, columns, {})
    value = Measured(whole.value, whole.interval(confidence))
    return assemble(Record({MEMBERSHIP_AUC: value}, blocks))


def odds_against(predictions: Predictions) -> NDArray[np.float64]:
    """The other classes' probability over that of the label, of each row, shape ``[N]``.

    The cross-entropy is ``log(1 + odds)``, so both put rows into one order; odds tell apart rows of
    which a model is sure, whose probability has rounded to 1.
    """
    rows = np.arange(predictions.n_rows)
    own = predictions.probabilities[rows, predictions.y]
    if len(predictions.classes) == 2:
        rest = predictions.probabilities[rows, 1 - predictions.y]
    else:
        others = predictions.probabilities.copy()
        others[rows, predictions.y] = 0.0
        rest = others.sum(-1)
    # A probability that underflowed is read as the smallest normal float.
    found: NDArray[np.float64] = rest / own.clip(min=np.finfo(np.float64).tiny)
    return found
