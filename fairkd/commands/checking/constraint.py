"""Refuse a constraint that cannot work."""

from collections.abc import Iterable

from fairkd import checks
from fairkd.commands.checking.shared import SHARED_KNOBS
from fairkd.commands.checking.values import Section
from fairkd.errors import ConfigError, unknown_name
from fairkd.fairness.names import (
    COUNTED,
    DISPARITIES,
    GIVEN,
    SCORES,
    SMOOTH,
    STATISTICS,
    UNBOUNDED,
    not_smooth,
)


def check_constraint(constraint: Section, blocks: Iterable[str]) -> None:
    """Check the section ``constraint`` against the data's group blocks."""
    knobs = {name: constraint[name] for name in SHARED_KNOBS["constraint"]}
    _check_constraint_values(
        "constraint", {k: v for k, v in knobs.items() if v is not None}, blocks
    )
    for name, term in constraint["terms"].items():
        _check_constraint_values(f"constraint.terms.{name}", term, blocks)
        if str(term.get("_target_")).startswith("fairkd."):
            _check_own_values(f"constraint.terms.{name}", term)
    _check_certificate(constraint)


def _check_certificate(constraint: Section) -> None:
    confidence, tighten = constraint["confidence"], constraint["tighten"]
    if confidence is None:
        if tighten is not None:
            raise ConfigError(
                f"constraint.tighten={tighten} has no effect without constraint.confidence; give a "
                "confidence (0.95), or leave the key out."
            )
        return
    checks.number("constraint.confidence", confidence, least=0.5, most=0.999)
    if tighten is not None:
        checks.number("constraint.tighten", tighten, least=0.0)
    bounds = {name: term for name, term in constraint["terms"].items() if "statistic" in term}
    if not bounds:
        raise ConfigError(
            f"constraint.confidence={confidence} has nothing to certify without a bound; choose a "
            "constraint that has one (constraint=lagrangian) or leave the confidence null."
        )
    for name, term in bounds.items():
        if term["statistic"] not in COUNTED:
            raise ConfigError(
                f"constraint.confidence={confidence} cannot certify constraint.terms.{name} with "
                f"statistic={term['statistic']}: counts bound {', '.join(COUNTED)} alone; choose "
                "one of these or leave the confidence null."
            )


def _check_constraint_values(prefix: str, values: Section, blocks: Iterable[str]) -> None:
    if "statistic" in values:
        checks.choice(f"{prefix}.statistic", values["statistic"], STATISTICS)
    if "disparity" in values:
        checks.choice(f"{prefix}.disparity", values["disparity"], (*DISPARITIES, *SMOOTH))
    if values.get("sharpness") is not None:
        _check_sharpness(prefix, values)
    if "threshold" in values:
        most = None if values.get("statistic") in UNBOUNDED else 1.0
        checks.number(f"{prefix}.threshold", values["threshold"], least=0.0, most=most)
    if "weight" in values:
        checks.number(f"{prefix}.weight", values["weight"], least=0.0)
    if values.get("by") is not None and values["by"] not in blocks:
        sentence = unknown_name(f"group block in {prefix}.by", values["by"], blocks)
        raise ConfigError(f"{sentence} The data's blocks are set by data.groups.")


def _check_sharpness(prefix: str, values: Section) -> None:
    key = f"{prefix}.sharpness"
    least = 1.0 if str(values.get("disparity")).startswith("norm_") else 1e-3
    checks.number(key, values["sharpness"], least=least)
    if values.get("disparity") in DISPARITIES:
        raise ConfigError(
            not_smooth(key, values["sharpness"], f"{prefix}.disparity", values["disparity"])
        )


def _check_own_values(prefix: str, values: Section) -> None:
    """Check what some of fairkd's own classes take."""
    for name, accepted in (("given", GIVEN), ("of", SCORES)):
        if values.get(name) is not None:
            checks.choice(f"{prefix}.{name}", values[name], accepted)
    if values.get("bandwidth") is not None:
        checks.number(f"{prefix}.bandwidth", values["bandwidth"], above=0.0)
    for name in ("bins", "most_rows"):
        if name in values:
            checks.whole(f"{prefix}.{name}", values[name], least=2)
