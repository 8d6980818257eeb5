"""``fairkd ui`` says where to look and becomes MLflow's server."""

import shutil
import sys
from pathlib import Path

import pytest

from fairkd.tracking.mlflow_tracking import MlflowTracking


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The command lines that would have taken this process's place."""
    found: list[list[str]] = []
    monkeypatch.setattr("os.execv", lambda program, words: found.append([program, *words]))
    return found


def test_it_names_the_page_and_serves_the_store_on_this_machine_alone(
    fairkd, workplace: Path, migrated: Path, started: list[list[str]]
) -> None:
    shutil.copy(migrated, workplace / "mlflow.db")
    MlflowTracking(experiment="mine", locks=workplace / "locks").prepare()
    ended = fairkd("ui", "port=5012", "tracking.experiment=mine")
    assert ended.code == 0
    address, stop = ended.out.splitlines()
    assert address == (
        "mine: http://127.0.0.1:5012/#/experiments/2/runs?workflowType=machine_learning"
        "&viewStateShareKey=fairkd"
    )
    assert stop == "Ctrl-C stops."
    ((program, *words),) = started
    assert (program, words[0]) == (sys.executable, sys.executable)
    assert words[1:] == [
        *["-m", "mlflow", "ui", "--host", "127.0.0.1", "--port", "5012"],
        *["--backend-store-uri", f"sqlite:///{workplace}/mlflow.db"],
    ]


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["port=0"], 2, "port=0 is not a port; accepted: 1 to 65535."),
        (["port=http"], 2, "port=http is not a port"),
        (["tracking.artifacts=x"], 2, "Unknown key 'tracking.artifacts'"),
        (["prot=1"], 2, "Unknown key 'prot'; did you mean 'port'?"),
        ([], 1, "There is no tracking store"),
    ],
)
def test_what_cannot_be_served_is_refused(
    fairkd, started: list[list[str]], words: list[str], code: int, sentence: str
) -> None:
    ended = fairkd("ui", *words)
    assert (ended.code, ended.out) == (code, "")
    assert ended.err.startswith(sentence)
    assert not started
