import random
import sqlite3
from pathlib import Path

import numpy as np
import pytest
import torch


@pytest.fixture(autouse=True)
def _seeded() -> None:
    """What a test draws from a global generator does not depend on the tests before it."""
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database after its first use, to copy instead of migrating again."""
    from fairkd.tracking.mlflow_tracking import MlflowTracking  # MLflow takes a second to load

    folder = tmp_path_factory.mktemp("mlflow")
    MlflowTracking(f"sqlite:///{folder}/mlflow.db", experiment="other", locks=folder).prepare()
    connection = sqlite3.connect(folder / "mlflow.db")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return folder / "mlflow.db"
