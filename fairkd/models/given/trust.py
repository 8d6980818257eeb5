"""Which files of a classifier may be read: a pickle runs whatever code is in it."""

from pathlib import Path

from fairkd.errors import ConfigError

SKOPS = ".skops"
PICKLES = (".pkl", ".pickle", ".joblib")


def check_trusted(path: str, allow_pickle: bool, key: str = "teacher") -> None:
    """Refuse a pickle that is not allowed, and files of another kind.

    Args:
        path: of the file.
        allow_pickle: whether a pickle may be read.
        key: of the model's section, for the sentences.

    Raises:
        ConfigError: a sentence that says what a pickle can do.
    """
    ending = Path(path).suffix.lower()
    if ending in PICKLES and not allow_pickle:
        raise ConfigError(
            f"{key}.path={path} is a pickle, and reading one runs whatever code is in it, with "
            f"your rights; set {key}.allow_pickle=true if you trust everybody who could have "
            "changed it, or save the classifier with skops (skops.io.dump), which runs nothing."
        )
    if ending not in (*PICKLES, SKOPS):
        raise ConfigError(
            f"{key}.path={path} is of no kind that holds a classifier; accepted: {SKOPS}, "
            f"{', '.join(PICKLES)}."
        )
