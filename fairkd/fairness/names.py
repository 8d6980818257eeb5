"""The words a configuration may use, importable without torch."""

STATISTICS = (
    "selection_rate",
    "true_positive_rate",
    "false_positive_rate",
    "equalized_odds",
    "accuracy",
    "positive_predictive_value",
    "false_omission_rate",
    "treatment_equality",
    "f1",
    "loss",
)
UNBOUNDED = ("treatment_equality", "loss")
"""Statistics whose values may be above 1."""
DISPARITIES = (
    "largest_difference",
    "smallest_ratio",
    "largest_difference_to_overall",
    "average_difference",
    "average_relative_difference",
    "average_absolute_difference",
    "worst_group",
)
CELLS = ("group", "group_and_label")
"""What a mitigation takes apart: a block's cells, or each of them by label as well."""
GIVEN = ("nothing", "label")
"""What an adversary knows beside the student."""
RECORDED_AS = {
    "selection_rate": "demographic_parity_difference",
    "true_positive_rate": "equal_opportunity_difference",
    "false_positive_rate": "false_positive_rate_difference",
    "equalized_odds": "equalized_odds_difference",
    "accuracy": "accuracy_difference",
}
"""The record's name for the largest difference of each statistic."""
