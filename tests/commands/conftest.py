import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from fairkd.commands.dispatch import dispatch


class Ended(NamedTuple):
    code: int
    out: str
    err: str


Fairkd = Callable[..., Ended]


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty working folder, no settings of the user's, and logging put back as it was."""
    place = tmp_path / "workplace"
    place.mkdir()
    monkeypatch.chdir(place)
    for name in ("FAIRKD_STORE", "MLFLOW_TRACKING_URI", "HYDRA_FULL_ERROR"):
        monkeypatch.delenv(name, raising=False)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield place
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def fairkd(workplace: Path, capsys: pytest.CaptureFixture[str]) -> Fairkd:
    """The command line in this process: what it returned and printed."""

    def run(*arguments: object) -> Ended:
        code = dispatch([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return Ended(code, out, err)

    return run
