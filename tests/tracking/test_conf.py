from pathlib import Path

import pytest
from hydra.utils import instantiate
from omegaconf import OmegaConf

import fairkd
from fairkd.tracking import NoTracking
from fairkd.tracking.mlflow_tracking import MlflowTracking

CONF = Path(fairkd.__file__).parent.parent / "conf" / "tracking"


def test_mlflow_yaml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    whole = OmegaConf.create({"paths": {"store": str(tmp_path / "store")}})
    whole.tracking = OmegaConf.load(CONF / "mlflow.yaml")
    tracking = instantiate(whole.tracking)
    assert isinstance(tracking, MlflowTracking)
    assert tracking.uri == f"sqlite:///{tmp_path}/mlflow.db"
    assert tracking.experiment == "fairkd"
    assert tracking._store._locks == tmp_path / "store" / "locks"
    assert list(tmp_path.iterdir()) == []


def test_none_yaml() -> None:
    assert isinstance(instantiate(OmegaConf.load(CONF / "none.yaml")), NoTracking)
