"""Hydra's own tests for launchers, through the fallback and through the stacks."""

import runpy
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hydra.test_utils.launcher_common_tests import (
    BatchedSweeperTestSuite,
    IntegrationTestSuite,
    LauncherTestSuite,
)
from hydra.test_utils.test_utils import SweepTaskFunction
from hydra.version import _UNSPECIFIED_, VersionBase

import fairkd

HERE = Path(__file__).parent
STACKING = HERE / "stacking_task.py"
PLUGINS = str(Path(fairkd.__file__).parent / "_plugins")

# The suite's applications name no version of Hydra whose behaviour they want.
pytestmark = pytest.mark.filterwarnings("ignore:\\s*Future Hydra versions will no longer change")

WAYS = pytest.mark.parametrize(
    ("launcher_name", "overrides"),
    [
        pytest.param("stacked", [], id="in_process"),
        pytest.param("stacked", ["hydra/sweeper=grid"], id="in_process, grid"),
        pytest.param(
            "stacked", ["hydra.launcher.n_jobs=2"], id="2 processes", marks=pytest.mark.slow
        ),
    ],
)


def in_batches() -> pytest.MarkDecorator:
    """The suite writes into the lists it is given, so each class gets lists of its own."""
    batches = "hydra.sweeper.max_batch_size=2"
    processes = "hydra.launcher.n_jobs=2"
    return pytest.mark.parametrize(
        ("launcher_name", "overrides"),
        [
            pytest.param("stacked", [batches], id="in_process"),
            pytest.param("stacked", [batches, processes], id="2 processes", marks=pytest.mark.slow),
        ],
    )


@pytest.fixture(autouse=True)
def _no_version_named() -> Iterator[None]:
    """A command of fairkd that ran before in this process named one, and Hydra remembers it."""
    base = VersionBase.instance()
    before = base.version_base
    base.version_base = _UNSPECIFIED_
    yield
    base.version_base = before


@pytest.fixture
def prepared(
    hydra_sweep_runner: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Any]]:
    """Hydra's runner of sweeps, with a task function whose jobs stack.

    Afterwards every job that ran must have been prepared with its piece.
    """
    stacking = runpy.run_path(str(STACKING))["Stacking"]

    class StackingSweep(stacking, SweepTaskFunction):  # type: ignore[misc, valid-type]  # by path
        def __call__(self, cfg: Any) -> Any:
            self.check()
            return super().__call__(cfg)

    trace = tmp_path_factory.mktemp("trace")  # the suite removes its own folder
    made: list[StackingSweep] = []

    def runner(*args: Any, **kwargs: Any) -> StackingSweep:
        sweep = StackingSweep()
        sweep.__dict__.update(vars(hydra_sweep_runner(*args, **kwargs)))
        sweep.trace = trace
        made.append(sweep)
        return sweep

    yield runner
    for sweep in made:
        jobs = [job for batch in sweep.returns or () for job in batch]
        numbers = {job.hydra_cfg.hydra.job.num for job in jobs}
        assert {path.name for path in trace.glob("job-*")} == {f"job-{n}" for n in numbers}


@WAYS
class TestPlainTask(LauncherTestSuite):
    """A task function that knows nothing of stacks: its jobs run one by one."""


@WAYS
class TestStackingTask(LauncherTestSuite):
    """A task function whose jobs stack."""

    @pytest.fixture
    def hydra_sweep_runner(self, prepared: Callable[..., Any]) -> Callable[..., Any]:
        return prepared


@in_batches()
class TestPlainTaskInBatches(BatchedSweeperTestSuite):
    """Several launches in one command."""


@in_batches()
class TestStackingTaskInBatches(BatchedSweeperTestSuite):
    """Several launches of stacks in one command."""

    @pytest.fixture
    def hydra_sweep_runner(self, prepared: Callable[..., Any]) -> Callable[..., Any]:
        return prepared


@pytest.fixture
def other_application(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """An application that does not import fairkd still finds its launcher on the path."""
    trace = tmp_path_factory.mktemp("trace")
    monkeypatch.setenv("PYTHONPATH", PLUGINS)
    monkeypatch.setenv("TRACE", str(trace))
    return trace


APPLICATION = pytest.mark.parametrize(
    ("task_launcher_cfg", "extra_flags"), [({}, ["-m", "hydra/launcher=stacked"])]
)


@pytest.mark.slow
@APPLICATION
class TestPlainApplication(IntegrationTestSuite):
    """Whole applications, each a process of its own."""

    @pytest.fixture(autouse=True)
    def _place(self, other_application: Path) -> None: ...


@pytest.mark.slow
@APPLICATION
class TestStackingApplication(IntegrationTestSuite):
    """Whole applications whose jobs stack."""

    @pytest.fixture(autouse=True)
    def _place(self, other_application: Path) -> Iterator[None]:
        yield
        assert [path.name for path in other_application.glob("job-*")] == ["job-0"]

    def generate_custom_cmd(self) -> Callable[..., list[str]]:
        return lambda cmd, filename: [sys.executable, str(STACKING), *cmd[1:]]
