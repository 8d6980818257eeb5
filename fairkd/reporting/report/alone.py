"""Which jobs are distillation alone: nothing but the teacher was asked of the student."""

from collections.abc import Mapping

from fairkd.reporting.members import members
from fairkd.sweeps.outcome import TARGET

_MOVING = "fairkd.fairness.dual."  # multipliers move, wherever they start


def is_distillation_alone(params: Mapping[str, object]) -> bool:
    """Whether a job distils from a teacher as it trained, and nothing else changes its student.

    A term, constraint or mitigation of weight 0 counts as none, unless its multipliers move. A term
    that looks at groups, and a teacher that was balanced over them, are more than distillation.

    Args:
        params: its flat parameters (`fairkd.record.parameters`).
    """
    terms = [key for key in members(params, "distillation.terms.") if _teaches(params, key)]
    others = [
        key
        for section in ("constraint.terms.", "mitigation.terms.")
        for key in members(params, section)
    ]
    return (
        bool(terms)
        and not any(_is_of_groups(params, key) for key in terms)
        and not any(_counts(params, key) for key in others)
        and not members(params, "compression.steps.")
        and params.get(f"baseline{TARGET}") is None
        and params.get("teacher.balance.by") is None
    )


def _teaches(params: Mapping[str, object], term: str) -> bool:
    """Whether a term asks anything; of some, alpha is the teacher's share."""
    return params.get(f"{term}.weight") != 0 and params.get(f"{term}.alpha") != 0


def _is_of_groups(params: Mapping[str, object], term: str) -> bool:
    return f"{term}.by" in params


def _counts(params: Mapping[str, object], member: str) -> bool:
    moves = str(params[f"{member}{TARGET}"]).startswith(_MOVING)
    return moves or params.get(f"{member}.weight") != 0
