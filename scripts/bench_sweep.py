"""Time a sweep of students on Adult: as stacks, one by one, and in a lean PyTorch loop.

    python scripts/bench_sweep.py --json figures.json
    python scripts/bench_sweep.py --only training --jobs 24
    python scripts/bench_sweep.py --experiment debug --jobs 4 --epochs 1 --skip basic,joblib

Three sections, all measured in this run, one after another, on this machine:

end-to-end  A command of its own for each launcher, from the process's start to its end (imports,
            configuration, teacher, controls, students, measurement, MLflow, comparison). Each in a
            fresh folder: an empty store, and a copy of one MLflow database that was migrated
            before, for all alike (a first use migrates for some 8 seconds).
training    The same students without any of that: a lean loop that trains some of them one after
            another, and `train_together`, which trains all of them; in one process and in as many
            as there are cores. Beside them the bare matrix products of the same steps.
scaling     Stacks, end to end, over the number of jobs.

What counts are ratios within one run. Nothing else should run meanwhile.
"""

import argparse
import importlib.util
import json
import statistics
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from bench_sweep_commands import Grid, Sweep, migrate, run_sweep
from bench_sweep_lean import floor_of
from bench_sweep_machine import cores, machine
from bench_sweep_tables import show_end_to_end, show_scaling, show_training
from bench_sweep_training import (
    Learned,
    Training,
    Way,
    as_stacks,
    jobs_of,
    one_by_one,
    students,
    train,
)
from rich.console import Console

from fairkd.sweeps.members import sketch
from fairkd.training.stack.footprint import member_bytes
from fairkd.training.stack.together import grouped

SECTIONS = ("end-to-end", "training", "scaling")
VARIANTS = {
    "exact": ["hydra/launcher=stacked"],
    "fast": ["hydra/launcher=stacked", "stack.kernels=fast"],
    "one-process": ["hydra/launcher=stacked", "hydra.launcher.n_jobs=1"],
    "basic": ["hydra/launcher=basic"],
    "joblib": ["hydra/launcher=joblib", "hydra.launcher.n_jobs=2"],
}
WAYS: dict[str, Way] = {
    "lean loop": one_by_one,
    "exact": partial(as_stacks, exact=True),
    "fast": partial(as_stacks, exact=False),
}
MOST_APART = 0.01


@dataclass(frozen=True)
class Bench:
    """What is measured.

    Attributes:
        words: of the experiment, for every command.
        jobs: of the grid.
        sizes: of the grids of the last section.
        lean: how many students the lean loop trains.
        skip: variants that are left out.
        repeat: how often everything is measured.
        database: migrated.
        console: for tables.
        exact: runs of exact stacks so far, by jobs: the last section takes the first one's.
    """

    words: tuple[str, ...]
    jobs: int
    sizes: tuple[int, ...]
    lean: int
    skip: frozenset[str]
    repeat: int
    database: Path
    console: Console
    exact: dict[int, list[Sweep]] = field(default_factory=dict)

    def sweep(self, variant: str, jobs: int) -> Sweep:
        self.console.log(f"{variant}, {jobs} jobs")
        words = [*self.words, *VARIANTS[variant], *Grid.of(jobs).words()]
        return run_sweep(words, jobs, self.database)

    def end_to_end(self) -> dict[str, Any]:
        """Every launcher on the same grid."""
        variants = [name for name in VARIANTS if name not in self.skip]
        if "joblib" in variants and not _has_joblib_launcher():
            self.console.print("joblib is skipped: pip install hydra-joblib-launcher brings it.")
            variants.remove("joblib")
        runs: dict[str, list[Sweep]] = {name: [] for name in variants}
        for _ in range(self.repeat):
            for name in variants:
                runs[name].append(self.sweep(name, self.jobs))
        self.exact.update({self.jobs: runs["exact"]} if "exact" in runs else {})
        middle = {name: _median_run(sweeps) for name, sweeps in runs.items()}
        show_end_to_end(middle, self.console)
        return {name: _told(runs[name], middle[name]) for name in variants}

    def training(self) -> dict[str, Any]:
        """The same students in a lean loop and in stacks."""
        with tempfile.TemporaryDirectory(prefix="fairkd-bench-") as store:
            jobs = jobs_of(self.words, Grid.of(self.jobs))
            members = students(jobs, Path(store))
        some = evenly(range(len(members)), self.lean)
        of_way = {name: some if name == "lean loop" else range(len(members)) for name in WAYS}
        runs: dict[tuple[str, int], list[Training]] = {}
        for _ in range(self.repeat):
            for processes in sorted({1, cores()}):
                for name, way in WAYS.items():
                    chosen = [members[place] for place in of_way[name]]
                    self.console.log(f"{name}, {len(chosen)} students, processes: {processes}")
                    once = train(chosen, way, min(processes, len(chosen)))
                    runs.setdefault((name, processes), []).append(once)
        stack = max(map(len, grouped(members).stacks), default=1)
        floor = floor_of(members[0], stack)
        steps = {way: statistics.median(t.a_step for t in taken) for way, taken in runs.items()}
        apart = difference(runs["lean loop", 1][0].learned, runs["exact", 1][0].learned, some)
        if apart > MOST_APART:
            raise SystemExit(
                f"Lean loop and stacks differ by {apart:.3f} in validation accuracy, on average "
                "over students and epochs: they do not train the same, and are not comparable."
            )
        show_training(steps, floor, stack, apart, self.console)
        for (name, processes), (first, *_) in runs.items():
            if name != "lean loop" and first.alone:
                self.console.print(
                    f"{name}, processes: {processes}: {first.alone} of {first.students} students "
                    "trained without a stack."
                )
        return {
            "ways": {
                f"{name}, processes: {processes}": {
                    "students": taken[0].students,
                    "alone": taken[0].alone,
                    "student_steps": taken[0].student_steps,
                    "seconds": [t.seconds for t in taken],
                    "seconds_a_student_step": steps[name, processes],
                    "ratio_to_lean_loop": steps["lean loop", processes] / steps[name, processes],
                }
                for (name, processes), taken in runs.items()
            },
            "floor": {**asdict(floor), "stack": stack},
            "fraction_of_floor": {
                name: floor.needed / steps[name, 1] for name in ("exact", "fast")
            },
            "apart": apart,
        }

    def scaling(self) -> dict[str, Any]:
        """Exact stacks over the number of jobs."""
        runs = {size: list(self.exact.get(size, ())) for size in self.sizes}
        for number in range(self.repeat):
            for size in self.sizes:
                if len(runs[size]) <= number:
                    runs[size].append(self.sweep("exact", size))
        middle = {size: _median_run(sweeps) for size, sweeps in runs.items()}
        one = member_bytes(sketch("student", jobs_of(self.words, Grid(1, 1, 1))[0]))
        show_scaling(middle, one, self.console)
        return {
            "bytes_a_member": one,
            "sizes": {str(size): _told(runs[size], middle[size]) for size in self.sizes},
        }


def evenly(places: Sequence[int], count: int) -> list[int]:
    """So many of the places, spread over all of them."""
    count = min(count, len(places))
    return [places[n * len(places) // count] for n in range(count)]


def difference(
    lean: Mapping[int, Learned], stacked: Mapping[int, Learned], places: Sequence[int]
) -> float:
    """Mean difference in validation accuracy, over students and epochs.

    Args:
        lean: the chosen students, numbered from 0.
        stacked: all students by place.
        places: of the chosen ones.
    """
    return statistics.mean(
        abs(a - b)
        for number, place in enumerate(places)
        for a, b in zip(lean[number].accuracies, stacked[place].accuracies, strict=True)
    )


def _has_joblib_launcher() -> bool:
    try:
        return importlib.util.find_spec("hydra_plugins.hydra_joblib_launcher") is not None
    except ModuleNotFoundError:
        return False


def _median_run(sweeps: Sequence[Sweep]) -> Sweep:
    """The run of median duration (of an even number, the faster of the middle two)."""
    return sorted(sweeps, key=lambda sweep: sweep.seconds)[(len(sweeps) - 1) // 2]


def _told(sweeps: Sequence[Sweep], middle: Sweep) -> dict[str, Any]:
    return {"median": middle.to_json(), "seconds": [sweep.seconds for sweep in sweeps]}


def _names(accepted: Sequence[str]) -> Any:
    def parse(text: str) -> list[str]:
        names = [name for name in text.split(",") if name]
        for name in names:
            if name not in accepted:
                raise argparse.ArgumentTypeError(f"{name}; accepted: {', '.join(accepted)}")
        return names

    return parse


def _number(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text}; accepted: a whole number of at least 1")
    return int(text)


def _numbers(text: str) -> list[int]:
    return list(map(_number, text.split(",")))


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument(
        "--only", type=_names(SECTIONS), default=list(SECTIONS), metavar="SECTIONS",
        help=f"some of {', '.join(SECTIONS)}",
    )  # fmt: skip
    made.add_argument(
        "--skip", type=_names(tuple(VARIANTS)), default=[], metavar="VARIANTS",
        help=f"some of {', '.join(VARIANTS)}",
    )  # fmt: skip
    made.add_argument("--jobs", type=_number, default=96, help="of the first two sections (96)")
    made.add_argument(
        "--sizes", type=_numbers, help="of the last section (8,24,96,384)", metavar="JOBS"
    )
    made.add_argument("--lean", type=_number, default=12, help="students of the lean loop (12)")
    made.add_argument("--epochs", type=_number, default=20, help="of every model (20)")
    made.add_argument("--repeat", type=_number, default=1, help="for medians (1)")
    made.add_argument("--experiment", default="quickstart", help="experiment=NAME (quickstart)")
    made.add_argument("--json", type=Path, help="file for all figures")
    return made


def main() -> None:
    chosen = parser().parse_args()
    terminal = Console()
    console = Console(width=None if terminal.is_terminal else 120, log_path=False)
    sizes = chosen.sizes or sorted({max(1, chosen.jobs * n // 12) for n in (1, 3, 12, 48)})
    figures: dict[str, Any] = {"machine": machine(), "options": {**vars(chosen), "sizes": sizes}}
    console.print(" · ".join(f"{name} {value}" for name, value in figures["machine"].items()))
    with tempfile.TemporaryDirectory(prefix="fairkd-bench-") as folder:
        words = (
            f"experiment={chosen.experiment}",
            f"trainer.max_epochs={chosen.epochs}",
            f"teacher.trainer.max_epochs={chosen.epochs}",
        )
        bench = Bench(
            words=words,
            jobs=chosen.jobs,
            sizes=tuple(sizes),
            lean=chosen.lean,
            skip=frozenset(chosen.skip),
            repeat=chosen.repeat,
            database=migrate(Path(folder)),
            console=console,
        )
        jobs_of(words, Grid(1, 1, 1))  # fetches the data where it is not at hand
        sections = {
            "end-to-end": bench.end_to_end,
            "training": bench.training,
            "scaling": bench.scaling,
        }
        for name in SECTIONS:
            if name in chosen.only:
                figures[name] = sections[name]()
                if chosen.json is not None:
                    chosen.json.write_text(json.dumps(figures, indent=1, default=str) + "\n")


if __name__ == "__main__":
    main()
