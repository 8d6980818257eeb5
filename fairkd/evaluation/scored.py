"""What does not depend on the decision threshold: discrimination, calibration, score distances."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fairkd.data.blocks import Block
from fairkd.evaluation.abcc import abcc, abcc_interval
from fairkd.evaluation.bootstrap import bootstrap
from fairkd.evaluation.calibration import Claims, cells_by_outcome, claims, error_of_outcomes
from fairkd.evaluation.discrimination import auc, auc_difference_interval
from fairkd.evaluation.disparities import difference
from fairkd.evaluation.intervals import mean_interval
from fairkd.evaluation.measured import BlockRecord, Column, Measured, Record
from fairkd.evaluation.predictions import Predictions
from fairkd.evaluation.rates import reported
from fairkd.evaluation.row_draws import RowDraws
from fairkd.evaluation.settings import EvaluationSettings


def scored_record(predictions: Predictions, settings: EvaluationSettings) -> Record:
    """AUC, log loss, Brier score, calibration and ABCC of one model, each with its interval.

    The Brier score is the mean squared error of the positive class's probability, or with several
    classes of all of them summed, as scikit-learn has it.
    """
    claimed = claims(predictions.probabilities, predictions.y, settings.calibration_bins)
    losses = _log_losses(predictions)
    drawn = predictions.truth.row_draws(settings.draws, settings.seed)
    area = auc(predictions.probabilities, predictions.y, predictions.ascending)
    overall = {
        "auc": Measured(area.value, area.interval(settings.confidence)),
        "log_loss": _mean(losses, settings),
        "brier": _mean(_brier(predictions), settings),
        "ece": _overall_calibration(claimed, drawn, settings),
    }
    return Record(
        overall,
        {
            block.name: _block(predictions, block, claimed, losses, settings)
            for block in predictions.blocks
        },
    )


def _block(
    predictions: Predictions,
    block: Block,
    claimed: Claims,
    losses: NDArray[np.float64],
    settings: EvaluationSettings,
) -> BlockRecord:
    p = predictions.probabilities
    by_cell = [predictions.ascending_in(block.name, g) for g in range(len(block.cells))]
    areas = [auc(p, predictions.y, ascending) for ascending in by_cell]
    column = Column(
        np.array([area.value for area in areas]),
        [area.interval(settings.confidence) for area in areas],
    )
    gap = difference(torch.tensor([area.value for area in areas], dtype=torch.float64))
    generator = np.random.default_rng(settings.seed)
    gap_interval = auc_difference_interval(areas, settings.draws, settings.confidence, generator)
    errors, error_gap = _calibration(predictions, block, claimed, settings)
    means = [_mean(losses[rows], settings) for rows in predictions.truth.rows_of[block.name]]
    log_loss = Column(np.array([mean.value for mean in means]), [mean.interval for mean in means])
    scores = [
        [p[ascending[k], k] for ascending in by_cell if len(ascending[k])]
        for k in reported(len(predictions.classes))
    ]
    drawn = predictions.truth.group_draws(block.name, settings.draws, settings.seed)
    distance = Measured(abcc(scores), abcc_interval(scores, drawn, settings.confidence))
    return BlockRecord(
        block.cells,
        {"auc": column, "ece": errors, "log_loss": log_loss},
        {
            "ece_difference": error_gap,
            "auc_difference": Measured(float(gap), gap_interval),
            "abcc": distance,
        },
    )


def _overall_calibration(
    claimed: Claims, drawn: RowDraws, settings: EvaluationSettings
) -> Measured:
    cells, confidence = cells_by_outcome(claimed, np.zeros_like(claimed.cell), 1)
    values, intervals = bootstrap(
        cells[None].numpy(),
        lambda counts: {"ece": error_of_outcomes(counts, confidence)},
        drawn,
        settings.confidence,
    )["ece"]
    return Measured(float(values[0, 0]), intervals.at((0, 0)))


def _calibration(
    predictions: Predictions, block: Block, claimed: Claims, settings: EvaluationSettings
) -> tuple[Column, Measured]:
    n_groups = len(block.cells)
    group = predictions.memberships[block.name] % (n_groups + 1)
    cells, confidence = cells_by_outcome(claimed, group, n_groups)

    def statistics(counts: Tensor) -> dict[str, Tensor]:
        errors = error_of_outcomes(counts, confidence)
        return {"ece": errors, "ece_difference": difference(errors)}

    drawn = predictions.truth.row_draws(settings.draws, settings.seed)
    found = bootstrap(cells[None].numpy(), statistics, drawn, settings.confidence)
    errors, gap = found["ece"], found["ece_difference"]
    column = Column(errors.values[0], [errors.intervals.at((0, g)) for g in range(n_groups)])
    return column, Measured(float(gap.values[0]), gap.intervals.at(0))


def _mean(values: NDArray[np.float64], settings: EvaluationSettings) -> Measured:
    interval = mean_interval(values, settings.confidence)
    return Measured(float(values.mean()) if values.size else float("nan"), interval)


def _log_losses(predictions: Predictions) -> NDArray[np.float64]:
    given = predictions.probabilities[np.arange(predictions.n_rows), predictions.y]
    smallest = np.finfo(np.float64).eps  # scikit-learn's bound
    losses: NDArray[np.float64] = -np.log(given.clip(smallest, 1 - smallest))
    return losses


def _brier(predictions: Predictions) -> NDArray[np.float64]:
    squares = np.zeros(predictions.n_rows)
    for k in reported(len(predictions.classes)):
        squares += (predictions.probabilities[:, k] - (predictions.y == k)) ** 2
    return squares
