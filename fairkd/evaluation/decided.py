"""What depends on the decision threshold: counts, and from them rates and disparities.

Rates are read from counts (`fairkd.evaluation.rates`); their intervals resample the same counts.
Rows whose cell in a block is missing take no part in that block's numbers; every row takes part in
the overall ones.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fairkd.data.blocks import Block
from fairkd.evaluation.bootstrap import bootstrap
from fairkd.evaluation.disparities import disparities
from fairkd.evaluation.measured import BlockRecord, Measured, Record, rate_columns
from fairkd.evaluation.predictions import Predictions
from fairkd.evaluation.rates import accuracy, recorded_rates, true_positive_rate
from fairkd.evaluation.reference import reference_of
from fairkd.evaluation.settings import EvaluationSettings
from fairkd.evaluation.truth import Truth


def block_counts(truth: Truth, block: Block, decided: NDArray[np.int64]) -> Tensor:
    """Rows by group, true and predicted class, shape ``[G, C, C]``, of rows whose cell is known."""
    n_groups, n_classes = len(block.cells), len(truth.classes)
    place = truth.kinds[block.name] * n_classes + decided
    counts = np.bincount(place, minlength=(n_groups + 1) * n_classes**2)
    return torch.from_numpy(
        counts.reshape(n_groups + 1, n_classes, n_classes)[:-1].astype(np.float64)
    )


def overall_counts(truth: Truth, decided: NDArray[np.int64]) -> Tensor:
    """Rows by true and predicted class, shape ``[1, C, C]``."""
    n_classes = len(truth.classes)
    counts = np.bincount(truth.y * n_classes + decided, minlength=n_classes**2)
    return torch.from_numpy(counts.reshape(1, n_classes, n_classes).astype(np.float64))


Rates = Callable[[Tensor], Mapping[str, Tensor]]
"""From counts ``[G, C, C]`` to the record's rates: `recorded_rates`, or Fairlearn's."""


def decided_records(
    models: Sequence[tuple[Predictions, float]],
    settings: EvaluationSettings,
    rates: Rates = recorded_rates,
) -> list[Record]:
    """Accuracies, rates and disparities of models at thresholds, each with its interval.

    Balanced accuracy is the mean of the classes' true positive rates (of classes that occur), as
    scikit-learn has it.

    Args:
        models: predictions for the same rows, each with its threshold; that of the settings does
            not count. The same numbers come out for a model whichever others are beside it.
        settings: the choices behind the numbers.
        rates: reads the groups' rates from their counts; intervals resample the counts.
    """
    truth = models[0][0].truth
    decided = [predictions.predicted(threshold) for predictions, threshold in models]
    overall = _overall(truth, decided, settings)
    tables = {
        block.name: torch.stack([block_counts(truth, block, decisions) for decisions in decided])
        for block in truth.blocks
    }
    rated = [
        _rated({name: counts[place] for name, counts in tables.items()}, rates)
        for place in range(len(models))
    ]
    blocks = {
        block.name: _block(
            truth, block, tables[block.name], settings, [of[block.name] for of in rated]
        )
        for block in truth.blocks
    }
    return [
        Record(overall[place], {name: records[place] for name, records in blocks.items()})
        for place in range(len(models))
    ]


def _overall(
    truth: Truth, decided: Sequence[NDArray[np.int64]], settings: EvaluationSettings
) -> list[dict[str, Measured]]:
    tables = torch.stack([overall_counts(truth, decisions) for decisions in decided])
    drawn = truth.row_draws(settings.draws, settings.seed)
    found = bootstrap(tables.numpy(), _accuracies, drawn, settings.confidence)
    return [
        {
            name: Measured(float(values[place, 0]), intervals.at((place, 0)))
            for name, (values, intervals) in found.items()
        }
        for place in range(len(decided))
    ]


def _rated(tables: Mapping[str, Tensor], rates: Rates) -> dict[str, dict[str, Tensor]]:
    """The rates of each block's groups, all read at once: one call costs more than one group."""
    if not tables:
        return {}
    sizes = [len(counts) for counts in tables.values()]
    together = rates(torch.cat(list(tables.values())))
    found = {name: torch.split(of_groups, sizes) for name, of_groups in together.items()}
    return {
        block: {name: parts[place] for name, parts in found.items()}
        for place, block in enumerate(tables)
    }


def _block(
    truth: Truth,
    block: Block,
    tables: Tensor,
    settings: EvaluationSettings,
    rated: Sequence[Mapping[str, Tensor]],
) -> list[BlockRecord]:
    # The groups' sizes are the same whatever is decided, and so is the reference.
    reference = reference_of(block, tables[0], settings)
    found = bootstrap(
        tables.numpy(),
        lambda counts: _rates_and_disparities(counts, reference),
        truth.row_draws(settings.draws, settings.seed),
        settings.confidence,
    )
    records = []
    for place, by_group in enumerate(rated):
        record = BlockRecord(block.cells, {}, {})
        gaps = disparities(by_group, reference)
        for name, (_, intervals) in found.items():
            own = intervals.of(place)
            if name in gaps:
                record.disparities[name] = Measured(float(gaps[name]), own.at(()))
            else:
                columns = rate_columns(name, by_group[name].numpy(), own, truth.classes)
                record.columns.update(columns)
        records.append(record)
    return records


def _accuracies(counts: Tensor) -> dict[str, Tensor]:
    return {
        "accuracy": accuracy(counts),
        "balanced_accuracy": true_positive_rate(counts).nanmean(-1),
    }


def _rates_and_disparities(counts: Tensor, reference: int) -> dict[str, Tensor]:
    rates = recorded_rates(counts)
    return {**rates, **disparities(rates, reference)}
