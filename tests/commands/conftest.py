import logging
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

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


@pytest.fixture
def tracked(
    workplace: Path, migrated: Path, measured: Callable[..., Any], configured: Callable[..., Any]
) -> list[str]:
    """A sweep ``s`` of two configurations with two seeds each in ``mlflow.db``; its runs' ids."""
    from fairkd.tracking import JOB_KEY, SWEEP_ID
    from fairkd.tracking.mlflow_tracking import MlflowTracking

    shutil.copy(migrated, workplace / "mlflow.db")
    tracking = MlflowTracking(experiment="fairkd", locks=workplace / "locks")
    tracking.prepare()
    found = []
    for weight in (0.0, 1.0):
        for seed in (0, 1):
            tags = {
                JOB_KEY: f"k{weight}{seed}",
                "fairkd.configuration_key": f"w{weight}",
                SWEEP_ID: "s",
                "fairkd.data": "arrests",
            }
            record = measured(seed=seed + round(2 * weight))
            with tracking.start(f"w{weight:g}·s{seed}", {}, tags) as run:
                run.log_metrics(record.metrics())
                run.log_json(record.to_json(), "record.json")
                run.log_json(configured(seed=seed, weight=weight), "configuration.json")
            found.append(run.run_id)
    return found
