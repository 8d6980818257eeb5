"""How a user's table is read: the knobs that change what its bytes mean."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from fairkd.checks import as_typed, choice
from fairkd.errors import ConfigError, unknown_name

MISSING_WORDS = (
    "", "NA", "N/A", "n/a", "#N/A", "NaN", "nan", "NULL", "Null", "null", "None", "none", "?",
)  # fmt: skip
DECIMALS = (".", ",")


@dataclass(frozen=True)
class Reading:
    """What a reader cannot always know by itself.

    Attributes:
        delimiter: between the fields of a CSV file, one character; None finds it.
        encoding: of a CSV file; None takes UTF-8, with or without its mark, and nothing else.
        decimal: the decimal mark of a CSV file, ``.`` or ``,``.
        missing: words that stand for a missing value, beside what a Parquet file says itself.
        lower_case: whether all text is read in lower case.
    """

    delimiter: str | None = None
    encoding: str | None = None
    decimal: str = "."
    missing: tuple[str, ...] = MISSING_WORDS
    lower_case: bool = False

    @classmethod
    def of(cls, given: Mapping[str, Any], key: str = "data") -> "Reading":
        """Check configured values.

        Args:
            given: the attributes by name; those left out have their defaults.
            key: the section of the keys, for the sentences.

        Raises:
            ConfigError: a value that cannot work.
        """
        known = [field.name for field in fields(cls)]
        for name in given:
            if name not in known:
                raise ConfigError(unknown_name(f"key of {key}", name, known))
        values = dict(given)
        if (delimiter := values.get("delimiter")) is not None:
            _one_character(f"{key}.delimiter", delimiter)
        if (encoding := values.get("encoding")) is not None:
            _known_encoding(f"{key}.encoding", encoding)
        choice(f"{key}.decimal", values.get("decimal", "."), DECIMALS)
        values["missing"] = _words(f"{key}.missing", values.get("missing", MISSING_WORDS))
        if not isinstance(values.get("lower_case", False), bool):
            raise ConfigError(
                f"{key}.lower_case={as_typed(values['lower_case'])} is not known; accepted: true, "
                "false."
            )
        found = cls(**values)
        if found.delimiter == found.decimal:
            raise ConfigError(
                f"{key}.delimiter and {key}.decimal are both '{found.decimal}'; files with decimal "
                "commas mostly have semicolons between their fields."
            )
        return found


def _one_character(key: str, value: object) -> None:
    if not isinstance(value, str) or len(value) != 1 or not value.isascii() or value in '"\r\n':
        raise ConfigError(
            f"{key}={as_typed(value)} cannot stand between fields; accepted: one ASCII character, "
            f"as in {key}=';', or null, which finds it."
        )


def _known_encoding(key: str, value: object) -> None:
    try:
        "a".encode(str(value))
    except (LookupError, ValueError) as error:
        raise ConfigError(
            f"{key}={as_typed(value)} is no encoding; accepted: those of Python, such as utf-8, "
            "latin-1, cp1252, utf-16 or shift_jis."
        ) from error


def _words(key: str, value: object) -> tuple[str, ...]:
    listed = value if isinstance(value, Sequence) and not isinstance(value, str) else None
    if listed is None or not all(isinstance(word, str) for word in listed):
        raise ConfigError(
            f"{key}={as_typed(value)} is not a list of words; accepted: words in quotes, as in "
            f"{key}=['','NA','unknown']."
        )
    return tuple(listed)
