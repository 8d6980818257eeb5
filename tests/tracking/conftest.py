import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fairkd.tracking.mlflow_tracking import MlflowTracking


@pytest.fixture
def tracking(migrated: Path, tmp_path: Path) -> MlflowTracking:
    shutil.copy(migrated, tmp_path / "mlflow.db")
    return MlflowTracking(f"sqlite:///{tmp_path}/mlflow.db", locks=tmp_path / "locks")


@pytest.fixture
def rows(tmp_path: Path) -> Callable[..., list[tuple[Any, ...]]]:
    """Ask the database itself, past everything under test."""

    def ask(query: str, *values: object) -> list[tuple[Any, ...]]:
        connection = sqlite3.connect(tmp_path / "mlflow.db")
        try:
            return connection.execute(query, values).fetchall()
        finally:
            connection.close()

    return ask
