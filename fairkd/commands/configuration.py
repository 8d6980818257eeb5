"""Where the configuration files are, and what they may refer to."""

from pathlib import Path

from omegaconf import ListConfig, OmegaConf

from fairkd.errors import ConfigError

PRIMARY = "train"
CERTIFY_FRACTION = 0.2
"""Of the rows that are not test rows, where a confidence is asked for and no fraction is named."""


def _certify_fraction(confidence: object) -> float | None:
    return None if confidence is None else CERTIFY_FRACTION


def _columns_of_data(path: object, columns: object) -> object:
    """The columns of a teacher's outputs that are the data's own, as no file has them."""
    return columns if path is None and columns is not None else ListConfig([])


OmegaConf.register_new_resolver("certify_fraction", _certify_fraction, replace=True)
OmegaConf.register_new_resolver("columns_of_data", _columns_of_data, replace=True)


def config_folder() -> Path:
    """The folder of the primary configuration: inside an installed package, or beside a checkout's.

    Raises:
        ConfigError: neither is there.
    """
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "conf", package.parent / "conf"):
        if (folder / f"{PRIMARY}.yaml").is_file():
            return folder
    raise ConfigError(
        f"The configuration is missing beside {package}; install fairkd again "
        "(pip install fairkd) or run from a whole checkout."
    )
