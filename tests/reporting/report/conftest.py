import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from fairkd.record import Headline, JobRecord
from fairkd.sweeps.outcome import Outcome
from fairkd.tracking.interface import JOB_KEY, SWEEP_ID, SWEEP_PARENT
from fairkd.tracking.reading import CONFIGURATION, CONFIGURATION_KEY, RECORD, Input, TrackedJob

GAP = Headline("demographic_parity_difference", "sex")
Make = Callable[..., Outcome]


@pytest.fixture
def make() -> Make:
    """A job's outcome: the student's accuracy and gap on test, and everything around them."""

    def build(
        number: int,
        accuracy: float = 0.84,
        gap: float = 0.03,
        *,
        varied: Mapping[str, object] | None = None,
        seed: int = 0,
        validation: tuple[float, float] | None = None,
        control: tuple[float, float] = (0.85, 0.17),
        teacher: tuple[float, float] = (0.86, 0.18),
        own_interval: tuple[float, float] | None = None,
        headline: Headline = GAP,
        final: str = "student",
        ratios: Mapping[str, float] | None = None,
    ) -> Outcome:
        on_validation = validation or (accuracy, gap)
        start = "test/transfer" if final == "student" else f"test/{final}/transfer"
        shrunk = {"parameters": 0.04} if ratios is None else ratios
        metrics = {
            "test/accuracy": accuracy,
            "test/disparity": gap,
            "validation/accuracy": on_validation[0],
            "validation/disparity": on_validation[1],
            "test/control/accuracy": control[0],
            f"test/control/{headline.name}": control[1],
            "test/teacher/accuracy": teacher[0],
            f"test/teacher/{headline.name}": teacher[1],
            **{f"{start}/{name}_ratio_to_teacher": ratio for name, ratio in shrunk.items()},
        }
        if own_interval is not None:
            metrics |= dict(
                zip(("test/disparity_low", "test/disparity_high"), own_interval, strict=True)
            )
        return Outcome(
            number=number,
            name=f"adult·{number}",
            configuration=f"{dict(varied or {})} {final}",
            varied=varied or {},
            seeds={"data.seed": seed, "teacher.seed": seed, "seed": seed},
            metrics=metrics,
            headline=headline,
            control_validation={"accuracy": control[0], "disparity": control[1]},
            teacher_validation={"accuracy": teacher[0], "disparity": teacher[1]},
            run_id=f"run{number}",
            reused=False,
            final=final,
        )

    return build


@dataclass
class Kept:
    """A tracking store in memory: JSON texts by run and path."""

    texts: dict[tuple[str, str], str] = field(default_factory=dict)
    runs: list[TrackedJob] = field(default_factory=list)
    own: list[TrackedJob] = field(default_factory=list)

    def add(self, key: str, record: JobRecord, configuration: Mapping[str, Any]) -> None:
        """A finished job; those with the same key repeat one configuration."""
        number = len(self.runs)
        tags = {JOB_KEY: f"k{number}", CONFIGURATION_KEY: key, SWEEP_ID: "s1"}
        name = f"job {number}"
        run = TrackedJob(
            f"run{number}", name, "FINISHED", "fairkd", number, {}, {}, tags, "",
            (Input("arrests", "ab12", 5226),),
        )  # fmt: skip
        self.texts[run.run_id, CONFIGURATION] = json.dumps(configuration)
        self.texts[run.run_id, RECORD] = json.dumps(record.to_json())
        self.runs.append(run)

    def add_parent(self, name: str, overrides: str) -> None:
        run = TrackedJob("parent", name, "FINISHED", "fairkd", 0, {}, {}, {SWEEP_PARENT: "s1"}, "")
        self.texts[run.run_id, "overrides.txt"] = overrides
        self.own.append(run)

    def parents(self, sweep_id: str) -> list[TrackedJob]:
        assert sweep_id == "s1"
        return self.own

    def has(self, run: TrackedJob, path: str) -> bool:
        return (run.run_id, path) in self.texts

    def text(self, run: TrackedJob, path: str) -> str:
        return self.texts[run.run_id, path]

    def json(self, run: TrackedJob, path: str) -> Any:
        return json.loads(self.texts[run.run_id, path])


@pytest.fixture
def kept() -> Kept:
    return Kept()
