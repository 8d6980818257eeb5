"""Bounds, frontiers, temperature and missing groups on Adult, COMPAS and law school, as a page.

Four studies, each a few sweeps through the stacked launcher. Repetitions vary data split, teacher
and student together. Sweeps that share teachers follow each other; others run side by side, as many
as there are cores, in one process each: what a sweep does before and after training takes one core
in any case. Results go to docs/fairness.json, docs/fairness.md and docs/frontier.png. A study that
was interrupted goes on from its store: the same command again.

    python scripts/study_fairness.py --only frontier --replicates 3
"""

import argparse
import csv
import json
import math
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from mlflow.tracking import MlflowClient
from study_bounds import bounds
from study_frontier import draw, frontier
from study_missing import missing
from study_sweeps import BOUNDS, FRONTIER, MISSING, TEMPERATURE, Sweep
from study_temperature import temperature

from fairkd.sweeps.outcome import SEED_KEYS
from fairkd.sweeps.pool import processes

DOCS = Path(__file__).parents[1] / "docs"
KEPT = DOCS / "fairness.json"
STUDIES = {
    "bounds": (BOUNDS, 30),
    "frontier": (FRONTIER, 5),
    "temperature": (TEMPERATURE, 10),
    "missing": (MISSING, 10),
}
QUICK = (
    "evaluation.draws=20",
    "evaluation.latency_repeats=1",
    "sweep.allow_refused=true",
    "hydra.output_subdir=null",
)
INTRODUCTION = """# Fairness, measured

Written by `make fairness` (scripts/study_fairness.py); the numbers are in
[fairness.json](fairness.json). Repetitions vary data split, teacher and student together; ± is half
of a mean's 95% Student t interval over them. A gap is the largest difference between groups on
test, at threshold 0.5. The teacher is a perceptron of 256-256 units, the student one of 64,
distilled at T = 4, alpha = 0.9, 20 epochs (COMPAS: 40). Nothing was tuned to these tables.
"""
OUTPUT = "output.txt"
_NUMBERS = ("accuracy", "disparity")
_Of = tuple[str, str]
"""A study, and the name of one of its sweeps, or of its data."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--folder", type=Path, default=Path("fairness"), help="of the sweeps")
    parser.add_argument("--only", nargs="*", choices=list(STUDIES), help="of the studies")
    parser.add_argument("--replicates", type=int, help="fewer or more of them, for trying out")
    parser.add_argument("--page", action="store_true", help="write the page from what is there")
    arguments = parser.parse_args()
    kept: dict[str, Any] = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    wanted = [] if arguments.page else arguments.only or list(STUDIES)
    began = time.perf_counter()
    for study, found in side_by_side(wanted, arguments.folder, arguments.replicates):
        kept[study] = {"replicates": arguments.replicates or STUDIES[study][1], "sweeps": found}
        _write(kept)
    _write(kept)
    if wanted:
        print(f"took    {(time.perf_counter() - began) / 60:.1f} minutes")
    print(f"page    {DOCS / 'fairness.md'}")


def side_by_side(
    studies: Sequence[str], folder: Path, replicates: int | None
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each study when all of it is done, with what `swept` says of its sweeps, by name.

    After a sweep that failed, none is begun.
    """
    chains = chained(studies)
    total = sum(map(len, chains))
    found: dict[_Of, Any] = {}
    stopped = threading.Event()

    def follow(chain: Sequence[tuple[str, Sweep]]) -> None:
        for study, sweep in chain:
            if stopped.is_set():
                return
            numbers = swept(sweep, folder / study, replicates or STUDIES[study][1])
            found[study, sweep.name] = numbers
            done = f"{len(found)} of {total} sweeps"
            print(f"{done}: {study}, {sweep.name}, {numbers['seconds']:.0f} s", flush=True)

    with ThreadPoolExecutor(processes(None, len(chains), 1)) as threads:
        going = {threads.submit(follow, chain): chain[0][0] for chain in chains}
        left = Counter(going.values())
        try:
            for future in as_completed(going):
                future.result()
                study = going[future]
                left[study] -= 1
                if not left[study]:
                    yield study, {s.name: found[study, s.name] for s in STUDIES[study][0]}
        finally:
            stopped.set()


def chained(studies: Sequence[str]) -> list[list[tuple[str, Sweep]]]:
    """The sweeps of some studies, those that share teachers in one chain; the longest first."""
    chains: dict[_Of, list[tuple[str, Sweep]]] = {}
    for study in studies:
        for sweep in STUDIES[study][0]:
            data = next((word for word in sweep.words if word.startswith("data=")), "")
            chains.setdefault((study, data), []).append((study, sweep))
    return sorted(chains.values(), key=lambda chain: -sum(_jobs(*one) for one in chain))


def _jobs(study: str, sweep: Sweep) -> int:
    """How many jobs it has: for each repetition, the product of its words' numbers of values."""
    repetitions = min(STUDIES[study][1], sweep.most_replicates or math.inf)
    varied = (word for word in sweep.words if "=[" not in word)
    return int(repetitions * math.prod(word.count(",") + 1 for word in varied))


def _write(kept: dict[str, Any]) -> None:
    KEPT.write_text(json.dumps(kept, sort_keys=True) + "\n")
    pages: dict[str, Callable[[dict[str, Any]], str]] = {
        "bounds": bounds,
        "frontier": frontier,
        "temperature": temperature,
        "missing": missing,
    }
    parts = [pages[study](kept[study]) for study in STUDIES if study in kept]
    (DOCS / "fairness.md").write_text("\n".join([INTRODUCTION, *spent(kept.values()), *parts]))
    if "frontier" in kept:
        draw(kept["frontier"], DOCS / "frontier.png")


def spent(studies: Iterable[dict[str, Any]]) -> list[str]:
    """How long the sweeps took."""
    seconds = [sweep["seconds"] for study in studies for sweep in study["sweeps"].values()]
    return [
        f"The {len(seconds)} sweeps below, one process each, took {sum(seconds) / 60:.0f} minutes "
        "together; as many run side by side as there are cores.",
        "",
    ]


def swept(sweep: Sweep, folder: Path, replicates: int) -> dict[str, Any]:
    """Run a sweep; its jobs' numbers and its wall time."""
    count = min(replicates, sweep.most_replicates or replicates)
    # Repetitions vary slowest: the jobs of one share its data, which few of are held at a time.
    words = (f"replicate=range({count})", *sweep.words)
    began = time.perf_counter()
    # What is compared mostly stands in the sweep's table, so that nothing need be tracked.
    untracked = () if sweep.also else ("tracking=none",)
    jobs = run((*words, *QUICK, *untracked), folder, sweep.name)
    client = MlflowClient(f"sqlite:///{(folder / 'mlflow.db').resolve()}") if sweep.also else None
    return {
        "command": f"fairkd -m {' '.join(words)}",
        "seconds": round(time.perf_counter() - began, 1),
        "jobs": [
            _numbers(job) | _further(job, sweep.also, client)
            for job in jobs
            if job["status"] not in ("refused", "failed")
        ],
        "refused": sorted({job["sentence"] for job in jobs if job["status"] == "refused"}),
        "certifiable": certifiable(folder / sweep.name / OUTPUT),
    }


def certifiable(output: Path) -> list[str]:
    """What a sweep said of the smallest thresholds that its certifying rows can show."""
    return [
        line for line in output.read_text().splitlines() if " rows are kept to certify: " in line
    ]


def run(words: Iterable[str], folder: Path, name: str) -> list[dict[str, str]]:
    """Run a sweep in a study's folder, beside the store of all studies; its jobs, one row each."""
    place = folder / name
    place.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "fairkd", "-m", *words]
    where = (
        "hydra.launcher.n_jobs=1",
        f"hydra.sweep.dir={place.resolve()}",
        f"paths.store={(folder.parent / 'store').resolve()}",
    )
    with (place / OUTPUT).open("w") as output:
        done = subprocess.run([*command, *where], cwd=folder, stdout=output, stderr=output)
    if done.returncode:
        raise SystemExit(f"A sweep failed, exit code {done.returncode}: see {output.name}")
    with (place / "jobs.csv").open() as file:
        jobs = list(csv.DictReader(file))
    for job in jobs:  # hundreds of folders with students that nobody asks for
        shutil.rmtree(place / job["job"], ignore_errors=True)
    return jobs


def _further(
    job: dict[str, str], also: Iterable[str], client: MlflowClient | None
) -> dict[str, float]:
    """Further disparities of the three models on test."""
    if client is None:
        return {}
    metrics = client.get_run(job["run_id"]).data.metrics
    return {
        f"{model}/{name}": metrics[f"test/{model}/{name}"]
        for name in also
        for model in ("student", "control", "teacher")
    }


def _numbers(job: dict[str, str]) -> dict[str, Any]:
    """What a job varies, and its numbers, of the final model, the control and the teacher."""
    varied = {
        key: value
        for key, value in job.items()
        if "." in key and "/" not in key and key not in SEED_KEYS
    }
    found: dict[str, Any] = {"varied": varied, "replicate": job["seed"], "metric": job["disparity"]}
    for split in ("test", "validation"):
        for model in ("", "control/", "teacher/"):
            for number in _NUMBERS:
                found[f"{split}/{model}{number}"] = float(job[f"{split}/{model}{number}"])
    for promise in ("certify/certified", "certify/chosen", "certify/exceeds"):
        if job.get(promise):
            found[promise] = float(job[promise])
    return found


if __name__ == "__main__":
    main()
