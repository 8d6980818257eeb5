"""MLflow's pages over a real sweep, seen through a browser, and its student asked over HTTP.

Set ``FAIRKD_SCREENSHOTS`` to a folder to keep what was seen.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest
from mlflow.entities import Run
from mlflow.tracking import MlflowClient

pytestmark = pytest.mark.slow

SMALL = (
    *("experiment=iris", "tracking.experiment=iris", "trainer.max_epochs=10"),
    *("teacher.trainer.max_epochs=10", "evaluation.draws=50", "evaluation.latency_repeats=1"),
)
GRID = ("distillation.temperature=1,4", "constraint.weight=0,0.5", "seed=0,1")
# MLflow asks itself for a user where there are none; and its table is measured while it grows.
MLFLOWS_OWN = ("/ajax-api/2.0/mlflow/users/current", "ResizeObserver loop completed")
EXPAND = ".ag-pinned-left-cols-container [row-index='0'] .ag-cell-value button"


@dataclass(frozen=True)
class Served:
    """MLflow's server over a sweep.

    Attributes:
        address: of the page that ``fairkd ui`` names.
        folder: the working folder.
    """

    address: str
    folder: Path

    @property
    def server(self) -> str:
        return self.address.partition("#")[0]

    @property
    def experiment(self) -> str:
        return self.address.partition("experiments/")[2].partition("/")[0]

    @property
    def client(self) -> MlflowClient:
        return MlflowClient(f"sqlite:///{self.folder}/mlflow.db")

    def jobs(self) -> list[Run]:
        wanted = "tags.`fairkd.job_key` != ''"
        return list(self.client.search_runs([self.experiment], wanted))

    def page_of(self, run: Run, below: str = "") -> str:
        kind = "?workflowType=machine_learning"
        place = f"#/experiments/{self.experiment}/runs/{run.info.run_id}{below}"
        return f"{self.server}{place}{kind}"


def start(command: list[str], folder: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1", "MLFLOW_TRACKING_URI": uri(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )


def uri(folder: Path) -> str:
    return f"sqlite:///{folder}/mlflow.db"


def wait_for(url: str, seconds: float = 180) -> None:
    until = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            assert time.monotonic() < until, f"{url} does not answer"
            time.sleep(0.5)


def stop(process: "subprocess.Popen[str]") -> None:
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert process.stdout is not None
    process.stdout.close()


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory, migrated: Path) -> Path:
    """A folder with a sweep of eight jobs on Iris."""
    folder = tmp_path_factory.mktemp("swept")
    shutil.copy(migrated, folder / "mlflow.db")
    command = [sys.executable, "-m", "fairkd", "-m", *SMALL, *GRID]
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def served(swept: Path, free_port: Callable[[], int]) -> Iterator[Served]:
    words = ["ui", f"port={free_port()}", "tracking.experiment=iris"]
    process = start([sys.executable, "-m", "fairkd", *words], swept)
    try:
        assert process.stdout is not None
        address = process.stdout.readline().partition(": ")[2].strip()
        wait_for(address.partition("#")[0])
        yield Served(address, swept)
    finally:
        stop(process)


def seen(browser, address: str, text: str, height: int = 900):
    """The page of an address once it shows a text, without MLflow's assistant before it."""
    page = browser.open(address, width=1700, height=height)
    page.wait_for(text, seconds=90)
    page.wait_idle()
    if page.evaluate("!!document.querySelector(\"button[aria-label='Close']\")"):
        page.click_on("button[aria-label='Close']")
    page.wait_idle()
    return page


def complaints(page) -> list[str]:
    return [told for told in page.errors if not any(own in told for own in MLFLOWS_OWN)]


def test_runs_nest_under_their_sweep_with_the_columns_that_matter(browser, served: Served) -> None:
    page = seen(browser, served.address, "sweep·iris·8 jobs")
    assert "iris·T4·w0.5·s1" not in page.text
    page.click_on(EXPAND)
    page.wait_for("iris·T4·w0.5·s1")
    page.wait_idle()
    page.screenshot("mlflow-runs")
    shown = page.evaluate(
        "[...document.querySelectorAll('.ag-header-cell')]"
        ".map(cell => [cell.getBoundingClientRect().x, cell.innerText.trim()])"
        ".sort((one, other) => one[0] - other[0]).map(pair => pair[1]).filter(Boolean)"
    )
    assert shown[:8] == [
        *["Run Name", "Created", "test/accuracy", "test/disparity", "test/disparity_change"],
        *["distillation.temperature", "constraint.weight", "fairkd.method"],
    ]
    assert len([name for name in page.text.split() if name.startswith("iris·T")]) == 8
    assert "soft_targets + accuracy_parity" in page.text
    assert complaints(page) == []
    page.close()


def test_a_runs_page_begins_with_its_trio(browser, served: Served) -> None:
    run = served.jobs()[0]
    page = seen(browser, served.page_of(run), "on test", height=1400)
    page.screenshot("mlflow-run")
    rows = page.evaluate(
        "[...document.querySelectorAll('table')].map(table => table.innerText)"
        ".find(text => text.includes('on test'))"
    ).splitlines()
    assert [row.split()[0] for row in rows[1:]] == ["teacher", "control", "student"]
    student = rows[3].split()
    assert student[1] == f"{run.data.metrics['test/accuracy']:.3f}"
    assert student[2] == f"{run.data.metrics['test/disparity']:.3f}"
    for text in ("sweep·iris·8 jobs", "fairkd.method", "Train, Validation, Test"):
        assert text in page.text
    listed = page.text.partition("Search metrics")[2] or page.text
    assert listed.find("test/accuracy") < listed.find("val/loss")
    assert complaints(page) == []
    page.close()


def test_groups_are_a_table_and_the_student_a_model(browser, served: Served) -> None:
    run = served.jobs()[0]
    table = "/artifacts/groups/planted_sepal.json"
    page = seen(browser, served.page_of(run, table), "View as table")
    page.wait_for("teacher")
    page.screenshot("mlflow-table")
    for text in ("group", "model", "narrow", "wide", "control", "student"):
        assert text in page.text.split()
    assert complaints(page) == []
    page.close()
    page = seen(browser, served.page_of(run, "/artifacts/student"), "MLmodel")
    page.screenshot("mlflow-student")
    assert "serving_input_example.json" in page.text
    assert complaints(page) == []
    page.close()
    kind = "?workflowType=machine_learning"
    models = f"{served.server}#/experiments/{served.experiment}/models{kind}"
    page = seen(browser, models, "iris·T4·w0_5·s1")
    page.screenshot("mlflow-models")
    assert page.text.count("Ready") == 8
    assert complaints(page) == []
    page.close()


def test_parameters_are_numbers_to_a_comparison(browser, served: Served) -> None:
    ids = json.dumps([run.info.run_id for run in served.jobs()])
    asked = f"runs={quote(ids)}&experiments={quote(json.dumps([served.experiment]))}"
    page = seen(browser, f"{served.server}#/compare-runs?{asked}", "Comparing 8 Runs", 1400)
    page.wait_until("!!document.querySelector('.js-plotly-plot .parcoords')")
    page.wait_idle()
    page.screenshot("mlflow-compare")
    axes = page.evaluate(
        "[...document.querySelectorAll('.parcoords .axis-title')].map(axis => axis.textContent)"
    )
    assert {"distillation.temperature", "constraint.weight", "test/accuracy"} <= set(axes)
    ticks = page.evaluate(
        "[...document.querySelectorAll('.parcoords .tick text')].map(tick => tick.textContent)"
    )
    assert ticks
    assert [
        tick for tick in ticks if not re.fullmatch(r"[-\u2212]?[\d.,]+(e[-+]?\d+)?", tick)
    ] == []
    assert complaints(page) == []
    page.close()


def test_a_raw_row_is_answered_with_probabilities(
    served: Served, free_port: Callable[[], int]
) -> None:
    run = served.jobs()[0]
    port = free_port()
    model = f"runs:/{run.info.run_id}/student"
    serve = ["models", "serve", "-m", model, "--env-manager", "local"]
    process = start(
        [sys.executable, "-m", "mlflow", *serve, "--host", "127.0.0.1", "--port", str(port)],
        served.folder,
    )
    try:
        wait_for(f"http://127.0.0.1:{port}/ping")
        artifacts = Path(run.info.artifact_uri.removeprefix("file://")) / "student"
        answer = urllib.request.urlopen(
            urllib.request.Request(
                f"http://127.0.0.1:{port}/invocations",
                data=(artifacts / "serving_input_example.json").read_bytes(),
                headers={"Content-Type": "application/json"},
            ),
            timeout=60,
        )
        with answer:
            rows = json.loads(answer.read())["predictions"]
    finally:
        stop(process)
    assert [list(row) for row in rows] == [["setosa", "versicolor", "virginica"]] * 2
    assert all(sum(row.values()) == pytest.approx(1.0, abs=1e-12) for row in rows)
