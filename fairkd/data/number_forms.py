"""Text that is a number to a person, and not to a reader: commas, percent signs, currencies."""

import re
from collections.abc import Sequence

_PLAIN = re.compile(r"[+-]?\d+(\.\d+)?")
_COMMA = re.compile(r"[+-]?\d+(,\d+)?")
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?")
_SIGN = r"[$\u20ac\u00a3\u00a5]|USD|EUR"
_SIGNED = re.compile(rf"(?P<before>{_SIGN})? ?[+-]?\d[\d.,' ]*? ?(?P<after>%|{_SIGN})?")
_MOSTLY = 0.9


def note_of(texts: Sequence[str]) -> str:
    """What a person should know of text that looks like numbers; empty where it does not.

    Args:
        texts: distinct values, trimmed, not all of them numbers; at least one.
    """
    commas = [text for text in texts if "," in text]
    if commas and all(_PLAIN.fullmatch(text) or text in commas for text in texts):
        if all(map(_THOUSANDS.fullmatch, commas)):
            return (
                f"numbers with commas, such as '{commas[0]}', are taken for categories; write them "
                "without commas between thousands, or with decimal points"
            )
        if all(map(_COMMA.fullmatch, texts)):
            return (
                "numbers with decimal commas are taken for categories; data.decimal=',' makes them "
                "numbers"
            )
    signed = [text for text in texts if _has_sign(text)]
    if len(signed) >= _MOSTLY * len(texts):
        return (
            f"numbers with signs, such as '{signed[0]}', are taken for categories; write the "
            "numbers alone"
        )
    return ""


def _has_sign(text: str) -> bool:
    found = _SIGNED.fullmatch(text)
    return found is not None and bool(found["before"] or found["after"])
