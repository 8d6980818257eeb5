import logging
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from fairkd.commands.dispatch import dispatch

if TYPE_CHECKING:
    from fairkd.data.dataset import Dataset


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


@pytest.fixture(scope="session")
def arrests() -> "Dataset":
    """A table that needs no download, prepared."""
    from fairkd.data.arrests import load_arrests

    return load_arrests(seed=0)


@pytest.fixture(scope="session")
def job(tmp_path_factory: pytest.TempPathFactory, arrests: "Dataset") -> Path:
    """A job's folder with a student of that table, which decides at 0.4."""
    import torch

    from fairkd.models.mlp import MLP

    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = MLP(arrests.n_features, 2, hidden=(8,))
    section = {"_target_": "fairkd.models.mlp.MLP", "hidden": [8]}
    return _kept(tmp_path_factory.mktemp("job"), arrests, model.state_dict(), section)


@pytest.fixture(scope="session")
def image_job(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with a student of arrays, shape ``[N, 3, 8, 8]``."""
    import torch

    from fairkd.data.batch import Batch
    from fairkd.data.blocks import Blocks
    from fairkd.data.dataset import Dataset
    from fairkd.models.convnet import ConvNet

    x, y = torch.zeros(2, 3, 8, 8), torch.tensor([0, 1])
    batch = Batch(x, y, torch.eye(2), torch.arange(2), torch.ones(2))
    splits = dict.fromkeys(("train", "validation", "test"), batch)
    dots = Dataset("dots", splits, Blocks.of({"tint": ["r", "g"]}), ("no", "yes"), "dots")
    weights = ConvNet((3, 8, 8), 2, channels=(4,)).state_dict()
    section = {"_target_": "fairkd.models.convnet.ConvNet", "channels": [4]}
    return _kept(tmp_path_factory.mktemp("images"), dots, weights, section)


def _kept(
    folder: Path, dataset: "Dataset", weights: dict[str, Any], section: dict[str, Any]
) -> Path:
    from fairkd.job_folder import write_student
    from fairkd.serving.description import Description

    models = {"student": weights}
    write_student(folder, models, dataset, Description.of(section, dataset, 0.4, models))
    return folder
