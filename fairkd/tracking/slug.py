"""Names of metrics, parameters and tags: readable, within what MLflow accepts, never colliding."""

import hashlib
import re
import unicodedata
from functools import lru_cache

MOST = 250
"""The most characters that MLflow accepts in a name."""

_HASH = 8
_REMEMBERED = 8192  # the jobs of a sweep have the same names, hundreds each
_SUFFIX = re.compile(r"-[0-9a-f]{8}")


@lru_cache(maxsize=_REMEMBERED)
def slug(name: str, most: int = 60) -> str:
    """One part of a metric's name, such as a group, in ASCII letters, digits and ``_ . -``.

    A name in these characters, short enough, stays as it is. Any other keeps what is readable of it
    and gains a hash of the whole, so that ``age<25`` and ``age>25`` stay distinct. The result
    depends on the name alone. Two names meet only if their hashes (32 bits) do.

    Args:
        name: any text.
        most: the most characters of the result, at least 10.
    """
    plain = _ascii(name, r"[^A-Za-z0-9_.-]+")
    if plain == name and 0 < len(name) <= most and not _reserved(name):
        return name
    return _marked(plain, name, most)


def metric_name(*parts: str) -> str:
    """A metric's name from its parts, each slugged, joined by ``/``.

    ``metric_name("test", "student", "accuracy", "age<25")`` is
    ``test/student/accuracy/age_25-...``. A name longer than 250 characters is cut and hashed.
    """
    name = "/".join(map(slug, parts))
    return name if len(name) <= MOST else _marked(name, name, MOST)


@lru_cache(maxsize=_REMEMBERED)
def accepted(name: str) -> str:
    """A whole name, slashes and dots as they are, changed only where MLflow would refuse it."""
    parts = name.split("/")
    plain = _ascii(name, r"[^A-Za-z0-9_.\- /]+")
    fine = plain == name and len(name) <= MOST and not name.startswith("..")
    return name if fine and not {"", ".", ".."} & set(parts) else metric_name(*parts)


def _ascii(name: str, lost: str) -> str:
    decomposed = unicodedata.normalize("NFKD", name)
    bare = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    return re.sub(lost, "_", bare)


def _reserved(name: str) -> bool:
    return name == "." or name.startswith("..") or bool(_SUFFIX.fullmatch(name[-_HASH - 1 :]))


def _marked(readable: str, whole: str, most: int) -> str:
    digest = hashlib.sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()[:_HASH]
    kept = readable[: most - _HASH - 1].strip("_.-/") or "x"
    return f"{kept}-{digest}"
