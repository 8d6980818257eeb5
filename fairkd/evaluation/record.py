"""The numbers of one model on one split at one decision threshold, overall and for each block.

Per-group rates are Fairlearn's (`fairkd.evaluation.frames`); their intervals resample the same
counts. Rows whose cell in a block is missing take no part in that block's numbers; every row takes
part in the overall ones.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fairkd.data.blocks import Block
from fairkd.evaluation.abcc import abcc, abcc_interval
from fairkd.evaluation.calibration import cells_by_outcome, error_of_outcomes
from fairkd.evaluation.counts import group_counts
from fairkd.evaluation.discrimination import Auc, auc, auc_difference_interval
from fairkd.evaluation.disparities import difference, disparities
from fairkd.evaluation.frames import frame_rates
from fairkd.evaluation.intervals import (
    UNKNOWN,
    bootstrap,
    mean_interval,
)
from fairkd.evaluation.measured import (
    BlockRecord,
    Column,
    Measured,
    class_column,
    rate_columns,
)
from fairkd.evaluation.predictions import Predictions
from fairkd.evaluation.rates import accuracy, recorded_rates, reported, true_positive_rate
from fairkd.evaluation.reference import reference_of
from fairkd.evaluation.settings import EvaluationSettings


def block_counts(predictions: Predictions, block: Block, threshold: float) -> Tensor:
    """Rows by group, true and predicted class, shape ``[G, C, C]``, of rows whose cell is known."""
    memberships = _one_hot(predictions.memberships[block.name], len(block.cells))
    predicted = torch.from_numpy(predictions.predicted(threshold))
    y = torch.from_numpy(predictions.y)
    return group_counts(predicted, y, memberships, len(predictions.classes))


def block_record(
    predictions: Predictions, block: Block, settings: EvaluationSettings
) -> BlockRecord:
    """Per-group values and disparities of one block, each with its interval."""
    cell = predictions.memberships[block.name]
    known = predictions.rows(cell >= 0) if (cell >= 0).any() else None
    counts = block_counts(predictions, block, settings.threshold)
    reference = reference_of(block, counts, settings)
    generator = np.random.default_rng(settings.seed)
    rates = frame_rates(counts.numpy())
    replicated = bootstrap(
        counts.numpy(),
        lambda drawn: _rates_and_disparities(drawn, reference),
        settings.draws,
        settings.confidence,
        generator,
    )
    columns = _count_columns(counts, predictions.classes)
    for name in rates:
        columns |= rate_columns(name, rates[name], replicated[name], predictions.classes)
    found = {
        name: Measured(float(value), replicated[name].at(()))
        for name, value in disparities(rates, reference).items()
    }
    by_cell = [np.flatnonzero(cell == g) for g in range(len(block.cells))]
    areas = [auc(predictions.probabilities[rows], predictions.y[rows]) for rows in by_cell]
    columns["auc"] = _auc_column(areas, settings)
    errors, error_gap = _calibration(predictions, block, settings, generator)
    columns["ece"] = errors
    columns["log_loss"] = _log_loss_column(predictions, by_cell, settings)
    found["ece_difference"] = error_gap
    found["auc_difference"] = Measured(
        float(difference(torch.tensor([area.value for area in areas], dtype=torch.float64))),
        auc_difference_interval(areas, settings.draws, settings.confidence, generator),
    )
    found["abcc"] = _abcc(known, block, settings, generator)
    return BlockRecord(block.cells, columns, found, int((cell < 0).sum()))


def overall_record(predictions: Predictions, settings: EvaluationSettings) -> dict[str, Measured]:
    """The numbers over all rows, each with its interval.

    Balanced accuracy is the mean of the classes' true positive rates (of classes that occur), and
    the Brier score the mean squared error of the positive class's probability, or with several
    classes of all of them summed: both as scikit-learn has them.
    """
    generator = np.random.default_rng(settings.seed)
    everyone = torch.ones(predictions.n_rows, 1, dtype=torch.float64)
    y = torch.from_numpy(predictions.y)
    predicted = torch.from_numpy(predictions.predicted(settings.threshold))
    counts = group_counts(predicted, y, everyone, len(predictions.classes))
    point = _accuracies(counts)
    replicated = bootstrap(
        counts.numpy(), _accuracies, settings.draws, settings.confidence, generator
    )
    found = {name: Measured(float(point[name][0]), replicated[name].at(0)) for name in point}
    area = auc(predictions.probabilities, predictions.y)
    found["auc"] = Measured(area.value, area.interval(settings.confidence))
    for name, values in (("log_loss", _log_losses(predictions)), ("brier", _brier(predictions))):
        interval = mean_interval(values, settings.confidence)
        found[name] = Measured(float(values.mean()), interval)
    cells, confidence = cells_by_outcome(
        torch.from_numpy(predictions.probabilities), y, everyone, settings.calibration_bins
    )
    errors = bootstrap(
        cells.numpy(),
        lambda drawn: {"ece": error_of_outcomes(drawn, confidence)},
        settings.draws,
        settings.confidence,
        generator,
    )
    found["ece"] = Measured(float(error_of_outcomes(cells, confidence)[0]), errors["ece"].at(0))
    return found


def _one_hot(cell: NDArray[np.int64], n_groups: int) -> Tensor:
    return torch.from_numpy(cell[:, None] == np.arange(n_groups)).double()


def _accuracies(counts: Tensor) -> dict[str, Tensor]:
    return {
        "accuracy": accuracy(counts),
        "balanced_accuracy": true_positive_rate(counts).nanmean(-1),
    }


def _rates_and_disparities(counts: Tensor, reference: int) -> dict[str, Tensor]:
    rates = recorded_rates(counts)
    return {**rates, **disparities(rates, reference)}


def _count_columns(counts: Tensor, classes: tuple[str, ...]) -> dict[str, Column]:
    whole = counts.round().long().numpy()
    columns = {"count": Column(whole.sum((-1, -2)))}
    for k in reported(len(classes)):
        columns[class_column("positives", k, classes)] = Column(whole[:, k].sum(-1))
    return columns


def _auc_column(areas: list[Auc], settings: EvaluationSettings) -> Column:
    return Column(
        np.array([area.value for area in areas]),
        [area.interval(settings.confidence) for area in areas],
    )


def _calibration(
    predictions: Predictions,
    block: Block,
    settings: EvaluationSettings,
    generator: np.random.Generator,
) -> tuple[Column, Measured]:
    cells, confidence = cells_by_outcome(
        torch.from_numpy(predictions.probabilities),
        torch.from_numpy(predictions.y),
        _one_hot(predictions.memberships[block.name], len(block.cells)),
        settings.calibration_bins,
    )

    def statistics(counts: Tensor) -> dict[str, Tensor]:
        errors = error_of_outcomes(counts, confidence)
        return {"ece": errors, "ece_difference": difference(errors)}

    point = statistics(cells)
    replicated = bootstrap(
        cells.numpy(), statistics, settings.draws, settings.confidence, generator
    )
    column = Column(
        point["ece"].numpy(), [replicated["ece"].at(g) for g in range(len(block.cells))]
    )
    gap = Measured(float(point["ece_difference"]), replicated["ece_difference"].at(()))
    return column, gap


def _log_losses(predictions: Predictions) -> NDArray[np.float64]:
    given = predictions.probabilities[np.arange(predictions.n_rows), predictions.y]
    smallest = np.finfo(np.float64).eps  # scikit-learn's bound
    losses: NDArray[np.float64] = -np.log(given.clip(smallest, 1 - smallest))
    return losses


def _brier(predictions: Predictions) -> NDArray[np.float64]:
    truth = np.eye(len(predictions.classes))[predictions.y]
    kept = reported(len(predictions.classes))
    squares: NDArray[np.float64] = ((predictions.probabilities - truth)[:, kept] ** 2).sum(-1)
    return squares


def _log_loss_column(
    predictions: Predictions, by_cell: list[NDArray[np.int64]], settings: EvaluationSettings
) -> Column:
    losses = _log_losses(predictions)
    return Column(
        np.array([losses[rows].mean() if rows.size else np.nan for rows in by_cell]),
        [mean_interval(losses[rows], settings.confidence) for rows in by_cell],
    )


def _abcc(
    known: Predictions | None,
    block: Block,
    settings: EvaluationSettings,
    generator: np.random.Generator,
) -> Measured:
    if known is None:
        return Measured(np.nan, UNKNOWN)
    cell = known.memberships[block.name]
    return Measured(
        abcc(known.probabilities, cell),
        abcc_interval(known.probabilities, cell, settings.draws, settings.confidence, generator),
    )
