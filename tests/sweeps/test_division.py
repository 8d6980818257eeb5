"""Jobs of a sweep, divided into pieces of work."""

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.utils import setup_globals
from hydra.types import RunMode

from fairkd.commands.configuration import PRIMARY, config_folder
from fairkd.commands.task import Task, workshop
from fairkd.job import Job
from fairkd.sweeps.compose import Composer
from fairkd.sweeps.division import divide
from fairkd.sweeps.pieces import Cut, Division

SMALL = ("experiment=debug", "tracking=none")
GRID = [
    (f"distillation.temperature={t}", f"constraint.weight={w}")
    for t in (1, 2, 4, 8)
    for w in (0, 0.3)
]
Jobs = Callable[..., list[Job]]


@pytest.fixture(scope="module")
def jobs() -> Iterator[Jobs]:
    """Build the jobs of a grid as a sweep does."""
    setup_globals()
    GlobalHydra.instance().clear()
    workshop.cache_clear()
    task = Task()
    with initialize_config_dir(str(config_folder()), version_base="1.3"):
        loader = GlobalHydra.instance().config_loader()
        master = loader.load_configuration(PRIMARY, list(SMALL), run_mode=RunMode.MULTIRUN)
        composer = Composer(loader, master)
        built: dict[tuple[str, ...], Job] = {}

        def build(grid: list[tuple[str, ...]]) -> list[Job]:
            for words in grid:
                if words not in built:
                    config = composer.job([*SMALL, *words], len(built))
                    built[words] = task._job(config)
            return [built[words] for words in grid]

        yield build
    workshop.cache_clear()


def store(*kept: tuple[str, str]) -> Callable[[Job], Any]:
    """A store that has these kinds and keys, as each job sees it."""
    return lambda job: SimpleNamespace(has=lambda kind, key: (kind, key) in kept)


def whole(division: Division, count: int) -> None:
    """Every job is in exactly one piece."""
    places = [place for piece in division.then for place in piece.jobs]
    assert sorted(places) == list(range(count))
    assert all(
        piece.kind == "job" and list(piece.jobs) == sorted(piece.jobs) for piece in division.then
    )
    assert {piece.kind for piece in division.first} <= {"teacher", "control"}


def test_alike_students_are_one_stack_after_one_teacher_and_one_control(jobs: Jobs) -> None:
    division = divide(jobs(GRID), store(), Cut())
    whole(division, 8)
    assert [piece.jobs for piece in division.then] == [tuple(range(8))]
    assert [(piece.kind, len(piece.jobs)) for piece in division.first] == [
        ("teacher", 1),
        ("control", 1),
    ]
    assert division.trained == {"teacher": 1, "control": 1, "student": 8}
    assert division.stacks == (8,)
    assert (division.alone, division.reused) == ({}, ())
    assert division.sentence() == (
        "8 jobs: 8 students in 1 stack (1 of 8); before them 1 teacher and 1 control."
    )


@pytest.mark.parametrize(
    ("cut", "sizes"),
    [
        (Cut(max_stack=3), [2, 3, 3]),
        (Cut(max_stack=1), []),
        (Cut(processes=2), [4, 4]),
        (Cut(processes=3), [2, 3, 3]),
        (Cut(processes=16), [2, 2, 2, 2]),
        (Cut(processes=2, max_stack=2), [2, 2, 2, 2]),
        (Cut(memory=1), []),
    ],
    ids=str,
)
def test_a_stack_is_no_larger_than_it_may_be(jobs: Jobs, cut: Cut, sizes: list[int]) -> None:
    division = divide(jobs(GRID), store(), cut)
    whole(division, 8)
    assert sorted(division.stacks) == sizes
    assert len(division.alone) == 8 - sum(sizes)
    assert len(division.then) == len(division.stacks) + len(division.alone)


def test_what_is_written_differently_but_is_the_same_shares_a_stack(jobs: Jobs) -> None:
    grid = [("distillation.temperature=2",), ("distillation.temperature=3.0",), ("seed=3",)]
    assert divide(jobs(grid), store(), Cut()).stacks == (3,)


def test_other_shapes_are_other_stacks_and_one_of_a_kind_is_alone(jobs: Jobs) -> None:
    grid = [*GRID[:3], ("student=linear",), ("student=linear", "seed=1"), ("student=mlp",)]
    division = divide(jobs(grid), store(), Cut())
    whole(division, 6)
    assert sorted(division.stacks) == [2, 3]
    assert division.alone == {5: "no other job is like it"}
    assert "5 students in 2 stacks (1 of 2, 1 of 3), 1 alone (no other job is like it)" in (
        division.sentence()
    )
    assert [len(piece.jobs) for piece in division.then] == [3, 2, 1]


def test_seeds_bring_teachers_of_their_own_that_train_as_a_stack(jobs: Jobs) -> None:
    grid = [(f"replicate={n}", *words) for n in range(3) for words in GRID[:2]]
    division = divide(jobs(grid), store(), Cut())
    whole(division, 6)
    assert division.trained == {"teacher": 3, "control": 3, "student": 6}
    kinds = [(piece.kind, len(piece.jobs)) for piece in division.first]
    assert kinds == [("teacher", 3), ("control", 3)]


def test_jobs_that_share_a_student_go_with_the_one_that_trains_it(jobs: Jobs) -> None:
    grid = [*GRID[:2], *((*words, "evaluation.draws=20") for words in GRID[:2])]
    built = jobs(grid)
    assert built[0].keys.student == built[2].keys.student
    assert built[0].keys.job != built[2].keys.job
    for cut in (Cut(), Cut(max_stack=1)):
        division = divide(built, store(), cut)
        whole(division, 4)
        assert division.trained["student"] == 2
        together = {frozenset(piece.jobs) for piece in division.then}
        expected = {frozenset({0, 2}), frozenset({1, 3})}
        assert together == ({frozenset(range(4))} if cut == Cut() else expected)
        assert division.reused == ()


def test_what_the_store_has_is_not_trained(jobs: Jobs) -> None:
    built = jobs(GRID)
    teacher, control = built[0].keys.teacher, built[0].keys.control
    kept = [("teacher", teacher), ("control", control), ("student", built[3].keys.student)]
    kept += [("job", built[place].keys.job) for place in (0, 6)]
    division = divide(built, store(*kept), Cut())
    whole(division, 8)
    assert division.first == ()
    assert division.trained == {"teacher": 0, "control": 0, "student": 5}
    assert division.reused == (0, 3, 6)
    assert {piece.jobs for piece in division.then} == {(1, 2, 4, 5, 7), (0, 3, 6)}
    assert division.sentence() == ("8 jobs: 5 students in 1 stack (1 of 5), 3 from the store.")


def test_finished_jobs_need_no_teacher_though_the_store_lost_it(jobs: Jobs) -> None:
    built = jobs(GRID)
    kept = [("job", job.keys.job) for job in built]
    division = divide(built, store(*kept), Cut(processes=3))
    whole(division, 8)
    assert division.first == ()
    assert [len(piece.jobs) for piece in division.then] == [3, 3, 2]
    assert division.sentence() == "8 jobs: 8 from the store."
