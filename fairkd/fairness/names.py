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
COUNTED = (
    "selection_rate",
    "true_positive_rate",
    "false_positive_rate",
    "equalized_odds",
    "accuracy",
    "positive_predictive_value",
    "false_omission_rate",
)
"""Statistics of hard decisions that are a share of rows, so that counts bound them."""
DISPARITIES = (
    "largest_difference",
    "smallest_ratio",
    "largest_difference_to_overall",
    "average_difference",
    "average_relative_difference",
    "average_absolute_difference",
    "worst_group",
)
SMOOTH = {
    "smooth_largest_difference": "largest_difference",
    "smooth_largest_difference_to_overall": "largest_difference_to_overall",
    "smooth_worst_group": "worst_group",
    "norm_largest_difference": "largest_difference",
    "norm_largest_difference_to_overall": "largest_difference_to_overall",
}
"""Disparities that only the gradient sees, and the exact one that the bound is about."""
GIVEN = ("label",)
"""What a dependence may be measured within."""
SCORES = ("probability", "margin")
"""What a covariance may be of."""
CELLS = ("group", "group_and_label")
"""What a mitigation takes apart: a block's cells, or each of them by label as well."""
ADVERSARY_KNOWS = ("nothing", "label")
"""What an adversary knows beside the student."""
RECORDED_AS = {
    "selection_rate": "demographic_parity_difference",
    "true_positive_rate": "equal_opportunity_difference",
    "false_positive_rate": "false_positive_rate_difference",
    "equalized_odds": "equalized_odds_difference",
    "accuracy": "accuracy_difference",
}
"""The record's name for the largest difference of each statistic."""


def not_smooth(knob: str, value: object, key: str, disparity: str) -> str:
    """The refusal of a sharpness for a disparity that has none.

    Args:
        knob: the sharpness' key.
        value: given.
        key: the disparity's key.
        disparity: chosen.
    """
    return (
        f"{knob}={value} has no effect: {key}={disparity} is exact; leave the key out, or choose "
        f"{', '.join(SMOOTH)}."
    )
