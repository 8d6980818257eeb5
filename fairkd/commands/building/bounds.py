"""What a job's constraints are to keep, and how that is certified."""

from collections.abc import Mapping

from omegaconf import DictConfig

from fairkd.baselines.baseline import Baseline
from fairkd.commands.building.objective import constraint_of
from fairkd.data.dataset import CERTIFY, Dataset
from fairkd.errors import ConfigError
from fairkd.evaluation.bound import Bound
from fairkd.evaluation.certificate import Certifier
from fairkd.fairness.constraint import Constraint

TIGHTEN = 2.0
"""By how many of the smallest certifiable thresholds training aims below the threshold."""


def bounds_of(config: DictConfig, dataset: Dataset, baseline: Baseline | None) -> dict[str, Bound]:
    """What the constraints are to keep, by name."""
    found = {}
    for name, term in config.constraint.terms.items():
        constraint = constraint_of(f"constraint.terms.{name}", term, dataset)
        if not isinstance(constraint, Constraint):
            continue  # a measure of dependence has no bound
        found[str(name)] = Bound(
            constraint.statistic.name,
            constraint.disparity.__name__,
            constraint.block,
            float(term.get("threshold", constraint.threshold)),
            constraint.reference,
        )
    threshold = config.baseline.get("threshold")
    if not found and baseline is not None and threshold is not None:
        block = dataset.blocks.named(baseline.by)
        found["baseline"] = Bound(baseline.statistic, "largest_difference", block, float(threshold))
    return found


def certifier_of(
    config: DictConfig, dataset: Dataset, bounds: Mapping[str, Bound]
) -> Certifier | None:
    """What tests the student's epochs; ``None`` where no confidence is asked for."""
    confidence = config.constraint.confidence
    if confidence is None:
        return None
    if CERTIFY not in dataset.splits:
        raise ConfigError(
            f"constraint.confidence={confidence} needs rows that neither train nor select, and "
            f"data={dataset.name} keeps none apart; set data.certify_fraction (0.2), or leave the "
            "confidence null."
        )
    threshold = config.evaluation.get("threshold", 0.5)
    return Certifier.over(
        bounds, dataset.splits[CERTIFY], len(dataset.classes), confidence, threshold
    )


def aims_of(config: DictConfig, certifier: Certifier | None, dataset: Dataset) -> dict[str, float]:
    """What training aims at, so that the certifying rows will most likely agree.

    Of those rows only the number is used: what they could show is told from validation.
    """
    if certifier is None:
        return {}
    tighten = config.constraint.tighten
    share = TIGHTEN if tighten is None else tighten
    known, n_classes = dataset.splits["validation"], len(dataset.classes)
    found = {}
    for name, bound in certifier.bounds.items():
        rows, confidence = certifier.rows.size, certifier.confidence
        smallest = bound.smallest(known, n_classes, confidence, rows)
        if smallest < bound.threshold:  # else nothing would be gained by aiming lower
            found[name] = max(0.0, bound.threshold - share * smallest)
    return found
