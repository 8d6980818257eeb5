"""Counting progress in several processes, and showing it in one."""

import io
import os
from pathlib import Path

import pytest
from rich.console import Console

from fairkd.sweeps import progress
from fairkd.sweeps.progress import Board, Count, FileTicker, read_counts


class Clock:
    """Time that passes when told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(progress, "time", clock)
    return clock


@pytest.fixture
def written() -> io.StringIO:
    return io.StringIO()


def elsewhere(written: io.StringIO) -> Console:
    """A console that is no terminal."""
    return Console(file=written, width=80, force_terminal=False)


def test_a_file_holds_the_sum_of_all_ticks(tmp_path: Path) -> None:
    ticker = FileTicker(tmp_path / "one")
    ticker.tick(epochs=3)
    ticker.tick(jobs=1)
    ticker.tick(epochs=2, jobs=1, failed=1)
    assert read_counts([tmp_path / "one"]) == Count(epochs=5, jobs=2, failed=1)


def test_counts_of_several_processes_add_up(tmp_path: Path) -> None:
    for number in range(3):
        FileTicker(tmp_path / str(number)).tick(epochs=10, jobs=number)
    assert read_counts(tmp_path.iterdir()) == Count(epochs=30, jobs=3)
    assert read_counts([]) == Count()


@pytest.mark.parametrize("text", ["", '{"epochs": 5, "jo', "[]", "5", "\x00\x00"])
def test_a_half_written_file_counts_nothing(tmp_path: Path, text: str) -> None:
    FileTicker(tmp_path / "whole").tick(epochs=1, jobs=1)
    (tmp_path / "half").write_text(text)
    paths = [tmp_path / "half", tmp_path / "missing", tmp_path / "whole"]
    assert read_counts(paths) == Count(epochs=1, jobs=1)


def test_a_file_that_cannot_be_written_costs_no_job(tmp_path: Path) -> None:
    ticker = FileTicker(tmp_path / "nowhere" / "file")
    ticker.tick(jobs=1)
    os.mkdir(tmp_path / "nowhere")  # noqa: PTH102
    ticker.tick(jobs=1)
    assert read_counts([tmp_path / "nowhere" / "file"]).jobs == 2


def test_away_from_a_terminal_a_line_now_and_then(clock: Clock, written: io.StringIO) -> None:
    with Board(elsewhere(written), jobs=4, epochs=36) as board:  # 40 in all
        board.tick(epochs=9)
        clock.now += 9.9
        board.tick(jobs=1)
        assert written.getvalue() == ""
        clock.now += 0.1
        board.elsewhere(Count())
        assert written.getvalue() == "1 of 4 jobs done, 0 failed, 3 remaining, about 30 s left\n"
        clock.now += 9.0
        board.elsewhere(Count(epochs=9, jobs=1, failed=1))
        assert written.getvalue().count("\n") == 1
        clock.now += 1.0
        board.elsewhere(Count(epochs=9, jobs=1, failed=1))
    last = written.getvalue().splitlines()[-1]
    assert last == "2 of 4 jobs done, 1 failed, 2 remaining, about 20 s left"


def test_counts_from_elsewhere_replace_each_other(clock: Clock, written: io.StringIO) -> None:
    with Board(elsewhere(written), jobs=10, epochs=0) as board:
        board.tick(jobs=1)
        board.elsewhere(Count(jobs=3))
        board.elsewhere(Count(jobs=5, failed=2))
        clock.now += 60
        board.tick(jobs=1)
    assert written.getvalue() == ("7 of 10 jobs done, 2 failed, 3 remaining, about 26 s left\n")


@pytest.mark.parametrize(
    ("seconds", "done", "left"),
    [(80, 5, "80 s"), (89, 5, "89 s"), (90, 5, "2 min"), (594, 1, "89 min"), (1200, 1, "3.0 h")],
)
def test_time_left_in_a_unit_that_is_read_at_once(
    clock: Clock, written: io.StringIO, seconds: int, done: int, left: str
) -> None:
    with Board(elsewhere(written), jobs=10, epochs=0) as board:
        clock.now += seconds
        board.tick(jobs=done)
    assert written.getvalue().endswith(f"about {left} left\n")


def test_nothing_is_foretold_before_anything_is_done(clock: Clock, written: io.StringIO) -> None:
    with Board(elsewhere(written), jobs=3, epochs=5) as board:
        clock.now += 20
        board.elsewhere(Count())
    assert written.getvalue() == "0 of 3 jobs done, 0 failed, 3 remaining\n"


def test_more_epochs_than_foreseen_are_no_negative_time(clock: Clock, written: io.StringIO) -> None:
    with Board(elsewhere(written), jobs=2, epochs=3) as board:
        clock.now += 10
        board.tick(epochs=400)
    assert written.getvalue() == "0 of 2 jobs done, 0 failed, 2 remaining, about 0 s left\n"


def test_the_end_is_told_by_the_summary_alone(clock: Clock, written: io.StringIO) -> None:
    with Board(elsewhere(written), jobs=1, epochs=0) as board:
        clock.now += 100
        board.tick(jobs=1)
    assert written.getvalue() == ""


def test_a_sentence_is_a_line_of_its_own_as_it_is(written: io.StringIO) -> None:
    sentence = "Job #3 failed (data.groups=[colour,sex] student=mlp): [red] " + "very " * 30
    with Board(elsewhere(written), jobs=1, epochs=0) as board:
        board.say(sentence)
    assert written.getvalue() == f"{sentence}\n"


def test_on_a_terminal_there_is_a_bar(clock: Clock, written: io.StringIO) -> None:
    console = Console(file=written, width=100, force_terminal=True, color_system=None)
    with Board(console, jobs=4, epochs=0) as board:
        clock.now += 30
        board.tick(jobs=1)
        board.elsewhere(Count(jobs=2, failed=1))
        board.say("Job #2 failed.")
    shown = written.getvalue()
    assert "Job #2 failed." in shown
    last = shown.split("\r")[-1].split("\x1b[?25h")[0]
    assert "3 of 4 jobs done, 1 failed, 1 remaining" in last
    assert "about 10 s left" in last
    assert shown.index("\x1b[?25l") < shown.rindex("\x1b[?25h")  # the cursor is given back


def test_the_terminal_is_given_back_after_an_error(written: io.StringIO) -> None:
    console = Console(file=written, width=100, force_terminal=True)
    with pytest.raises(KeyboardInterrupt), Board(console, jobs=4, epochs=0):
        raise KeyboardInterrupt
    assert "\x1b[?25h" in written.getvalue()
