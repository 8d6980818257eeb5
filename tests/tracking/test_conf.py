from pathlib import Path

import pytest
from omegaconf import OmegaConf

import fairkd
from fairkd.commands.building.tracking import build_tracking
from fairkd.tracking import NoTracking
from fairkd.tracking.mlflow_tracking import MlflowTracking

CONF = Path(fairkd.__file__).parent.parent / "conf" / "tracking"


def test_mlflow_yaml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    whole = OmegaConf.create({"paths": {"store": str(tmp_path / "store")}})
    whole.tracking = OmegaConf.load(CONF / "mlflow.yaml")
    assert whole.tracking.figures == "auto"
    tracking = build_tracking(whole)
    assert isinstance(tracking, MlflowTracking)
    assert tracking.uri == f"sqlite:///{tmp_path}/mlflow.db"
    assert tracking.experiment == "fairkd"
    assert tracking._store._locks == tmp_path / "store" / "locks"
    assert list(tmp_path.iterdir()) == []


def test_none_yaml() -> None:
    whole = OmegaConf.create({"tracking": OmegaConf.load(CONF / "none.yaml")})
    assert isinstance(build_tracking(whole), NoTracking)
    assert whole.tracking.figures == "none"
