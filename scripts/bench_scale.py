"""What a row costs: Heritage Health beside Adult on the quickstart's path, and millions of rows.

Every command runs in a folder of its own with an empty store, and is measured from outside:
seconds, seconds of the processor, and the largest resident memory. What a program costs without
data is taken off by running the same on a small table.

A copy of the table is as many bytes a row as the table takes as a frame. What a further row adds to
the peak beyond that frame is counted in such copies: the tensors (features, label, cells, place and
weight) as well as orders, outputs, probabilities and ranks.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from bench_sweep_commands import environment, migrate
from bench_sweep_machine import machine

MIB = 2**20
MOST_TIMES_ADULT = 3.0
MOST_GIB = 2.0
MOST_COPIES = 2.0
SMALL = "arrests"
ROWS = {SMALL: 5_226, "adult": 48_842, "heritage": 171_067}
QUICKSTART = "experiment=quickstart"
ONE_EPOCH = tuple(
    f"{trainer}.{setting}"
    for trainer in ("trainer", "teacher.trainer")
    for setting in ("max_epochs=1", "batch_size=4096")
)
FEWEST_ROWS = 10_000
NUMBERS, CATEGORIES, GROUPS = 8, (5, 10), (2, 4)


@dataclass(frozen=True)
class Cost:
    """What one command took.

    Attributes:
        rows: of its data.
        seconds: from its start to its end.
        processor: seconds of the processor.
        peak: largest resident memory in bytes.
    """

    rows: int
    seconds: float
    processor: float
    peak: int

    def a_row_beyond(self, other: "Cost") -> tuple[float, float, float]:
        """Seconds, seconds of the processor and bytes of each row that the other has not."""
        rows = self.rows - other.rows
        return (
            (self.seconds - other.seconds) / rows,
            (self.processor - other.processor) / rows,
            (self.peak - other.peak) / rows,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=["heritage", "millions"])
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    if given.rows < FEWEST_ROWS:
        parser.error(f"--rows {given.rows}: at least {FEWEST_ROWS:,} tell what one costs.")
    figures: dict[str, object] = {"machine": machine()}
    met = True
    with tempfile.TemporaryDirectory(prefix="fairkd-scale-") as name:
        database = migrate(Path(name))
        if given.only != "millions":
            costs = quickstarts(database)
            figures["quickstart"] = {of: asdict(cost) for of, cost in costs.items()}
            met &= told_quickstarts(costs)
        if given.only != "heritage":
            small, large, held = millions(given.rows, database, Path(name))
            figures["millions"] = {"small": asdict(small), "large": asdict(large), "bytes": held}
            met &= told_millions(small, large, held)
    if given.json is not None:
        given.json.write_text(json.dumps(figures, indent=2))
    if not met:
        sys.exit(1)


def quickstarts(database: Path) -> dict[str, Cost]:
    """The quickstart's path on three tables, twenty epochs each, one after another."""
    return {
        name: cost(rows, [QUICKSTART, f"data={name}", "data.groups=[sex]"], database)
        for name, rows in ROWS.items()
    }


def told_quickstarts(costs: dict[str, Cost]) -> bool:
    print("| data | rows | seconds | of the processor | microseconds a row | peak MiB |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for name, one in costs.items():
        row = "-" if name == SMALL else f"{one.a_row_beyond(costs[SMALL])[1] * 1e6:.0f}"
        print(
            f"| `{name}` | {one.rows:,} | {one.seconds:.0f} | {one.processor:.0f} | {row} | "
            f"{one.peak / MIB:,.0f} |"
        )
    adult, heritage = (costs[name].a_row_beyond(costs[SMALL])[1] for name in ("adult", "heritage"))
    gib = costs["heritage"].peak / 2**30
    print(
        f"A row of Heritage Health takes {heritage / adult:.2f} times as long as one of Adult (at "
        f"most {MOST_TIMES_ADULT:g}), beyond what {SMALL} takes; peak {gib:.2f} GiB (at most "
        f"{MOST_GIB:g})."
    )
    return heritage / adult <= MOST_TIMES_ADULT and gib <= MOST_GIB


def millions(rows: int, database: Path, folder: Path) -> tuple[Cost, Cost, dict[str, float]]:
    """One epoch on a synthetic table, and on a tenth of it; bytes a row that the table takes."""
    costs = []
    held: dict[str, float] = {}
    for n in (rows // 10, rows):
        file = folder / f"{n}.parquet"
        held = write_synthetic(file, n)
        words = [QUICKSTART, *ONE_EPOCH, "data=table", f"data.path={file}", "data.label=label"]
        costs.append(cost(n, [*words, "data.groups=[sex,race]", "data.positive=yes"], database))
    return costs[0], costs[1], held


def told_millions(small: Cost, large: Cost, held: dict[str, float]) -> bool:
    seconds, processor, bytes_a_row = large.a_row_beyond(small)
    copies = bytes_a_row / held["table"] - 1
    print("| rows | seconds | of the processor | peak MiB |")
    print("| ---: | ---: | ---: | ---: |")
    for one in (small, large):
        print(f"| {one.rows:,} | {one.seconds:.0f} | {one.processor:.0f} | {one.peak / MIB:,.0f} |")
    print(
        f"A row more takes {seconds * 1e6:.0f} microseconds ({processor * 1e6:.0f} of the "
        f"processor) and {bytes_a_row:.0f} bytes at the peak. The table as it is read takes "
        f"{held['table']:.0f} of them, its tensors {held['tensors']:.0f}: the peak is the table "
        f"and {copies:.2f} copies of it (at most {MOST_COPIES:g}; the tensors count as one)."
    )
    return copies <= MOST_COPIES


def cost(rows: int, words: Sequence[str], database: Path) -> Cost:
    """Run ``python -m fairkd WORDS`` in a fresh folder.

    Raises:
        SystemExit: the command failed.
    """
    with tempfile.TemporaryDirectory(prefix="fairkd-scale-") as name:
        folder = Path(name)
        shutil.copy(database, folder / "mlflow.db")
        with (folder / "output.txt").open("wb") as output:
            began = time.perf_counter()
            process = subprocess.Popen(
                [sys.executable, "-m", "fairkd", *words],
                cwd=folder, env=environment(), stdout=output, stderr=subprocess.STDOUT,
            )  # fmt: skip
            _, status, used = os.wait4(process.pid, 0)
            seconds = time.perf_counter() - began
            process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            told = (folder / "output.txt").read_text(errors="replace")[-3000:]
            raise SystemExit(f"{told}\nfairkd {' '.join(words)}: exit code {process.returncode}.")
    # Linux counts in KiB, macOS in bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    return Cost(rows, seconds, used.ru_utime + used.ru_stime, used.ru_maxrss * unit)


def write_synthetic(file: Path, rows: int) -> dict[str, float]:
    """Write a table of eight numbers, two categories, two sensitive columns and a label.

    Returns:
        Bytes a row of the table as a frame (``table``), and of all that is prepared of it
        (``tensors``).
    """
    random = np.random.default_rng(0)
    frame = pd.DataFrame(
        {f"number_{n}": random.standard_normal(rows).round(6) for n in range(NUMBERS)}
        | {f"kind_{n}": _drawn(random, "kind", n, rows) for n in CATEGORIES}
        | {
            name: _drawn(random, name, n, rows)
            for name, n in zip(("sex", "race"), GROUPS, strict=True)
        }
    )
    signal = frame["number_0"] + (frame["sex"] == "sex 0") + random.standard_normal(rows)
    frame["label"] = pd.Series(np.where(signal > 1, "yes", "no"), dtype="str")
    frame.to_parquet(file, index=False)
    # 4 bytes for each feature, cell and weight, 8 for the label and the row's place.
    tensors = 4 * (NUMBERS + sum(CATEGORIES) + sum(GROUPS) + 1) + 2 * 8
    return {"table": frame.memory_usage(deep=True, index=False).sum() / rows, "tensors": tensors}


def _drawn(random: np.random.Generator, name: str, values: int, rows: int) -> "pd.Series[str]":
    names = pd.Series([f"{name} {value}" for value in range(values)], dtype="str")
    return names.take(random.integers(0, values, rows)).reset_index(drop=True)


if __name__ == "__main__":
    main()
