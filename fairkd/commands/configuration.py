"""Where the configuration files are."""

from pathlib import Path

from fairkd.errors import ConfigError

PRIMARY = "train"


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
