"""What is planted into, or known of, a table whose groups, labels or features are imperfect."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from fairkd.checks import as_typed, number
from fairkd.errors import ConfigError, unknown_name

PROXIES = ("logistic_regression",)
_MOST = 0.99
GROUP_FLAWS = ("known_groups", "proxy", "flipped_groups", "group_flip_rate")
"""What touches the training rows' groups, and nothing else of them."""
LABEL_FLAWS = ("flipped_labels", "label_flip_rate", "label_smoothing")
"""What touches the training rows' labels, and nothing else of them."""


@dataclass(frozen=True)
class Imperfect:
    """Imperfect information: shares that are planted, and rates that are corrected for.

    Groups and labels of training rows alone are touched; validation and test rows keep theirs, so
    that what is selected and measured is true. Every kind has a generator of its own, derived from
    the data's seed: the split does not change, and a larger share contains the smaller one's rows.

    Attributes:
        known_groups: share of the training rows whose groups are known, above 0.
        proxy: what guesses the groups of the others; ``None`` leaves them out of constraints.
        flipped_groups: share of the known cells that are replaced by another one, block by block.
        group_flip_rate: the rate of such replacements that memberships are corrected for.
        flipped_labels: share of the training labels that are replaced by another class.
        label_flip_rate: the rate of such replacements that labels are corrected for.
        label_smoothing: share of each training label that is spread over all classes alike.
        missing_features: share of the feature cells that are deleted, in all splits.
    """

    known_groups: float = 1.0
    proxy: str | None = None
    flipped_groups: float = 0.0
    group_flip_rate: float = 0.0
    flipped_labels: float = 0.0
    label_flip_rate: float = 0.0
    label_smoothing: float = 0.0
    missing_features: float = 0.0

    def __post_init__(self) -> None:
        """Check every range, and what contradicts itself."""
        if self.proxy is not None and self.proxy not in PROXIES:
            raise ConfigError(
                f"data.imperfect.proxy={as_typed(self.proxy)} is not known; accepted: null, "
                f"{', '.join(PROXIES)}."
            )
        number("data.imperfect.known_groups", self.known_groups, above=0.0, most=1.0)
        for name, most in (
            ("flipped_groups", 1.0),
            ("group_flip_rate", _MOST),
            ("flipped_labels", 1.0),
            ("label_flip_rate", _MOST),
            ("label_smoothing", _MOST),
            ("missing_features", _MOST),
        ):
            number(f"data.imperfect.{name}", getattr(self, name), least=0.0, most=most)
        if self.proxy is not None and self.group_flip_rate > 0:
            raise ConfigError(
                f"data.imperfect.group_flip_rate={self.group_flip_rate:g} corrects recorded groups "
                f"and data.imperfect.proxy={self.proxy} guesses others from them uncorrected; set "
                "one of the two."
            )
        if self.label_smoothing > 0 and self.label_flip_rate > 0:
            raise ConfigError(
                f"data.imperfect.label_smoothing={self.label_smoothing:g} undoes what "
                f"data.imperfect.label_flip_rate={self.label_flip_rate:g} corrects; set one of the "
                "two."
            )

    @classmethod
    def of(
        cls, given: Mapping[str, Any] | None, *, use_groups_as_features: bool = False
    ) -> "Imperfect":
        """Check a configured mapping.

        Args:
            given: the attributes by name; those left out, or all of them, have their defaults.
            use_groups_as_features: whether a model sees the groups' columns.

        Raises:
            ConfigError: an unknown key, a value out of its range, or values that contradict
                each other.
        """
        known = [field.name for field in fields(cls)]
        for key in given or {}:
            if key not in known:
                raise ConfigError(unknown_name("key of data.imperfect", key, known))
        found = cls(**(given or {}))
        for name in ("known_groups", "flipped_groups", "group_flip_rate", "proxy"):
            value = getattr(found, name)
            if use_groups_as_features and value != getattr(cls, name):
                raise ConfigError(
                    f"data.imperfect.{name}={as_typed(value)} contradicts "
                    "data.use_groups_as_features=true, under which a model reads every row's true "
                    "groups; set one of the two back."
                )
        return found

    @property
    def idle(self) -> bool:
        """Whether nothing is imperfect."""
        return self == type(self)()
