"""Pieces of work in several processes."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cloudpickle
import psutil
import pytest

from fairkd.sweeps import pool as module
from fairkd.sweeps.pool import DiedError, Done, Pool, pool, processes


def nothing() -> None:
    """What a new process does first, and a look at progress."""


def run(made: Pool, pieces: list, work: Callable) -> list[Done]:
    # Work defined here cannot be imported in another process, so it is sent by value.
    def sent(piece):
        return work(piece)

    return list(made.run(pieces, sent, nothing))


@pytest.fixture(scope="module", autouse=True)
def _by_value() -> Iterator[None]:
    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    yield
    cloudpickle.unregister_pickle_by_value(sys.modules[__name__])


def test_every_piece_is_done_once_and_no_more_at_a_time_than_there_are_processes() -> None:
    def work(piece: int) -> tuple[int, int, float, float]:
        began = time.monotonic()
        time.sleep(0.05)
        return piece * piece, os.getpid(), began, time.monotonic()

    with pool(2, nothing) as made:
        done = run(made, list(range(8)), work)
    assert sorted((d.piece, d.result[0]) for d in done) == [(n, n * n) for n in range(8)]
    assert all(d.error is None for d in done)
    assert len({d.result[1] for d in done}) == 2
    assert os.getpid() not in {d.result[1] for d in done}
    for d in done:
        overlapping = [o for o in done if o.result[2] < d.result[2] < o.result[3]]
        assert len(overlapping) < 2


def test_processes_have_one_thread_and_were_set_up(tmp_path: Path) -> None:
    def setup() -> None:
        (tmp_path / str(os.getpid())).touch()

    def work(piece: int) -> tuple[int, str | None]:
        return os.getpid(), os.environ.get("OMP_NUM_THREADS")

    with pool(2, setup) as made:
        made.warm()
        seen = {d.result for d in run(made, list(range(6)), work)}
    assert {threads for _, threads in seen} == {"1"}
    assert {str(pid) for pid, _ in seen} <= {path.name for path in tmp_path.iterdir()}


def test_an_exception_is_its_pieces_alone() -> None:
    def work(piece: int) -> int:
        if piece == 2:
            raise KeyError("two")
        return piece

    with pool(2, nothing) as made:
        done = {d.piece: d for d in run(made, [0, 1, 2, 3], work)}
    assert isinstance(done[2].error, KeyError)
    assert [done[n].result for n in (0, 1, 3)] == [0, 1, 3]


def test_a_death_is_its_pieces_alone_and_the_process_is_replaced() -> None:
    def work(piece: int) -> int:
        if piece in (1, 4):
            os.kill(os.getpid(), signal.SIGKILL)
        return os.getpid()

    with pool(2, nothing) as made:
        done = {d.piece: d for d in run(made, list(range(8)), work)}
    assert {n for n, d in done.items() if isinstance(d.error, DiedError)} == {1, 4}
    assert all(done[n].result for n in (0, 2, 3, 5, 6, 7))


def test_what_was_begun_goes_first_and_others_need_not_wait(tmp_path: Path) -> None:
    def early(piece: Path) -> None:
        time.sleep(1.5)
        piece.touch()

    def work(piece: int) -> tuple[int, bool]:
        return os.getpid(), (tmp_path / "early").exists()

    with pool(2, nothing) as made:
        made.warm()
        made.begin(tmp_path / "early", lambda piece: early(piece))
        at_once = [d.result for d in run(made, [0, 1, 2], work)]
        assert not any(late for _, late in at_once)
        assert len({pid for pid, _ in at_once}) == 1
        with_both = {
            d.result for d in run(made, [0, 1], lambda piece: time.sleep(2) or work(piece))
        }
    assert len(with_both) == 2
    assert all(late for _, late in with_both)


def test_a_death_of_what_was_begun_is_nobodys() -> None:
    with pool(1, nothing) as made:
        made.begin(0, lambda piece: os.kill(os.getpid(), signal.SIGKILL))
        (done,) = run(made, [3], lambda piece: piece)
    assert (done.result, done.error) == (3, None)


def test_what_cannot_be_sent_is_no_death() -> None:
    class Odd:
        def __reduce__(self):
            return (int, ("no number",))

    with pool(1, nothing) as made:
        (done,) = run(made, [Odd()], lambda piece: 1)
        assert done.error is not None
        assert not isinstance(done.error, DiedError)
        (after,) = run(made, [3], lambda piece: piece)
        assert after.result == 3


def test_while_waiting_one_can_look() -> None:
    looks = []

    def work(piece: int) -> None:
        time.sleep(0.8)

    with pool(1, nothing) as made:
        list(made.run([0], lambda piece: work(piece), lambda: looks.append(1)))
    assert len(looks) >= 3


def test_closing_ends_processes_in_the_middle_of_their_work() -> None:
    def work(piece: int) -> None:
        time.sleep(60)

    made = Pool(2, nothing)
    before = set(psutil.Process().children(recursive=True))

    class EnoughError(Exception):
        pass

    def look() -> None:
        raise EnoughError

    with pytest.raises(EnoughError):
        next(made.run([0, 1], lambda piece: work(piece), look))
    workers = set(psutil.Process().children(recursive=True)) - before
    workers = {p for p in workers if "resource_tracker" not in " ".join(p.cmdline())}
    assert len(workers) == 2
    began = time.monotonic()
    made.close()
    assert time.monotonic() - began < 20
    assert not any(worker.is_running() for worker in workers)


@pytest.mark.parametrize(
    ("wished", "jobs", "cores", "expected"),
    [
        (None, 1, 8, 1),
        (None, 15, 8, 1),
        (None, 32, 8, 2),
        (None, 1000, 8, 8),
        (None, 1000, 1, 1),
        (3, 1000, 1, 3),
        (3, 2, 8, 2),
        (3, 0, 8, 1),
        (None, 0, 8, 1),
    ],
)
def test_how_many_processes(
    wished: int | None, jobs: int, cores: int, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_cores", lambda: cores)
    assert processes(wished, jobs, per_process=16) == expected
