import os
import random
import runpy
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

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


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A headless Chromium, a `Browser` of ``tests/browser.py``; its tests are marked ``slow``.

    Its pages' pictures are kept in the folder that ``FAIRKD_SCREENSHOTS`` names.
    """
    driver = runpy.run_path(str(Path(__file__).with_name("browser.py")))
    program = driver["executable"]()
    if program is None:
        pytest.skip(f"no Chromium is installed, and {driver['SETTING']} names none")
    folder = tmp_path_factory.mktemp("browser")
    kept = os.environ.get("FAIRKD_SCREENSHOTS")
    started = driver["Browser"](
        program, folder / "profile", Path(kept) if kept else folder / "screenshots"
    )
    yield started
    started.close()
