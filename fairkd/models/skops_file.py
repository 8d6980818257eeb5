"""An estimator of scikit-learn in skops' format, read without running anything of others."""

from typing import Any

from fairkd.errors import ConfigError

_TRUSTED = ("numpy.dtype",)


def read_estimator(content: bytes, called: str, instead: str) -> Any:
    """The estimator; of skops' own trusted types and classes of scikit-learn alone.

    Args:
        content: of the file.
        called: what a sentence begins with.
        instead: what to do where it is refused.

    Raises:
        ConfigError: it holds types of others.
    """
    import skops.io  # loads all of scikit-learn, half a second

    needed = skops.io.get_untrusted_types(data=content)
    foreign = [name for name in needed if name not in _TRUSTED and not _is_class(name)]
    if foreign:
        raise ConfigError(
            f"{called} holds types that are not scikit-learn's own ({', '.join(foreign)}), and "
            f"could not be read again without trusting them; {instead}."
        )
    return skops.io.loads(content, trusted=needed)


def _is_class(name: str) -> bool:
    """Whether a name is that of a class of scikit-learn: a function of it might do anything."""
    module, _, last = name.rpartition(".")
    return module.startswith("sklearn.") and last.lstrip("_")[:1].isupper()
