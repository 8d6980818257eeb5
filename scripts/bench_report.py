"""Time a report on many tracked runs, made from the records of a small real sweep."""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from fairkd.record import JobRecord, parameters
from fairkd.reporting.recorded import RecordedJob, recorded_jobs
from fairkd.reporting.report.assemble import Wanted, report_of
from fairkd.reporting.report.formats import written
from fairkd.reporting.runs import found_runs
from fairkd.store import content_key
from fairkd.tracking.interface import JOB_KEY, SWEEP_ID, SWEEP_PARENT
from fairkd.tracking.mlflow_reading import MlflowReading
from fairkd.tracking.mlflow_tracking import MlflowTracking

SWEEP = ("-m", "experiment=debug", "seed=0,1", "sweep.id=small")
TEMPERATURES = (1, 2, 4, 8, 16)
REPETITIONS = 4
MOST_SECONDS = 20.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=400)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run([*SWEEP], folder)
        uri = f"sqlite:///{folder}/mlflow.db"
        small = MlflowReading(uri)
        made = recorded_jobs(small, found_runs(small, sweep="small").jobs)
        began = time.perf_counter()
        track(made, given.jobs, MlflowTracking(uri, locks=folder / "locks"))
        print(f"{given.jobs} runs tracked in {time.perf_counter() - began:.0f} s")
        parts = timed(MlflowReading(uri))
        began = time.perf_counter()
        run(["report", "sweep=large", "out=report.html"], folder)
        whole = time.perf_counter() - began
        print(f"a report on {given.jobs} runs, seconds (at most {MOST_SECONDS:g})")
        for part, seconds in {**parts, "the command": whole}.items():
            print(f"  {part:<14} {seconds:5.1f}")
        print(f"  {'megabytes':<14} {(folder / 'report.html').stat().st_size / 1e6:5.1f}")
    if whole > MOST_SECONDS:
        sys.exit(1)


def run(words: list[str], folder: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "fairkd", *words],
        cwd=folder,
        check=True,
        stdout=subprocess.DEVNULL,
    )


def track(made: list[RecordedJob], jobs: int, tracking: MlflowTracking) -> None:
    """Runs of a grid over temperature, weight and seed, each with a record of a real job's size."""
    rng = np.random.default_rng(0)
    tracking.prepare()
    with tracking.start(f"sweep of {jobs} jobs", {}, {SWEEP_PARENT: "large"}) as parent:
        parent.log_text("experiment=debug\n", "overrides.txt")
    for number in range(jobs):
        place, seed = divmod(number, REPETITIONS)
        weight, temperature = divmod(place, len(TEMPERATURES))
        one = made[number % len(made)]
        config = varied(one.configuration, TEMPERATURES[temperature], weight / 10, seed)
        key = content_key({"T": temperature, "w": weight})
        tags = {SWEEP_ID: "large", JOB_KEY: f"{key}{seed}", "fairkd.configuration_key": key}
        record = moved(one.record, rng.normal(scale=0.01, size=2))
        with tracking.start(f"job {number}", parameters(config), tags, parent.run_id) as run:
            run.log_metrics(record.metrics())
            run.log_json(config, "configuration.json")
            run.log_json(record.to_json(), "record.json")
            run.log_text("row,label,kind,reference\n", "flipped.csv")


def varied(config: Mapping[str, Any], temperature: float, weight: float, seed: int) -> Any:
    return {
        **config,
        "seed": seed,
        "distillation": {**config["distillation"], "temperature": temperature},
        "constraint": {**config["constraint"], "weight": weight},
    }


def moved(record: JobRecord, by: np.ndarray) -> JobRecord:
    """The record with another accuracy and gap of its student."""
    trio, names = record.trio, ("accuracy", record.headline.name)
    student = trio.evaluations["student"]
    values = {name: abs(student.metrics[name] + move) for name, move in zip(names, by, strict=True)}
    measured = replace(student, metrics={**student.metrics, **values})
    return replace(
        record,
        trio=replace(
            trio,
            evaluations={**trio.evaluations, "student": measured},
            validation={
                **trio.validation,
                "student": {**trio.validation["student"], **values},
            },
        ),
    )


def timed(reading: MlflowReading) -> dict[str, float]:
    """Seconds of the report's parts, in this process."""
    seconds: dict[str, float] = {}
    began = time.perf_counter()

    def note(part: str) -> None:
        nonlocal began
        now = time.perf_counter()
        seconds[part] = now - began
        began = now

    found = found_runs(reading, sweep="large")
    note("searching")
    recorded_jobs(reading, found.jobs)
    note("records")
    report_of(reading, found, Wanted(figures=False))
    note("with sentences")
    made, summary = report_of(reading, found, Wanted())
    note("with figures")
    written("html", "configurations", made, summary)
    note("the page")
    return seconds


if __name__ == "__main__":
    main()
