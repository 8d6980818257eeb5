"""Verdicts on runs and on the repetitions of a sweep's best configuration."""

import json
import math
from collections.abc import Callable
from dataclasses import replace
from io import StringIO
from typing import Any

import pytest
from markdown_it import MarkdownIt
from rich.console import Console
from scipy import stats

from fairkd.errors import DataError
from fairkd.reporting.gate.condition import ConditionError, read
from fairkd.reporting.gate.shown import as_json, as_markdown, as_text, show
from fairkd.reporting.gate.subject import Subject, of_run, of_sweep
from fairkd.reporting.gate.verdicts import verdicts
from fairkd.reporting.recorded import RecordedJob
from fairkd.tracking.interface import JOB_KEY
from fairkd.tracking.reading import CONFIGURATION_KEY, TrackedJob

Make = Callable[..., RecordedJob]


@pytest.fixture
def job(measured: Callable[..., Any], configured: Callable[..., Any]) -> Make:
    """A job; its record depends on its seed, its metrics can be given."""

    def build(
        seed: int = 0,
        weight: float = 0.0,
        metrics: dict[str, float] | None = None,
        name: str = "job",
        **of_record: Any,
    ) -> RecordedJob:
        record = measured(seed=seed, **of_record)
        found = {**record.metrics(), **(metrics or {})}
        tags = {JOB_KEY: f"k{weight}{seed}", CONFIGURATION_KEY: f"w{weight}"}
        run_id = f"run{weight:g}{seed}"
        run = TrackedJob(run_id, name, "FINISHED", "fairkd", seed, {}, found, tags, "")
        return RecordedJob(run, configured(seed=seed, weight=weight), record)

    return build


def held(subjects: list[Subject], *texts: str, bounds: bool = False) -> list[bool]:
    return [verdict.holds for verdict in verdicts(subjects, map(read, texts), bounds)]


def test_a_run_by_its_values_and_by_its_bounds(job: Make) -> None:
    one = job()
    low, high = one.record.trio.evaluations["student"].intervals["accuracy"]
    value = one.run.metrics["test/accuracy"]
    assert low < value < high
    subject = of_run(one)
    assert held([subject], f"test/accuracy>={value!r}", f"test/accuracy<{value!r}") == [True, False]
    assert held([subject], f"test/accuracy>={value!r}", bounds=True) == [False]
    assert held([subject], f"test/accuracy>={low!r}", bounds=True) == [True]
    assert held([subject], f"test/accuracy<={high!r}", bounds=True) == [True]
    assert held([subject], f"test/accuracy<={value!r}", bounds=True) == [False]


def test_undefined_never_holds(job: Make) -> None:
    cell = "test/student/accuracy/sex.x"
    subject = of_run(job(cells=("f", "m", "x"), empty=("x",)))
    texts = [f"{cell}{sign}0" for sign in ("<=", ">=", "<", ">")]
    assert held([subject], *texts) == held([subject], *texts, bounds=True) == [False] * 4
    text = as_text(verdicts([subject], [read(texts[0])], False), False)
    assert text.splitlines()[2].split() == [cell, "<=", "0", "undefined", "-", "-", "no"]
    assert (
        json.loads(as_json(verdicts([subject], [read(texts[0])], False), False))["conditions"][0][
            "value"
        ]
        is None
    )


def test_unknown_metrics_are_answered_with_close_ones(job: Make) -> None:
    subject = of_run(job())
    with pytest.raises(
        ConditionError, match="Unknown metric 'test/disprity'; did you mean 'test/d"
    ):
        held([subject], "test/disprity<=1")
    with pytest.raises(ConditionError, match=r"metrics: test/accuracy, .*, and \d+ more"):
        held([subject], "qqqqqq<=1")


def test_bounds_are_refused_where_there_is_no_interval(job: Make) -> None:
    sentence = (
        r"bounds=true needs an interval, and test/student/parameters has none in run job \(run00\);"
        r" metrics that have one: .*, or leave bounds out"
    )
    with pytest.raises(ConditionError, match=sentence):
        held([of_run(job())], "test/student/parameters<=1000", bounds=True)
    assert held([of_run(job())], "test/student/parameters<=1000") == [True]


def test_a_sweep_is_its_best_configuration_over_its_repetitions(job: Make) -> None:
    # The gap on validation decides, and test values are planted.
    jobs = [job(seed, weight) for weight in (0.0, 1.0) for seed in range(3)]
    jobs = [
        replace(one, run=replace(one.run, metrics={**one.run.metrics, "test/accuracy": value}))
        for one, value in zip(jobs, (0.80, 0.82, 0.87, 0.1, 0.1, 0.1), strict=True)
    ]
    subject = of_sweep("s", jobs)
    assert {one.run.run_id for one in subject.jobs} == {"run00", "run01", "run02"}
    expected = stats.ttest_1samp([0.80, 0.82, 0.87], 0).confidence_interval(0.95)
    found = subject.estimate("test/accuracy")
    assert found.mean == pytest.approx(0.83)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), rel=1e-12)
    assert held([subject], "test/accuracy>=0.829") == [True]
    assert held([subject], "test/accuracy>=0.829", bounds=True) == [False]
    assert held([subject], "test/student/parameters<=130", bounds=True) == [True]
    text = as_text(verdicts([subject], [read("test/accuracy>=0.829")], True), True)
    assert text.splitlines()[0] == (
        "sweep s, of 2 configurations on validation the most accurate whose gap is within 0.05 "
        "(w=0)"
    )
    assert "over repetitions" in text
    assert "means over 3 repetitions, intervals their Student t intervals at confidence" in text


def test_one_undefined_repetition_leaves_the_mean_unknown(job: Make) -> None:
    jobs = [job(0), job(1, metrics={"test/auc": math.nan}), job(2)]
    jobs = [
        replace(one, run=replace(one.run, metrics={"test/auc": 0.9, **one.run.metrics}))
        for one in jobs
    ]
    subject = of_sweep("s", jobs)
    (verdict,) = verdicts([subject], [read("test/auc>=0.5")], False)
    assert not verdict.holds
    assert "0.9 (undefined in 1 of 3)" in as_text([verdict], False)


def test_a_teacher_that_is_the_same_in_all_repetitions_has_its_own_interval(
    job: Make, configured: Callable[..., Any]
) -> None:
    fixed = {"data": {"seed": 0}, "teacher": {"seed": 0}}
    jobs = [
        replace(one, configuration={**configured(seed=seed), **fixed})
        for seed in range(2)
        for one in [job(seed)]
    ]
    subject = of_sweep("s", jobs)
    teacher, student = (
        subject.estimate(f"test/{name}/accuracy") for name in ("teacher", "student")
    )
    assert (teacher.of, teacher.interval) == (1, "test rows")
    assert (teacher.low, teacher.high) == (
        jobs[0].record.trio.evaluations["teacher"].intervals["accuracy"]
    )
    assert (student.of, student.interval) == (2, "repetitions")


def test_a_threshold_chooses_on_validation(job: Make) -> None:
    jobs = [job(seed, float(seed)) for seed in range(4)]
    gaps = [one.record.disparity("student", "validation") for one in jobs]
    fair = min(range(4), key=gaps.__getitem__)
    subject = of_sweep("s", jobs, threshold=gaps[fair])
    assert [one.run.run_id for one in subject.jobs] == [f"run{fair}{fair}"]
    assert "the most accurate whose gap is within" in subject.name
    with pytest.raises(DataError, match="No configuration has a gap"):
        of_sweep("s", jobs, threshold=-1.0)


def test_several_runs_have_a_column_of_their_own(job: Make) -> None:
    subjects = [of_run(job(seed, name=f"job {seed}")) for seed in (0, 1)]
    value = subjects[0].estimate("test/accuracy").mean
    told = verdicts(subjects, [read(f"test/accuracy=={value!r}"), read("test/auc>0")][:1], False)
    lines = as_text(told, False).splitlines()
    assert lines[0].split() == ["run", "condition", "value", "interval", "slack", "holds"]
    assert lines[1].startswith("job 0 (run00)  test/accuracy == ")
    assert lines[1].endswith("yes")
    assert lines[2].endswith("no")
    assert lines[-1] == "1 of 2 conditions does not hold. 1 of 2 runs fail."
    plain = json.loads(as_json(told, False))
    assert plain["holds"] is False
    assert [one["holds"] for one in plain["conditions"]] == [True, False]
    assert [one["run_ids"] for one in plain["conditions"]] == [["run00"], ["run01"]]


def test_names_from_data_are_only_text(job: Make) -> None:
    name = "<script>|[x](y) *a*" + "n" * 200
    subject = of_run(job(name=name))
    told = verdicts([subject], [read("test/accuracy>=0")], False)
    html = MarkdownIt().enable("table").render(as_markdown(told, False))
    assert "<script>" not in html
    assert "&lt;script&gt;|[x](y) *a*" in html
    assert html.count("<table>") == 1
    assert "<h3>Check: every condition holds</h3>" in html
    console = Console(width=80, file=StringIO())
    show(told, False, console)
    assert "<script>|[x](y)" in console.file.getvalue()
