"""What a student is to keep, as arguments of `FairDistiller`.

Each is a bound on the disparity of one statistic between groups. Like every estimator of
scikit-learn they only keep what they are given, for `fit` to check, so that a search can vary
``constraint__threshold``.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sklearn.base import BaseEstimator

from fairkd import checks
from fairkd.errors import ConfigError, unknown_name

if TYPE_CHECKING:
    from fairkd.data.dataset import Dataset
    from fairkd.evaluation.bound import Bound
    from fairkd.fairness.constraint import Constraint

METHODS = ("penalty", "lagrangian", "nupi", "augmented_lagrangian")
"""How a bound may be enforced."""
_RUNNING = 0.9


class GroupConstraint(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """A disparity of a statistic between groups, to be kept within a threshold.

    Args:
        threshold: the bound, at least 0.
        by: the sensitive feature whose groups are compared, or an intersection (``sex+race``);
            ``None`` is the first one.
        method: ``lagrangian``, ``nupi`` and ``augmented_lagrangian`` find how hard to push;
            ``penalty`` pushes with ``weight``.
        weight: of a penalty, 0.5 if ``None``; otherwise the multipliers' start, 0 if ``None``.
        disparity: see `fairkd.fairness.names.DISPARITIES` and ``SMOOTH``.

    Attributes:
        statistic: the rate that is compared.
    """

    statistic = ""

    def __init__(
        self,
        threshold: float = 0.05,
        *,
        by: str | None = None,
        method: str = "lagrangian",
        weight: float | None = None,
        disparity: str = "largest_difference",
    ) -> None:
        self.threshold = threshold
        self.by = by
        self.method = method
        self.weight = weight
        self.disparity = disparity

    def term(self, dataset: "Dataset") -> "Constraint":
        """What it adds to a student's objective.

        Raises:
            ConfigError: a value that cannot work, or groups that are not there.
        """
        from fairkd.evaluation.reference import with_references
        from fairkd.evaluation.settings import EvaluationSettings
        from fairkd.fairness.dual import AugmentedLagrangian, Lagrangian, NuPI
        from fairkd.fairness.penalty import Penalty

        method = checks.choice("method", self.method, METHODS)
        block = dataset.blocks.named(self.by)
        largest = with_references(EvaluationSettings(), dataset).reference_group or {}
        given: dict[str, Any] = {
            "blocks": dataset.blocks,
            "by": block.name,
            "statistic": self.statistic,
            "disparity": self.disparity,
            "threshold": plain(self.threshold),
            "reference": largest[block.name],
        }
        if self.weight is not None:
            given["weight"] = plain(self.weight)
        if method == "penalty":
            return Penalty(**{"weight": 0.5, **given})
        dual: dict[str, type[Lagrangian] | type[AugmentedLagrangian]] = {
            "lagrangian": Lagrangian,
            "nupi": NuPI,
            "augmented_lagrangian": AugmentedLagrangian,
        }
        return dual[method](n_classes=len(dataset.classes), running=_RUNNING, **given)

    def bound(self, term: "Constraint") -> "Bound":
        """The bound that its term enforces."""
        from fairkd.evaluation.bound import Bound

        disparity = term.disparity.__name__
        threshold = float(plain(self.threshold))
        return Bound(self.statistic, disparity, term.block, threshold, term.reference)


class DemographicParity(GroupConstraint):
    """Equal selection rates."""

    statistic = "selection_rate"


class EqualOpportunity(GroupConstraint):
    """Equal true positive rates (Hardt et al., 2016)."""

    statistic = "true_positive_rate"


class PredictiveEquality(GroupConstraint):
    """Equal false positive rates."""

    statistic = "false_positive_rate"


class EqualizedOdds(GroupConstraint):
    """Equal true and equal false positive rates (Hardt et al., 2016)."""

    statistic = "equalized_odds"


class AccuracyParity(GroupConstraint):
    """Equal accuracies."""

    statistic = "accuracy"


def constraints_of(given: object) -> dict[str, GroupConstraint]:
    """One constraint, or a list of them, by names for the objective's terms.

    Raises:
        ConfigError: something else.
    """
    listed: Sequence[object] = given if isinstance(given, list | tuple) else [given]
    found: dict[str, GroupConstraint] = {}
    for each in listed if given is not None else ():
        if isinstance(each, type) and issubclass(each, GroupConstraint):
            raise ConfigError(
                f"constraint={each.__name__} is a class; make one of it: {each.__name__}()."
            )
        if not isinstance(each, GroupConstraint) or not each.statistic:
            names = [kind.__name__ for kind in GroupConstraint.__subclasses__()]
            raise ConfigError(unknown_name("constraint", str(each), names))
        found[f"{each.statistic}_{len(found) + 1}"] = each
    return found


def plain(value: Any) -> Any:
    """A number of NumPy as Python's own: a search draws such ones."""
    return value.item() if hasattr(value, "item") and getattr(value, "ndim", None) == 0 else value
