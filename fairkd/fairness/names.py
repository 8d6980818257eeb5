"""The words a configuration may use, importable without torch."""

STATISTICS = (
    "selection_rate",
    "true_positive_rate",
    "false_positive_rate",
    "equalized_odds",
    "accuracy",
)
DISPARITIES = ("largest_difference",)
RECORDED_AS = {
    "selection_rate": "demographic_parity_difference",
    "true_positive_rate": "equal_opportunity_difference",
    "false_positive_rate": "false_positive_rate_difference",
    "equalized_odds": "equalized_odds_difference",
    "accuracy": "accuracy_difference",
}
"""The record's name for the largest difference of each statistic."""
