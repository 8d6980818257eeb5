"""Which jobs are distillation alone: nothing but the teacher was asked of the student."""

from collections.abc import Mapping

from fairkd.sweeps.outcome import TARGET

_MOVING = "fairkd.fairness.dual."  # multipliers move, wherever they start


def is_distillation_alone(params: Mapping[str, object]) -> bool:
    """Whether a job distils, and nothing else changes its student.

    A constraint or mitigation of weight 0 counts as none, unless its multipliers move.

    Args:
        params: its flat parameters (`fairkd.record.parameters`).
    """
    return (
        _has(params, "distillation.terms.")
        and not any(_counts(params, key) for key in _members(params, "constraint.terms."))
        and not any(_counts(params, key) for key in _members(params, "mitigation.terms."))
        and not _has(params, "compression.steps.")
        and params.get(f"baseline{TARGET}") is None
    )


def _members(params: Mapping[str, object], start: str) -> list[str]:
    """The keys of the members of a section: ``constraint.terms.penalty``."""
    return [
        key.removesuffix(TARGET)
        for key in params
        if key.startswith(start) and key.endswith(TARGET) and key.count(".") == start.count(".") + 1
    ]


def _has(params: Mapping[str, object], start: str) -> bool:
    return bool(_members(params, start))


def _counts(params: Mapping[str, object], member: str) -> bool:
    moves = str(params[f"{member}{TARGET}"]).startswith(_MOVING)
    return moves or params.get(f"{member}.weight") != 0
