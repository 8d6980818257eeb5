"""From a distiller's parameters and rows to what it has learned."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from sklearn.utils import check_random_state
from sklearn.utils.validation import check_consistent_length

from fairkd import checks
from fairkd.errors import ConfigError
from fairkd.estimator.constraints import constraints_of, plain
from fairkd.estimator.given import (
    check_order,
    class_names,
    groups_given,
    labels_given,
    rows_given,
)
from fairkd.estimator.learning import Learned, Plan, Training, learn
from fairkd.estimator.prepared import Prepared, prepared

if TYPE_CHECKING:
    from fairkd.estimator.distiller import FairDistiller


class Fitted(NamedTuple):
    """What a distiller keeps.

    Attributes:
        plan: what it was to learn.
        learned: what it did.
    """

    plan: Plan
    learned: Learned


def fitted(
    distillers: "Sequence[FairDistiller]", x: Any, y: Any, sensitive_features: Any
) -> list[Fitted]:
    """Train what the distillers need on the same rows.

    Args:
        distillers: get ``n_features_in_`` and ``feature_names_in_``; nothing else of theirs
            changes.
        x: the features.
        y: the labels.
        sensitive_features: the groups; ``None`` for none.

    Raises:
        ValueError: rows that cannot be learned from.
        FairkdError: a parameter that cannot work.
    """
    rows = [rows_given(distiller, x, y, fitting=True) for distiller in distillers]
    if not rows:
        return []
    given = rows[0]
    check_consistent_length(given.frame, y)
    check_order("y", y, given)
    check_order("sensitive_features", sensitive_features, given, y)
    classes, labels = labels_given(y)
    groups = groups_given(sensitive_features, given.size)
    made: dict[object, Prepared] = {}
    plans = []
    for distiller in distillers:
        constraints = constraints_of(distiller.constraint)
        if constraints and not len(groups.columns):
            raise ConfigError(
                f"constraint={distiller.constraint} compares groups, and fit was given none; pass "
                "sensitive_features, or leave constraint=None."
            )
        asked = [constraint.by for constraint in constraints.values()]
        intersections = tuple(
            dict.fromkeys(by for by in asked if by and "+" in by and by not in groups)
        )
        seed = _seed(distiller.random_state)
        fraction = plain(distiller.validation_fraction)
        kept = _truth("use_groups_as_features", distiller.use_groups_as_features)
        key = (seed, fraction, kept, intersections)
        if key not in made:
            made[key] = prepared(
                given.frame,
                groups,
                labels,
                class_names(classes),
                intersections=intersections,
                seed=seed,
                validation_fraction=fraction,
                use_groups_as_features=kept,
            )
        training = Training(
            max_epochs=plain(distiller.max_epochs),
            batch_size=plain(distiller.batch_size),
            learning_rate=plain(distiller.learning_rate),
            weight_decay=plain(distiller.weight_decay),
            patience=plain(distiller.patience),
            accelerator=distiller.accelerator,
        )
        plans.append(
            Plan(
                rows=given,
                labels=labels,
                classes=classes,
                made=made[key],
                teacher=distiller.teacher,
                student=distiller.student,
                training=training,
                seed=seed,
                temperature=plain(distiller.temperature),
                alpha=plain(distiller.alpha),
                constraints=constraints,
            )
        )
    return [Fitted(*pair) for pair in zip(plans, learn(plans), strict=True)]


def _truth(name: str, given: Any) -> bool:
    value = plain(given)
    if not isinstance(value, bool):
        raise ConfigError(f"{name}={given!r} is no truth value; accepted: True, False.")
    return value


def _seed(random_state: Any) -> int:
    given = plain(random_state)
    if isinstance(given, int):
        return checks.whole("random_state", given, most=checks.LARGEST_SEED)
    return int(check_random_state(given).randint(2**31))
