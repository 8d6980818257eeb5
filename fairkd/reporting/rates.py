"""Which of the groups' rates belong to a disparity."""

from collections.abc import Sequence

from fairkd.fairness.names import RECORDED_AS, STATISTICS

ALWAYS = ("accuracy", "selection_rate")

_PARTS = {"equalized_odds": ("true_positive_rate", "false_positive_rate")}
_RECORDED = {"positive_predictive_value": "precision"}


def statistics_of(metric: str) -> tuple[str, ...]:
    """The statistics that a disparity of a record compares: of equalized odds, two.

    Args:
        metric: such as ``demographic_parity_ratio`` or ``average_difference_accuracy``.
    """
    for statistic in STATISTICS:
        family = RECORDED_AS.get(statistic, statistic).removesuffix("_difference")
        if metric.startswith(family) or metric.endswith(statistic):
            return _PARTS.get(statistic, (_RECORDED.get(statistic, statistic),))
    return (metric.removesuffix("_difference"),)


def rates_shown(headline: str, columns: Sequence[str]) -> list[str]:
    """The columns to choose from: every class's where there are several."""
    wanted = dict.fromkeys((*ALWAYS, *statistics_of(headline)))
    return [column for name in wanted for column in columns if column.partition("[")[0] == name]
