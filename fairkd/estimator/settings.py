"""Copies of a distiller with other parameters."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sklearn.base import clone

from fairkd.estimator.refusals import RefusedError

if TYPE_CHECKING:
    from fairkd.estimator.distiller import FairDistiller


def copies(
    distiller: "FairDistiller", settings: Sequence[Mapping[str, Any]]
) -> "list[FairDistiller]":
    """One for each of the settings, not fitted.

    Args:
        distiller: what has the other parameters.
        settings: parameters by the names of ``set_params``.

    Raises:
        ValueError: no list of mappings, or a parameter that there is not.
    """
    if isinstance(settings, Mapping | str) or not all(
        isinstance(setting, Mapping) for setting in settings
    ):
        raise RefusedError(
            "settings is no list of mappings; accepted: the parameters of each distiller by name, "
            'as in [{"temperature": 1}, {"temperature": 4}].'
        )
    return [_copy(distiller, setting) for setting in settings]


def _copy(distiller: "FairDistiller", setting: Mapping[str, Any]) -> "FairDistiller":
    copied: FairDistiller = clone(distiller)
    # The same objects, so that what is made of them is made once.
    copied.student = distiller.student
    if not any(name.startswith("teacher__") for name in setting):
        copied.teacher = distiller.teacher
    for name in setting:
        owner, inner, _ = name.partition("__")
        whole = {**copied.get_params(deep=False), **setting}
        if inner and owner in whole and not hasattr(whole[owner], "set_params"):
            raise RefusedError(
                f"settings={dict(setting)} cannot be set: {owner}={whole[owner]!r} has no "
                f"parameters; give the distiller a {owner} that has."
            )
    try:
        copied.set_params(**setting)
    except (ValueError, AttributeError) as error:
        raise RefusedError(f"settings={dict(setting)} cannot be set: {error}") from error
    return copied
