"""What Fairlearn's reductions have in common: a learner, its rows, and the bound between groups.

(Agarwal, Beygelzimer, Dudik, Langford and Wallach, "A reductions approach to fair classification",
ICML 2018.)
"""

import logging
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
from fairlearn.reductions import (
    DemographicParity,
    EqualizedOdds,
    FalsePositiveRateParity,
    TruePositiveRateParity,
    UtilityParity,
)
from scipy.linalg import LinAlgWarning
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import has_fit_parameter
from threadpoolctl import threadpool_limits

from fairkd.baselines.fitting_rows import FittingRows, events
from fairkd.errors import ConfigError

log = logging.getLogger(__name__)

FITTED_ON = "train"

CONSTRAINTS: Mapping[str, type[UtilityParity]] = {
    "selection_rate": DemographicParity,
    "true_positive_rate": TruePositiveRateParity,
    "false_positive_rate": FalsePositiveRateParity,
    "equalized_odds": EqualizedOdds,
}
"""Fairlearn's constraint for the parity of each statistic."""


def check_learner(estimator: Any) -> None:
    """Refuse what cannot be trained on weighted rows.

    Raises:
        ConfigError: it has no ``fit`` with ``sample_weight``, or no ``predict``.
    """
    trains = hasattr(estimator, "fit") and has_fit_parameter(estimator, "sample_weight")
    if not trains or not hasattr(estimator, "predict"):
        raise ConfigError(
            f"estimator={type(estimator).__name__} cannot be trained under a constraint: Fairlearn "
            "weighs rows; accepted: a scikit-learn classifier whose fit takes sample_weight."
        )


def learner(estimator: Any, seed: int) -> Any:
    """A fresh copy whose random states, where none is given, are the seed."""
    fresh = clone(estimator)
    unset = {
        name: seed
        for name, value in fresh.get_params().items()
        if value is None and f"__{name}".endswith("__random_state")
    }
    return fresh.set_params(**unset)


def reach(statistic: str, rows: FittingRows) -> float:
    r"""By how much two groups can differ at most while each is within 1 of the overall rate.

    Fairlearn bounds :math:`|\gamma_g - \gamma|`, the difference of a group to all rows. Two groups
    of shares p and 1 - p among the rows that the statistic counts then differ by at most
    :math:`1 / \max(p, 1-p)`, and more than two by at most 2. Of several sets of rows (equalized
    odds) the largest counts.
    """
    reaches = []
    for event in events(statistic, rows.y):
        sizes = rows.present(event)
        reaches.append(float(sizes.sum() / sizes.max()) if len(sizes) == 2 else 2.0)
    return max(reaches)


@contextmanager
def one_thread() -> Iterator[None]:
    """Work in one thread (sums depend on their number), and tell once what learners warn of.

    Fairlearn's own use of pandas warns too, of what its user cannot change.
    """
    with threadpool_limits(limits=1), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    of_learners = (w for w in caught if issubclass(w.category, (ConvergenceWarning, LinAlgWarning)))
    told = Counter(str(warning.message).partition("\n")[0] for warning in of_learners)
    for text, times in told.items():
        log.warning("baseline.estimator, in %d fits: %s", times, text)


def widest(
    rates: "np.ndarray[Any, np.dtype[np.float64]]", statistic: str, rows: FittingRows
) -> float:
    """The largest difference between two groups' mean rates on the rows that the statistic counts.

    Args:
        rates: each row's probability of being decided positive, shape ``[N]``.
        statistic: one of `fairkd.baselines.names.STATISTICS`.
        rows: labels and groups.
    """
    gaps = []
    for event in events(statistic, rows.y):
        cells, chosen = rows.cell[event], rates[event]
        means = [chosen[cells == cell].mean() for cell in np.unique(cells)]
        gaps.append(max(means) - min(means))
    return float(max(gaps))
