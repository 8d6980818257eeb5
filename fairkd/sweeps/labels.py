"""Short, unambiguous words for what a sweep varies: ``T=4, w=0.3``."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from fairkd.checks import as_typed
from fairkd.sweeps.outcome import TARGET

ABSENT = "-"

_KNOWN = {"distillation.temperature": "T", "constraint.weight": "w"}
_FEWEST_DIGITS, _MOST_DIGITS = 4, 17
_LONGEST_WHOLE = 1e6


def columns(varied: Sequence[Mapping[str, object]]) -> dict[str, list[str]]:
    """What configurations differ by, as short headings, each with one text a configuration.

    A heading is the shortest tail of the dotted key that no other key shares; ``T`` is the
    temperature and ``w`` the constraint's weight. Terms that only some configurations have stand
    in one column under their section, joined by ``+`` (``distillation``: ``hint+soft_targets``, and
    ``-`` for none of them); a value of that section that follows from its terms has no column.
    Classes lose their module. Numbers lose digits that do not tell them apart.

    Args:
        varied: each configuration's dotted keys and values; a key that one lacks is null there.
    """
    keys = list(dict.fromkeys(key for values in varied for key in values))
    optional = [
        key for key in keys if _is_optional_term(key, [values.get(key) for values in varied])
    ]
    chosen = {
        section: [_terms(section, optional, values) for values in varied]
        for section in dict.fromkeys(key.partition(".terms.")[0] for key in optional)
    }
    names = short_names(
        [key for key in keys if key not in optional and not _follows(key, chosen, varied)]
    )
    found: dict[str, list[str]] = {}
    for section, terms in chosen.items():
        found[section if section not in names.values() else f"{section}.terms"] = terms
    for key, name in names.items():
        found[name] = _texts(key, [values.get(key) for values in varied])
    return found


def labels(varied: Sequence[Mapping[str, object]]) -> list[str]:
    """One text for each configuration, ``T=4, w=0.3``; empty where nothing is varied."""
    found = columns(varied)
    return [
        ", ".join(f"{heading}={texts[place]}" for heading, texts in found.items())
        for place in range(len(varied))
    ]


def short_names(keys: Sequence[str]) -> dict[str, str]:
    """A short name for each dotted key, no two alike."""
    names = {key: _KNOWN.get(key) or _tail(key, keys) for key in keys}
    used = Counter(names.values())
    return {key: name if used[name] == 1 else key for key, name in names.items()}


def _tail(key: str, keys: Sequence[str]) -> str:
    if key.endswith(TARGET):
        return key.removesuffix(TARGET)
    for tail in _tails(key):
        if not any(f".{other}".endswith(f".{tail}") for other in keys if other != key):
            return tail
    return key


def _tails(key: str) -> Iterator[str]:
    parts = key.split(".")
    return (".".join(parts[start:]) for start in reversed(range(len(parts))))


def _is_optional_term(key: str, values: Sequence[object]) -> bool:
    present = {value for value in values if value is not None}
    name = key.partition(".terms.")[2].removesuffix(TARGET)
    is_term = key.endswith(TARGET) and bool(name) and "." not in name
    return is_term and None in values and len(present) == 1


def _terms(section: str, optional: Sequence[str], values: Mapping[str, object]) -> str:
    prefix = f"{section}.terms."
    present = [key for key in optional if key.startswith(prefix) and values.get(key) is not None]
    return "+".join(key.removeprefix(prefix).removesuffix(TARGET) for key in present) or ABSENT


def _follows(
    key: str, chosen: Mapping[str, Sequence[str]], varied: Sequence[Mapping[str, object]]
) -> bool:
    """Whether a value of a section with a choice of terms is the same wherever the terms are."""
    for section, terms in chosen.items():
        if key.startswith(f"{section}."):
            pairs = {(of, repr(values.get(key))) for of, values in zip(terms, varied, strict=True)}
            return len(pairs) == len(set(terms))
    return False


def _texts(key: str, values: Sequence[object]) -> list[str]:
    if key.endswith(TARGET):
        return [as_typed(value).rpartition(".")[2] for value in values]
    exact = [_text(value, None) for value in values]
    for digits in range(_FEWEST_DIGITS, _MOST_DIGITS):
        short = [_text(value, digits) for value in values]
        if len(set(short)) == len(set(exact)):
            return short
    return exact


def _text(value: object, digits: int | None) -> str:
    """A value as typed; a whole number without its point, other floats to so many digits."""
    if not isinstance(value, float):
        return as_typed(value)
    if value.is_integer() and abs(value) < _LONGEST_WHOLE:
        return str(int(value))
    return str(value) if digits is None else f"{value:.{digits}g}"
