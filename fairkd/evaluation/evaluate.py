"""Measure one model's predictions: the entry for everything that is recorded of them."""

from collections.abc import Sequence

from fairkd.evaluation.decided import decided_records
from fairkd.evaluation.evaluation import Evaluation
from fairkd.evaluation.frames import frame_rates
from fairkd.evaluation.measured import assemble, count_columns
from fairkd.evaluation.predictions import Predictions
from fairkd.evaluation.reference import check_reference_groups
from fairkd.evaluation.scored import scored_record
from fairkd.evaluation.settings import EvaluationSettings


def evaluate(predictions: Predictions, settings: EvaluationSettings) -> Evaluation:
    """Everything the record holds of one model on one split.

    That is what depends on the threshold (`fairkd.evaluation.decided`), what does not
    (`fairkd.evaluation.scored`), and the counts of rows: ``missing/<block>`` are those whose cell
    of that block is not known.

    Raises:
        ConfigError: ``evaluation.reference_group`` names a block or a cell that does not exist.
    """
    check_reference_groups(settings, predictions.blocks)
    at = [(predictions, settings.threshold)]
    (decided,) = decided_records(at, settings, rates=lambda counts: frame_rates(counts.numpy()))
    record = (
        count_columns(predictions.truth)
        .beside(decided)
        .beside(scored_record(predictions, settings))
    )
    missing = {
        block.name: int((predictions.memberships[block.name] < 0).sum())
        for block in predictions.blocks
    }
    return assemble(record, missing)


def evaluate_decisions(
    models: Sequence[tuple[Predictions, float]], settings: EvaluationSettings
) -> list[Evaluation]:
    """The part of `evaluate` that depends on the threshold, of several models at once.

    Args:
        models: predictions for the same rows, each with its threshold.
        settings: the other choices behind the numbers.

    Raises:
        ConfigError: ``evaluation.reference_group`` names a block or a cell that does not exist.
    """
    check_reference_groups(settings, models[0][0].blocks)
    return [assemble(record) for record in decided_records(models, settings)]
