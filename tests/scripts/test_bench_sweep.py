"""The sweep benchmark counts, divides and adds up what it says, and runs through on a tiny grid."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import bench_sweep_lean as lean
import pytest
import torch
import torch.nn.functional as F
from bench_sweep import difference, evenly, parser
from bench_sweep_commands import Grid, Span, Sweep, Watch, training_spans, union
from bench_sweep_lean import LeanLoss, floor_of, lean_loop
from bench_sweep_tables import show_end_to_end
from bench_sweep_training import Learned, as_stacks, divided, jobs_of, students
from rich.console import Console
from torch import Tensor, nn

from fairkd.models.features import ModelOutputs, run
from fairkd.store import Content, Store
from fairkd.training.stack.member import Member

SCRIPT = Path(__file__).parents[2] / "scripts" / "bench_sweep.py"
WORDS = ("experiment=debug", "trainer.max_epochs=3", "teacher.trainer.max_epochs=1")


@pytest.fixture(scope="module")
def members(tmp_path_factory: pytest.TempPathFactory) -> list[Member]:
    """Two temperatures, two weights (0 and 0.1) and two seeds."""
    return students(jobs_of(WORDS, Grid(2, 2, 2)), tmp_path_factory.mktemp("store"))


@pytest.mark.parametrize(
    ("jobs", "grid"),
    [(8, (2, 1, 4)), (24, (3, 2, 4)), (96, (6, 4, 4)), (384, (12, 8, 4)), (7, (7, 1, 1))],
)
def test_the_grid_of_a_number_of_jobs(jobs: int, grid: tuple[int, int, int]):
    assert Grid.of(jobs) == Grid(*grid)


def test_every_number_of_jobs_has_a_grid_of_distinct_values():
    for jobs in range(1, 200):
        grid = Grid.of(jobs)
        values = grid.values().values()
        sizes = [len(set(distinct)) for distinct in values]
        assert sizes == [grid.temperatures, grid.weights, grid.seeds]
        assert torch.tensor(sizes).prod() == jobs == grid.jobs


def test_a_grid_as_words():
    assert Grid(2, 3, 1).words() == [
        "distillation.temperature=1,2",
        "constraint.weight=0,0.1,0.2",
        "seed=0",
    ]


@pytest.mark.parametrize(
    ("spans", "seconds"),
    [
        ([], 0.0),
        ([(0, 2), (1, 3), (5, 6)], 4.0),
        ([(5, 6), (0, 10), (2, 3)], 10.0),
        ([(0, 1), (1, 2)], 2.0),
    ],
)
def test_time_in_which_anything_trained(spans: Sequence[tuple[float, float]], seconds: float):
    assert union(Span(began, ended, 1) for began, ended in spans) == seconds


def test_time_outside_training_lies_between_both_ways_to_count_it():
    # Two processes, 10 seconds: one trains from 0 to 7, the other from 2 to 7.
    sweep = Sweep(4, 10.0, 2, training=12.0, any_training=7.0, peak=0, stacks=(), students={})
    assert sweep.outside_at_least == pytest.approx(3 / 4)
    assert sweep.outside_at_most == pytest.approx((10 - 6) / 4)
    assert sweep.to_json()["outside_training_a_job"] == pytest.approx([0.75, 1.0])


def test_students_that_a_stack_did_not_take_are_told():
    students_ = {"a": "1", "b": "2", "c": "3"}
    exact = Sweep(3, 10.0, 1, training=5.0, any_training=5.0, peak=0, stacks=(), students=students_)
    fast = replace(exact, stacks=(2,))
    whole = replace(exact, stacks=(3,), students={**students_, "c": "4"})
    basic = replace(exact, seconds=40.0)
    console = Console(width=200, record=True, file=io.StringIO())
    runs = {"exact": exact, "fast": fast, "one-process": whole, "basic": basic}
    show_end_to_end(runs, console)
    told = console.export_text()
    assert "exact: 3 of 3 students without a stack." in told
    assert "fast: 1 of 3 students without a stack." in told
    assert told.count("without a stack") == 2  # not of the whole stack, nor of other launchers
    assert "exact and one-process: 2 of 3 students equal bit for bit." in told
    assert "4.0 x" in told


def test_spans_of_a_stack_and_of_a_lone_model(tmp_path: Path):
    store = Store(tmp_path)
    written = {"a": (2.5, 3, 1000.0), "b": (2.5, 3, 1001.0), "c": (2.5, 3, 1002.0)}
    written["d"] = (4.0, 1, 2000.0)
    for key, (seconds, together, when) in written.items():
        about = {"seconds": seconds, "together": together}
        store.renew("student", key, Content(tensors={"w": torch.zeros(1)}, about=about))
        entry = store.get("student", key)
        assert entry is not None
        os.utime(entry.file("tensors.safetensors"), (when, when))
    spans = sorted(training_spans(store, "student"), key=lambda span: span.began)
    assert spans == [Span(992.5, 1000.0, 3), Span(1996.0, 2000.0, 1)]


def test_memory_counts_descendants():
    hungry = "import time; kept = bytearray(b'x' * (90 << 20)); time.sleep(2)"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {hungry!r}])"
    process = subprocess.Popen([sys.executable, "-c", parent])
    with Watch(process.pid) as watch:
        process.wait()
    assert 90 << 20 < watch.peak < 190 << 20
    assert watch.workers == 0


def test_the_lean_loss_is_the_students_objective(members: list[Member]):
    for member in members:
        loss = LeanLoss.of(member)
        assert member.teacher is not None
        batch = member.dataset.splits["train"].rows(slice(0, 600))  # every group is there
        teacher = member.teacher["train"].rows(batch.index)
        logits = run(member.model, batch.x).logits.detach().requires_grad_()
        whole = member.objective(ModelOutputs(logits, {}), teacher, batch, torch.tensor(0.0))
        (expected,) = torch.autograd.grad(whole.total, logits)
        softened = F.log_softmax(teacher.logits / loss.temperature, -1)
        ours = loss(logits, batch.y, batch.group[:, loss.columns], softened)
        (gradient,) = torch.autograd.grad(ours, logits)
        torch.testing.assert_close(ours, whole.total)
        torch.testing.assert_close(gradient, expected, rtol=1e-4, atol=1e-8)


def test_the_lean_loss_refuses_other_objectives(members: list[Member]):
    (other,) = jobs_of((*WORDS, "constraint=equal_opportunity"), Grid(1, 1, 1))
    objective = other.distillation.objective({})
    member = Member(**{**vars(members[0]), "objective": objective})
    with pytest.raises(SystemExit, match="soft targets with one penalty"):
        LeanLoss.of(member)


def test_the_lean_loop_and_stacks_train_the_same_students(members: list[Member]):
    before = [{k: v.clone() for k, v in m.model.state_dict().items()} for m in members]
    curves = [lean_loop(member) for member in members]
    for member, state in zip(members, before, strict=True):  # it trained copies
        assert all(torch.equal(v, state[k]) for k, v in member.model.state_dict().items())
    rows = members[0].dataset.splits["validation"].size
    stacked = as_stacks(members, exact=True)
    assert {one.together for one in stacked} == {len(members)}
    for ours, theirs in zip(curves, stacked, strict=True):
        assert ours == pytest.approx(theirs.accuracies, abs=2 / rows)
    for member, state in zip(members, before, strict=True):
        member.model.load_state_dict(state)


def test_the_floor_counts_the_products_that_a_step_needs(
    members: list[Member], monkeypatch: pytest.MonkeyPatch
):
    def multiplications(left: Tensor, right: Tensor) -> float:
        return float((left @ right).numel() * left.shape[2])

    monkeypatch.setattr(lean, "_fastest", multiplications)
    model = nn.Sequential(nn.Linear(10, 6), nn.ReLU(), nn.Linear(6, 4), nn.ReLU(), nn.Linear(4, 2))
    member = Member(**{**vars(members[0]), "model": model})
    floor = floor_of(member, students=5)
    rows = member.settings.batch_size
    assert floor.three == 3 * rows * (60 + 24 + 8)
    assert floor.needed == rows * (2 * 60 + 3 * 24 + 3 * 8)


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_students_are_divided_between_processes(members: list[Member], processes: int):
    shares = list(divided(members, processes))
    assert sorted(place for share in shares for place in share) == list(range(len(members)))
    assert len(shares) == processes
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_students_of_the_lean_loop_are_spread_over_all():
    assert evenly(range(96), 4) == [0, 24, 48, 72]
    assert evenly(range(3), 12) == [0, 1, 2]


def test_the_difference_of_chosen_curves():
    lean_ones = {0: Learned([0.5, 0.6]), 1: Learned([0.7, 0.8])}
    all_ones = {5: Learned([0.5, 0.7]), 2: Learned([0.0, 0.0]), 9: Learned([0.5, 0.8])}
    assert difference(lean_ones, all_ones, [5, 9]) == pytest.approx(0.3 / 4)


@pytest.mark.parametrize("words", [["--only", "all"], ["--skip", "ray"], ["--jobs", "0"]])
def test_wrong_options_are_refused(words: list[str], capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        parser().parse_args(words)
    assert "accepted: " in capsys.readouterr().err


@pytest.mark.slow
def test_a_tiny_run_of_everything(tmp_path: Path):
    options = "--experiment debug --jobs 2 --epochs 1 --sizes 1,2 --lean 1 --skip one-process"
    done = subprocess.run(
        [sys.executable, str(SCRIPT), *options.split(), "--json", "figures.json"],
        cwd=tmp_path,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=1800,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert figures["machine"]["cores"] >= 1
    runs = figures["end-to-end"]
    assert {"exact", "fast", "basic"} <= set(runs) <= {"exact", "fast", "basic", "joblib"}
    assert "exact and basic: 2 of 2 students equal bit for bit" in done.stdout
    for run_ in (*runs.values(), *figures["scaling"]["sizes"].values()):
        one = run_["median"]
        least, most = one["outside_training_a_job"]
        assert 0 < least <= most <= one["seconds_a_job"]
        assert 0 < one["any_training"] < one["seconds"]
        assert one["peak"] > 100 << 20
    assert runs["exact"]["median"]["stacks"] == [2]
    assert runs["basic"]["median"]["stacks"] == []
    assert figures["scaling"]["sizes"]["2"]["seconds"] == runs["exact"]["seconds"]
    ways = figures["training"]["ways"]
    assert ways["exact, processes: 1"]["students"] == 2
    assert ways["exact, processes: 1"]["alone"] == 0
    assert all(way["seconds_a_student_step"] > 0 for way in ways.values())
    assert figures["training"]["apart"] < 0.01
    assert {path.name for path in tmp_path.iterdir()} == {"figures.json"}
