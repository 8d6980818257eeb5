"""Measure one model's predictions: the entry for everything that is recorded of them."""

from fairkd.evaluation.evaluation import Evaluation
from fairkd.evaluation.measured import assemble
from fairkd.evaluation.predictions import Predictions
from fairkd.evaluation.record import block_record, overall_record
from fairkd.evaluation.reference import check_reference_groups
from fairkd.evaluation.settings import EvaluationSettings


def evaluate(predictions: Predictions, settings: EvaluationSettings) -> Evaluation:
    """Everything the record holds of one model on one split.

    Beside the metrics of `fairkd.evaluation.record`, ``missing/<block>`` counts the rows whose cell
    of that block is not known.

    Raises:
        ConfigError: ``evaluation.reference_group`` names a block or a cell that does not exist.
    """
    check_reference_groups(settings, predictions.blocks)
    return assemble(
        overall_record(predictions, settings),
        {block.name: block_record(predictions, block, settings) for block in predictions.blocks},
    )
