"""The words a baseline's configuration may use, importable without torch."""

STATISTICS = ("selection_rate", "true_positive_rate", "false_positive_rate", "equalized_odds")
"""The statistics of `fairkd.fairness.names` of which Fairlearn's baselines bound the difference."""
OBJECTIVES = ("accuracy", "balanced_accuracy")
