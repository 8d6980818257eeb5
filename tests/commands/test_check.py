"""``fairkd check``, from the command line."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from fairkd.commands.check import USAGE

TRUE, FALSE = "test/accuracy>=0", "test/accuracy>=1.1"


def test_it_holds_or_it_does_not(fairkd: Any, tracked: list[str]) -> None:
    ended = fairkd("check", f"run={tracked[0][:12]}", TRUE, "test/disparity<=1")
    assert (ended.code, ended.err) == (0, "")
    lines = ended.out.splitlines()
    assert lines[0] == f"run w0·s0 ({tracked[0]})"
    assert lines[1].split() == ["condition", "value", "interval", "slack", "holds"]
    assert lines[2].startswith("test/accuracy >= 0   ")
    assert lines[-1] == "All 2 conditions hold."
    ended = fairkd("check", f"run={tracked[0]}", TRUE, FALSE)
    assert (ended.code, ended.err) == (1, "")
    assert ended.out.splitlines()[-1] == "1 of 2 conditions does not hold."


def test_a_sweep_and_a_query(fairkd: Any, tracked: list[str]) -> None:
    ended = fairkd("check", "sweep=s", TRUE, "threshold=0.9", "format=json")
    plain = json.loads(ended.out)
    assert (ended.code, plain["holds"], plain["compared"]) == (0, True, "value")
    assert plain["conditions"][0]["interval"] == "repetitions"
    assert plain["conditions"][0]["run_ids"] in (tracked[:2], tracked[2:])
    ended = fairkd("check", "query=tags.`fairkd.data` = 'arrests'", FALSE, "format=markdown")
    assert ended.code == 1
    assert ended.out.startswith("### Check: a condition does not hold\n")
    assert ended.out.count("| **no** |") == 4
    ended = fairkd("check", "query=", "query=x", TRUE)
    assert ended.code == 2


def test_bounds(fairkd: Any, tracked: list[str]) -> None:
    words = ("check", f"run={tracked[0]}", "format=json")
    one = json.loads(fairkd(*words, "test/accuracy>=0").out)["conditions"][0]
    between = f"test/accuracy>={(one['low'] + one['value']) / 2!r}"
    assert fairkd(*words, between).code == 0
    ended = fairkd(*words, between, "bounds=true")
    assert (ended.code, json.loads(ended.out)["conditions"][0]["compared"]) == (1, one["low"])
    assert fairkd(*words, "test/auc==1", "bounds=true").code == 2


def test_undefined_is_no(fairkd: Any, tracked: list[str]) -> None:
    from fairkd.tracking.mlflow_tracking import MlflowTracking

    with MlflowTracking(experiment="fairkd").resume(tracked[0]) as run:
        run.log_metrics({"test/undefined": math.nan})
    ended = fairkd("check", f"run={tracked[0]}", "test/undefined<=1")
    assert ended.code == 1
    assert ended.out.splitlines()[2].split() == (
        ["test/undefined", "<=", "1", "undefined", "-", "-", "no"]
    )


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([TRUE], "No runs are named; give one of run=, sweep=, query=."),
        (["run=a", "sweep=s", TRUE], "run= and sweep= are both given"),
        (["run=a"], "No condition is given; write one like"),
        (["run=a", "test/accuracy=0.8"], "'test/accuracy=0.8' is not a condition"),
        (["run=a", "test/accuracy>=much"], "'much' in 'test/accuracy>=much' is not a finite"),
        (["rum=a", TRUE], "Unknown key 'rum'; did you mean 'run'?"),
        (["run=a", "accuracy"], "'accuracy' is not a key=value"),
        (["run=a", "bounds=yes", TRUE], "bounds=yes is not known; accepted: false, true."),
        (["run=a", "format=latex", TRUE], "format=latex is not known; accepted: text, json, mark"),
        (["run=a", "threshold=0.1", TRUE], "threshold=0.1 chooses among several jobs; give sweep="),
        (["query=a", "threshold=0.1", TRUE], "threshold=0.1 chooses among several jobs; give swee"),
        (["sweep=s", "threshold=nan", TRUE], "threshold=nan is not a number of at least 0"),
        (["sweep=s", "threshold=-1", TRUE], "threshold=-1 is not a number of at least 0"),
    ],
)
def test_wrong_usage(fairkd: Any, workplace: Path, words: list[str], sentence: str) -> None:
    ended = fairkd("check", *words)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith(sentence)
    assert len(ended.err.splitlines()) == 1
    assert list(workplace.iterdir()) == []


def test_what_cannot_be_checked(fairkd: Any, tracked: list[str]) -> None:
    from fairkd.tracking.interface import JOB_KEY
    from fairkd.tracking.mlflow_tracking import MlflowTracking

    ended = fairkd("check", f"run={tracked[0]}", "test/acuracy>=0")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("Unknown metric 'test/acuracy'; did you mean 'test/accuracy'")
    tracking = MlflowTracking(experiment="fairkd")
    with pytest.raises(ArithmeticError), tracking.start("broken", {}, {JOB_KEY: "k"}) as run:
        raise ArithmeticError
    ended = fairkd("check", f"run={run.run_id}", TRUE)
    assert (ended.code, ended.out) == (1, "")
    assert f"run={run.run_id} (broken) is FAILED, and only a finished run has" in ended.err
    query = "query=attributes.run_name LIKE '%'"
    ended = fairkd("check", query, TRUE)
    assert (ended.code, ended.out) == (1, "")
    assert "has jobs of which nothing can be said: 1 job has no finished run: broken" in ended.err
    assert fairkd("check", query, TRUE, "unfinished=accept").code == 0
    assert fairkd("check", query, TRUE, "unfinished=yes").code == 2
    tracking.supersede("k0.00")
    assert "is superseded" in fairkd("check", f"run={tracked[0]}", TRUE).err


def test_a_sweep_of_which_half_crashed_is_refused(fairkd: Any, tracked: list[str]) -> None:
    from fairkd.tracking import JOB_KEY, SWEEP_ID, SWEEP_PARENT
    from fairkd.tracking.mlflow_tracking import MlflowTracking

    tracking = MlflowTracking(experiment="fairkd")
    with tracking.start("sweep·arrests·6 jobs", {}, {SWEEP_PARENT: "s"}) as own:
        own.log_metrics({"sweep/failed": 2.0})
    ended = fairkd("check", "sweep=s", TRUE)
    assert (ended.code, ended.out) == (1, "")
    assert "sweep=s has jobs of which nothing can be said: 2 of its jobs failed" in ended.err
    with tracking.start("running", {}, {JOB_KEY: "k", SWEEP_ID: "s"}):
        ended = fairkd("check", "sweep=s", TRUE)
        assert fairkd("check", "sweep=s", TRUE, "unfinished=accept").code == 0
    assert "1 job has no finished run: running (RUNNING); 2 of its jobs failed or" in ended.err


def test_without_a_threshold_the_choice_is_the_reports(fairkd: Any, tracked: list[str]) -> None:
    report = fairkd("report", "sweep=s", "format=markdown", "out=-").out.replace("\\", "")
    assert "**At 0.05, the best student (w=0) holds on validation" in report
    ended = fairkd("check", "sweep=s", TRUE)
    name, *_ = ended.out.splitlines()
    assert name == (
        "sweep s, of 2 configurations on validation the most accurate whose gap is within 0.05 "
        "(w=0)"
    )
    assert "The threshold of 0.05 is the one of the jobs' bounds." in ended.out


def test_help(fairkd: Any) -> None:
    assert fairkd("check", "--help") == (0, USAGE, "")
    assert max(map(len, USAGE.splitlines())) <= 100
