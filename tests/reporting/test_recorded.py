"""From tracked runs back to outcomes and a summary."""

import json
import math
from dataclasses import dataclass, field
from typing import Any

import pytest

from fairkd.errors import TrackingError
from fairkd.evaluation.compression import Cost
from fairkd.evaluation.evaluation import Evaluation
from fairkd.evaluation.trio import MODELS, Trio
from fairkd.record import Headline, JobRecord
from fairkd.reporting.recorded import outcomes_of, recorded_jobs
from fairkd.sweeps.summary import summarise
from fairkd.tracking.interface import JOB_KEY
from fairkd.tracking.reading import CONFIGURATION, CONFIGURATION_KEY, RECORD, TrackedJob

HEADLINE = Headline("demographic_parity_difference", "sex")


def record(accuracy: float, gap: float) -> JobRecord:
    measured = {"accuracy": accuracy, HEADLINE.name: gap}
    one = Evaluation(measured, {HEADLINE.name: (gap - 0.01, gap + 0.01)}, {})
    return JobRecord(
        Trio(
            evaluations=dict.fromkeys(MODELS, one),
            matched={},
            transfers={"sex": Evaluation({}, {}, {})},
            further={},
            costs=dict.fromkeys(MODELS, Cost(1, 1, 1, 1, 1.0, 1.0, ())),
            validation=dict.fromkeys(MODELS, measured),
        ),
        {},
        {},
        {},
        HEADLINE,
    )


@dataclass
class Kept:
    """A tracking store of JSON texts, by run and path."""

    texts: dict[tuple[str, str], str] = field(default_factory=dict)
    runs: list[TrackedJob] = field(default_factory=list)

    def add(self, weight: float, seed: int, measured: JobRecord) -> TrackedJob:
        number = len(self.runs)
        tags = {JOB_KEY: f"k{number}", CONFIGURATION_KEY: f"w{weight:g}", "fairkd.reused": "true"}
        run = TrackedJob(
            f"run{number}", f"job {number}", "FINISHED", "fairkd", number, {}, {}, tags, ""
        )
        seeds = {"seed": seed, "data": {"seed": seed}, "teacher": {"seed": seed}}
        plain = {**seeds, "constraint": {"weight": weight}, "paths": {"store": f"s{number}"}}
        self.texts[run.run_id, CONFIGURATION] = json.dumps(plain)
        self.texts[run.run_id, RECORD] = json.dumps(measured.to_json())
        self.runs.append(run)
        return run

    def json(self, run: TrackedJob, path: str) -> Any:
        return json.loads(self.texts[run.run_id, path])

    def __getattr__(self, name: str) -> Any:
        raise NotImplementedError(name)


@pytest.fixture
def kept() -> Kept:
    found = Kept()
    for weight, seed, gap in ((0, 0, 0.2), (0, 1, 0.1), (0.5, 0, math.nan), (0.5, 1, 0.05)):
        found.add(weight, seed, record(0.8, gap))
    return found


def test_outcomes_have_typed_values_seeds_and_numbers(kept: Kept) -> None:
    first, *_, last = outcomes_of(recorded_jobs(kept, kept.runs))
    assert first.varied == {"constraint.weight": 0}
    assert last.varied == {"constraint.weight": 0.5}
    assert last.seeds == {"data.seed": 1, "teacher.seed": 1, "seed": 1}
    assert (last.number, last.name, last.run_id, last.reused) == (3, "job 3", "run3", True)
    assert (last.configuration, last.headline) == ("w0.5", HEADLINE)
    assert last.metrics["test/disparity"] == last.value("control", "validation", "disparity")
    assert (last.metrics["test/disparity_low"], last.metrics["test/disparity_high"]) == (
        pytest.approx(0.04),
        pytest.approx(0.06),
    )


def test_a_summary_of_tracked_runs(kept: Kept) -> None:
    best, other = summarise(outcomes_of(recorded_jobs(kept, kept.runs))).rows
    assert best.varied == {"constraint.weight": 0.5}
    assert best.estimate("student", "test", "disparity").defined == 1
    assert other.estimate("student", "test", "disparity").mean == pytest.approx(0.15)
    assert (other.repetitions, other.repetitions_vary) == (
        2,
        "data split, teacher and student vary together",
    )


def test_a_record_of_another_version_is_a_sentence(kept: Kept) -> None:
    plain = json.loads(kept.texts["run1", RECORD])
    del plain["bounds"]
    kept.texts["run1", RECORD] = json.dumps(plain)
    with pytest.raises(TrackingError, match=r"record\.json of run run1 \(job 1\) was not written"):
        recorded_jobs(kept, kept.runs)
