import io
import math
from dataclasses import replace

import pytest
from rich.console import Console

from fairkd.record import Headline
from fairkd.reporting.sweep import show_sweep
from fairkd.sweeps.outcome import Failure, Outcome
from fairkd.sweeps.summary import summarise

GAP = Headline("demographic_parity_difference", "sex")
CSV = "multirun/2030-01-01/12-00-00-000000/a_folder_with_a_long_name/sweep.csv"


def outcome(number, accuracy, disparity, varied, seed=0, headline=GAP):
    metrics = {
        "test/accuracy": accuracy,
        "test/disparity": disparity,
        "test/disparity_low": disparity - 0.01,
        "test/disparity_high": disparity + 0.02,
        "validation/accuracy": accuracy,
        "validation/disparity": disparity,
        "test/control/accuracy": 0.861,
        f"test/control/{headline.name}": 0.172,
        "test/teacher/accuracy": 0.853,
        f"test/teacher/{headline.name}": 0.184,
    }
    return Outcome(
        number=number,
        name=f"adult·{number}",
        configuration=str(varied),
        varied=varied,
        seeds={"seed": seed, "teacher.seed": seed, "data.seed": seed},
        metrics=metrics,
        headline=headline,
        control_validation={"accuracy": 0.86, "disparity": 0.17},
        teacher_validation={"accuracy": 0.85, "disparity": 0.18},
        run_id=f"run{number}",
        reused=False,
    )


def sweep(configurations, repetitions):
    """Each configuration has a lower accuracy and a lower gap than the one before."""
    return [
        outcome(
            n * repetitions + s,
            0.85 - n / 1000 + s / 100,
            0.2 - n / 200 + s / 100,
            {"distillation.temperature": n + 1, "constraint.weight": n / 10},
            seed=s,
        )
        for n in range(configurations)
        for s in range(repetitions)
    ]


def printed(outcomes, failures=(), width=80):
    console = Console(file=io.StringIO(), width=width)
    show_sweep(summarise(outcomes), failures, console, CSV)
    return console.file.getvalue()


def rows(text, start):
    """The lines that start so, with single spaces."""
    return [" ".join(line.split()) for line in text.splitlines() if line.startswith(start)]


@pytest.mark.parametrize("repetitions", [1, 4])
@pytest.mark.parametrize("width", [80, 100, 140])
def test_every_line_fits(repetitions, width):
    many = {f"student.section{n}.knob_with_a_name": 0.123 for n in range(6)}
    jobs = [replace(job, varied={**job.varied, **many}) for job in sweep(3, repetitions)]
    for outcomes in (sweep(8, repetitions), jobs):
        lines = printed(outcomes, width=width).splitlines()
        assert all(len(line) <= width for line in lines)
        assert sum("0.861 0.172" in line and "0.853 0.184" in line for line in lines) >= 3


def test_a_row_shows_the_trio_and_the_front():
    jobs = [
        outcome(2 * n + s, a + s / 100, g + s / 100, {"distillation.temperature": t}, s)
        for n, (t, a, g) in enumerate([(4.0, 0.84, 0.02), (1.0, 0.83, 0.15)])
        for s in range(2)
    ]
    text = printed(jobs)
    # Two repetitions 0.01 apart: t of one degree of freedom, 12.706, times half of that.
    assert rows(text, "*  4") == ["* 4 0.845 ±0.064 0.025 ±0.064 0.861 0.172 0.853 0.184"]
    assert rows(text, "   1") == ["1 0.835 ±0.064 0.155 ±0.064 0.861 0.172 0.853 0.184"]
    assert "95% Student t" in text


def test_a_single_repetition_shows_its_own_interval_and_says_so():
    text = printed(sweep(2, 1))
    assert rows(text, "*  1") == ["* 1 0 0.850 0.200 0.190\u20130.220 0.861 0.172 0.853 0.184"]
    assert "bootstrap interval over test rows" in text
    assert "Student t" not in text


def test_more_rows_than_fit_are_counted_and_the_path_is_whole():
    text = printed(sweep(23, 1))
    assert len([line for line in text.splitlines() if "0.861 0.172" in line]) == 20
    assert f"... 3 more in {CSV}" in text.splitlines()
    assert " more in " not in printed(sweep(20, 1))


def test_unequal_repetitions_have_a_column_and_a_line_each():
    text = printed([*sweep(2, 3), outcome(9, 0.7, 0.0, {"distillation.temperature": 9})])
    (header,) = [line for line in text.splitlines() if "accuracy" in line and " n " in line]
    assert header.split()[:3] == ["T", "w", "n"]
    assert "2 of 3: data split, teacher and student vary together" in text
    assert "1 of 3: conditional on one data split" in text


def test_undefined_repetitions_are_marked():
    jobs = sweep(2, 3)
    jobs[0] = replace(jobs[0], metrics={**jobs[0].metrics, "test/disparity": math.nan})
    text = printed(jobs)
    assert "0.215 (2/3) ±" in text
    assert "defined in a of b repetitions" in text
    nowhere = printed([outcome(0, 0.8, math.nan, {})])
    assert "undefined" in nowhere
    assert "*  0.800" not in nowhere


def test_each_comparison_has_a_table():
    odds = Headline("equalized_odds_difference", "race")
    jobs = [outcome(0, 0.8, 0.1, {"a": 0}), outcome(1, 0.8, 0.1, {"a": 1}, headline=odds)]
    text = " ".join(printed(jobs, width=140).split())
    assert "gap: demographic_parity_difference by sex" in text
    assert "gap: equalized_odds_difference by race" in text
    assert text.count("Students on test") == 2


def test_jobs_that_did_not_finish_are_told_once_a_sentence():
    refused = [Failure(n, (f"a={n}",), "a is out of range.", "refused") for n in range(8)]
    failed = Failure(20, ("b=[1,2]",), "The job failed: [/red] [bold]no[/bold].", "failed")
    text = printed(sweep(1, 1), [failed, *refused[::-1]])
    assert text.count("a is out of range.") == 1
    assert "8 refused: a is out of range." in text
    assert [line.split()[0] for line in rows(text, "  #")] == ["#0", "#1", "#2", "#3", "#4", "#20"]
    assert "... and #5, #6, #7" in text
    assert "1 failed: The job failed: [/red] [bold]no[/bold]." in text
    assert "#20 b=[1,2]" in text


def test_names_are_not_markup():
    jobs = [outcome(n, 0.8, 0.1, {"student.[bold]": f"[red]{n}[/]"}) for n in range(2)]
    text = printed(jobs)
    assert "[bold]" in text
    assert "[red]1[/]" in text


def test_a_sweep_without_a_finished_job():
    text = printed([], [Failure(0, (), "No.", "failed")])
    assert text.splitlines() == [
        "No job finished: there is nothing to compare.",
        "1 failed: No.",
        "  #0",
    ]
