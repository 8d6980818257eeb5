"""What becomes of jobs whose process, piece, folder or result fails; driven by Hydra itself."""

import json
import logging
import os
import runpy
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import cloudpickle
import psutil
import pytest
from hydra import initialize_config_module
from hydra._internal.callbacks import Callbacks
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.plugins import Plugins
from hydra.core.utils import JobReturn, JobStatus
from hydra.types import HydraContext, RunMode
from omegaconf import DictConfig, OmegaConf

import fairkd
from fairkd.errors import ConfigError, FairkdError
from fairkd.sweeps.compose import Composer
from fairkd.sweeps.launching import Limits
from fairkd.sweeps.stacks import Ahead, Stacks, stacks
from fairkd.sweeps.warm import warmed

STACKING = runpy.run_path(str(Path(__file__).with_name("stacking_task.py")))
StackingTask = STACKING["StackingTask"]
PLUGINS = str(Path(fairkd.__file__).parent / "_plugins")

pytestmark = pytest.mark.usefixtures("hydra_restore_singletons")


Sweep = Callable[..., list[JobReturn]]


@pytest.fixture(scope="module", autouse=True)
def _by_value() -> Iterator[None]:
    """What is defined here cannot be imported in another process."""
    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    yield
    cloudpickle.unregister_pickle_by_value(sys.modules[__name__])


@pytest.fixture
def trace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("trace")


@pytest.fixture
def sweep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sweep:
    """Launch a task over overrides, as Hydra's sweeper does, without raising what jobs raised."""
    monkeypatch.chdir(tmp_path)
    # These tasks train nothing, so their processes need not load what training needs.
    monkeypatch.setattr("fairkd.sweeps.launching.needed", lambda config: [])
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level

    def run(
        task: Any,
        grid: list[list[str]],
        *words: str,
        first: int = 0,
        before: Callable[[Any, Callable[[list[str]], DictConfig]], None] | None = None,
    ) -> list[JobReturn]:
        GlobalHydra.instance().clear()
        try:
            with initialize_config_module("hydra.test_utils.configs", version_base="1.3"):
                loader = GlobalHydra.instance().config_loader()
                own = ["hydra/launcher=stacked", f"hydra.sweep.dir={tmp_path}/sweep", *words]
                master = loader.load_configuration("compose", own, run_mode=RunMode.MULTIRUN)
                HydraConfig.instance().set_config(master)
                context = HydraContext(config_loader=loader, callbacks=Callbacks(master))
                launcher = Plugins.instance().instantiate_launcher(context, task, master)
                if before is None:
                    return list(launcher.launch(grid, first))
                with warmed(launcher, len(grid)):
                    composer = Composer(loader, master)
                    before(launcher, lambda words: composer.job(words, first))
                    return list(launcher.launch(grid, first))
        finally:
            root.handlers[:] = handlers
            root.setLevel(level)

    return run


PROCESSES = pytest.mark.parametrize("processes", [1, pytest.param(2, marks=pytest.mark.slow)])
GRID = [[f"+a={n}"] for n in range(8)]


def values(results: list[JobReturn]) -> list[Any]:
    return [
        r.return_value if r.status == JobStatus.COMPLETED else type(r._return_value).__name__
        for r in results
    ]


def test_a_plain_function_has_no_stacks_and_a_stacking_one_has(trace: Path) -> None:
    assert stacks(len) is None
    task = StackingTask(lambda config: 1, trace)
    assert stacks(task) is task
    assert isinstance(task, Stacks)


@pytest.mark.parametrize(
    ("wrong", "key"),
    [
        ({"n_jobs": 0}, "n_jobs=0"),
        ({"n_jobs": -2}, "n_jobs=-2"),
        ({"max_stack": 0}, "max_stack=0"),
        ({"memory_gib": 0.0}, "memory_gib=0.0"),
        ({"memory_gib": float("nan")}, "memory_gib=nan"),
    ],
)
def test_limits_out_of_range_are_refused(wrong: dict[str, Any], key: str) -> None:
    given = {"n_jobs": None, "max_stack": 4, "memory_gib": None} | wrong
    with pytest.raises(ConfigError, match=f"hydra.launcher.{key} is out of range"):
        Limits.of(**given)


def test_limits_count_memory_in_bytes() -> None:
    assert Limits.of(None, 8, 1.5).memory == 1_610_612_736
    assert Limits.of(None, 8, None).memory is None


@PROCESSES
def test_every_job_has_its_number_folder_and_variables(
    sweep: Sweep, trace: Path, tmp_path: Path, processes: int
) -> None:
    def task(config: DictConfig) -> tuple[Any, ...]:
        hydra = HydraConfig.get()
        logging.getLogger("task").info("here is %s", config.a)
        return (config.a, hydra.job.num, hydra.job.id, os.environ["COLOUR"], str(Path.cwd()))

    results = sweep(
        StackingTask(task, trace, size=3),
        GRID,
        "hydra.sweep.subdir=at${hydra.job.num}-${a}",
        "+hydra.job.env_set.COLOUR=red",
        "hydra.job.chdir=true",
        "hydra.job.name=name",
        f"hydra.launcher.n_jobs={processes}",
        first=10,
    )
    folders = [tmp_path / "sweep" / f"at{10 + n}-{n}" for n in range(8)]
    expected = [(n, 10 + n, str(10 + n), "red", str(folders[n])) for n in range(8)]
    assert values(results) == expected
    assert [r.overrides for r in results] == GRID
    assert [r.working_dir for r in results] == list(map(str, folders))
    for n, folder in enumerate(folders):
        log = (folder / "name.log").read_text()
        assert f"here is {n}" in log
        assert log.count("here is") == 1
        assert OmegaConf.load(folder / ".hydra" / "hydra.yaml").hydra.job.num == 10 + n
    assert "COLOUR" not in os.environ
    assert str(Path.cwd()) == str(tmp_path)


@pytest.mark.parametrize("processes", [1, 2])
def test_the_first_jobs_teacher_is_begun_where_a_process_is_idle(
    sweep: Sweep, trace: Path, processes: int
) -> None:
    mark = trace / "teacher-0"

    def begin(launcher: Any, composed: Callable[[list[str]], DictConfig]) -> None:
        launcher.begin(composed(GRID[0]))
        until = time.monotonic() + (60 if processes > 1 else 1)
        while not mark.exists() and time.monotonic() < until:
            time.sleep(0.05)
        assert mark.exists() == (processes > 1)

    task = StackingTask(lambda config: int(config.a), trace)
    assert values(sweep(task, GRID, f"hydra.launcher.n_jobs={processes}", before=begin)) == [
        *range(8)
    ]


def test_what_happens_between_jobs_is_not_in_a_jobs_log(
    sweep: Sweep, trace: Path, tmp_path: Path
) -> None:
    class Talking(StackingTask):  # type: ignore[misc, valid-type]  # found by path
        def train_ahead(self, piece: Any, *rest: Any) -> Ahead:
            logging.getLogger("ahead").warning("ahead of %s", piece.jobs)
            return super().train_ahead(piece, *rest)

    sweep(Talking(lambda config: 1, trace), GRID[:4], "hydra.launcher.n_jobs=1")
    logs = [path.read_text() for path in (tmp_path / "sweep").rglob("*.log")]
    assert len(logs) == 4
    assert not any("ahead of" in log for log in logs)


def test_variables_of_the_jobs_are_set_while_training_ahead(sweep: Sweep, trace: Path) -> None:
    seen = []

    class Looking(StackingTask):  # type: ignore[misc, valid-type]  # found by path
        def train_ahead(self, *arguments: Any) -> Ahead:
            seen.append(os.environ.get("COLOUR"))
            return super().train_ahead(*arguments)

    words = ("+hydra.job.env_set.COLOUR=red", "hydra.launcher.n_jobs=1")
    sweep(Looking(lambda config: 1, trace), GRID[:2], *words)
    assert seen == ["red", "red"]


@PROCESSES
def test_what_was_made_ahead_is_known_to_every_later_piece(
    sweep: Sweep, trace: Path, processes: int
) -> None:
    class Noting(StackingTask):  # type: ignore[misc, valid-type]  # found by path
        def train_ahead(self, piece: Any, configs: Any, cut: Any, before: Ahead, t: Any) -> Ahead:
            known = sorted(kind for kind, _ in before.made)
            (self.trace / f"before-{piece.kind}-{piece.jobs[0]}").write_text(json.dumps(known))
            return super().train_ahead(piece, configs, cut, before, t)

    words = [f"hydra.launcher.n_jobs={processes}"]
    sweep(Noting(lambda config: 1, trace, size=4), GRID, *words)
    assert json.loads((trace / "before-teacher-0").read_text()) == []
    for first in (0, 4):
        known = json.loads((trace / f"before-job-{first}").read_text())
        assert known.count("teacher") == 8


@pytest.mark.slow
@pytest.mark.parametrize(("deadly", "jobs"), [({3}, 8), ({0, 1, 2}, 3)], ids=str)
def test_a_job_that_kills_its_process_fails_alone(
    sweep: Sweep, trace: Path, deadly: set[int], jobs: int
) -> None:
    def task(config: DictConfig) -> int:
        if config.a in deadly:
            os.kill(os.getpid(), signal.SIGKILL)
        return 10 * int(config.a)

    results = sweep(StackingTask(task, trace, size=4), GRID[:jobs], "hydra.launcher.n_jobs=2")
    expected = ["FairkdError" if n in deadly else 10 * n for n in range(jobs)]
    assert values(results) == expected
    assert [r.overrides for r in results] == GRID[:jobs]
    for number in deadly:
        assert "The job's process was killed" in str(results[number]._return_value)
        assert results[number].hydra_cfg.hydra.job.num == number


@pytest.mark.slow
def test_training_ahead_that_kills_its_process_is_halved(sweep: Sweep, trace: Path) -> None:
    class Deadly(StackingTask):  # type: ignore[misc, valid-type]  # found by path
        def train_ahead(self, piece: Any, configs: Any, *rest: Any) -> Ahead:
            if piece.kind == "teacher" or any(config.a == 5 for config in configs):
                os.kill(os.getpid(), signal.SIGKILL)
            return super().train_ahead(piece, configs, *rest)

        def check(self) -> None: ...

    task = Deadly(lambda config: int(config.a), trace, size=8)
    results = sweep(task, GRID, "hydra.launcher.n_jobs=2")
    assert values(results) == [0, 1, 2, 3, 4, "FairkdError", 6, 7]


@PROCESSES
@pytest.mark.parametrize("error", [MemoryError, RuntimeError], ids=lambda kind: kind.__name__)
def test_want_of_memory_is_the_sentence_of_the_job_that_wants_it(
    sweep: Sweep, trace: Path, processes: int, error: type[Exception]
) -> None:
    def allocate(gigabytes: int) -> None:
        if error is MemoryError:
            bytearray(gigabytes * 2**30)
        else:
            import torch

            torch.empty(gigabytes * 2**30, dtype=torch.uint8)

    class Large(StackingTask):  # type: ignore[misc, valid-type]  # found by path
        def train_ahead(self, piece: Any, configs: Any, *rest: Any) -> Ahead:
            allocate(10_000 if any(config.a == 2 for config in configs) else 0)
            return super().train_ahead(piece, configs, *rest)

        def check(self) -> None: ...

    def task(config: DictConfig) -> int:
        allocate(10_000 if config.a == 2 else 0)
        return int(config.a)

    words = [f"hydra.launcher.n_jobs={processes}"]
    results = sweep(Large(task, trace, size=8), GRID, *words)
    assert values(results) == [0, 1, error.__name__, 3, 4, 5, 6, 7]
    marks = {path.name for path in trace.glob("job-*")}
    assert marks == {f"job-{n}" for n in range(8) if n != 2}


class UnsendableError(Exception):
    """Its argument cannot be pickled."""


class UnmakableError(Exception):
    """It can be pickled, but not made again from what was pickled."""

    def __init__(self, one: str, two: str) -> None:
        super().__init__(one)


def _raises_what_cannot_be_sent(config: DictConfig) -> Any:
    if config.a == 1:
        raise UnsendableError("a lock:", threading.Lock())
    if config.a == 2:
        raise UnmakableError("one", "two")
    if config.a == 3:
        return threading.Lock()
    return int(config.a)


@pytest.mark.slow
def test_what_cannot_be_sent_back_fails_its_job_alone(sweep: Sweep, trace: Path) -> None:
    task = StackingTask(_raises_what_cannot_be_sent, trace, size=4)
    results = sweep(task, GRID, "hydra.launcher.n_jobs=2")
    failed = ["FairkdError"] * 3
    assert values(results) == [0, *failed, 4, 5, 6, 7]
    sentences = [str(results[n]._return_value) for n in (1, 2, 3)]
    assert sentences[0].startswith("The job failed with UnsendableError: ('a lock:'")
    assert sentences[1] == "The job failed with UnmakableError: one"
    assert "What the job returned, a lock, cannot be sent" in sentences[2]


def test_in_this_process_everything_comes_back_as_it_is(sweep: Sweep, trace: Path) -> None:
    task = StackingTask(_raises_what_cannot_be_sent, trace)
    results = sweep(task, GRID[:4], "hydra.launcher.n_jobs=1")
    assert values(results)[:3] == [0, "UnsendableError", "UnmakableError"]
    assert results[3].status == JobStatus.COMPLETED


@PROCESSES
def test_a_folder_that_cannot_be_made_fails_its_job_alone(
    sweep: Sweep, trace: Path, tmp_path: Path, processes: int
) -> None:
    (tmp_path / "sweep").mkdir()
    (tmp_path / "sweep" / "2").write_text("a file is in the way")
    task = StackingTask(lambda config: int(config.a), trace)
    results = sweep(task, GRID[:4], f"hydra.launcher.n_jobs={processes}")
    assert values(results) == [0, 1, "FileExistsError", 3]
    assert results[2].overrides == ["+a=2"]


@pytest.mark.slow
def test_a_task_that_cannot_be_sent_is_an_error_of_the_sweep(sweep: Sweep, trace: Path) -> None:
    lock = threading.Lock()
    task = StackingTask(lambda config: lock.locked(), trace)
    with pytest.raises(Exception, match="pickle") as raised:
        sweep(task, GRID, "hydra.launcher.n_jobs=2")
    assert not isinstance(raised.value, FairkdError)


APPLICATION = """
    import time
    import hydra

    @hydra.main(version_base="1.3", config_path=None)
    def app(config):
        print("working", flush=True)
        time.sleep(600)

    app()
"""


@PROCESSES
@pytest.mark.slow
def test_ctrl_c_ends_every_process(tmp_path: Path, processes: int) -> None:
    script = tmp_path / "app.py"
    script.write_text(textwrap.dedent(APPLICATION))
    words = ["-m", "hydra/launcher=stacked", f"hydra.launcher.n_jobs={processes}", "+a=0,1,2"]
    said = tmp_path / "stderr.txt"
    with said.open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, str(script), *words],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": PLUGINS},
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,
            # Tests that run in a shell's background inherit that Ctrl-C is ignored.
            preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
        )
    assert process.stdout is not None
    at_work = 0
    while at_work < processes:
        line = process.stdout.readline()
        assert line, f"it ended by itself: {said.read_text()}"
        at_work += line == "working\n"
    family = psutil.Process(process.pid).children(recursive=True)
    assert len(family) >= (processes if processes > 1 else 0)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    try:
        process.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        pytest.fail(f"Ctrl-C did not end it: {said.read_text()}")
    assert process.returncode != 0
    deadline = time.monotonic() + 20
    while any(p.is_running() and p.status() != psutil.STATUS_ZOMBIE for p in family):
        assert time.monotonic() < deadline, "a process is left behind"
        time.sleep(0.1)
