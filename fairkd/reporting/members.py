"""The parts by which a section of a configuration is composed."""

from collections.abc import Mapping

from fairkd.sweeps.outcome import TARGET


def members(params: Mapping[str, object], start: str) -> list[str]:
    """The keys of a section's own members: ``constraint.terms.penalty``.

    Args:
        params: flat (`fairkd.record.parameters`).
        start: of the keys, with the dot: ``constraint.terms.``.
    """
    return [
        key.removesuffix(TARGET)
        for key in params
        if key.startswith(start) and key.endswith(TARGET) and key.count(".") == start.count(".") + 1
    ]
