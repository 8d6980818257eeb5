"""The tables of the sweep benchmark."""

from collections.abc import Mapping, Sequence

from bench_sweep_commands import Sweep
from bench_sweep_lean import Floor
from rich.console import Console
from rich.table import Table

from fairkd.training.stack.together import MAX_STACK

_MIB = 2**20
_OUTSIDE = "outside training, s a job"


def show_end_to_end(runs: Mapping[str, Sweep], console: Console) -> None:
    """Launchers on one grid; how often longer others take than each.

    Args:
        runs: by launcher.
        console: where it goes.
    """
    against = [name for name in ("basic", "joblib") if name in runs]
    table = _table(
        f"{next(iter(runs.values())).jobs} jobs, end to end",
        ["launcher", "processes", "seconds", "s a job", _OUTSIDE]
        + [f"{name} takes" for name in against]
        + ["peak MiB"],
    )
    for name, run in runs.items():
        table.add_row(
            name,
            str(run.processes),
            f"{run.seconds:.1f}",
            f"{run.a_job:.3f}",
            _outside(run),
            *(f"{runs[other].seconds / run.seconds:.1f} x" for other in against),
            f"{run.peak / _MIB:,.0f}",
        )
    console.print(table)
    console.print(
        "Outside training: from the time in which no process trains, to the time in which "
        "processes do not train, averaged over them (waiting for another one's teacher counts)."
    )
    for name, run in runs.items():
        if name not in against and sum(run.stacks) < len(run.students):
            alone = len(run.students) - sum(run.stacks)
            console.print(f"{name}: {alone} of {len(run.students)} students without a stack.")
    for name in ("one-process", *against):
        if "exact" in runs and name in runs:
            ours, theirs = runs["exact"].students, runs[name].students
            equal = sum(ours[key] == theirs.get(key) for key in ours)
            console.print(f"exact and {name}: {equal} of {len(ours)} students equal bit for bit.")


def show_training(
    steps: Mapping[tuple[str, int], float],
    floor: Floor,
    stack: int,
    apart: float,
    console: Console,
) -> None:
    """Training without anything around it.

    Args:
        steps: seconds a student-step, by way and number of processes.
        floor: of the same steps.
        stack: students of the largest stack.
        apart: mean difference in validation accuracy between lean loop and stacks.
        console: where it goes.
    """
    headings = ["way", "processes", "ms a student-step", "lean loop takes", "floor takes of it"]
    table = _table("Training alone", headings)
    for (name, processes), seconds in steps.items():
        table.add_row(
            name,
            str(processes),
            f"{seconds * 1e3:.3f}",
            f"{steps['lean loop', processes] / seconds:.1f} x",
            f"{floor.needed / seconds:.0%}" if processes == 1 else "",
        )
    table.add_section()
    table.add_row("floor: products needed", "1", f"{floor.needed * 1e3:.3f}", "", "100%")
    table.add_row("three products a layer", "1", f"{floor.three * 1e3:.3f}", "", "")
    console.print(table)
    console.print(
        f"Floor: bare matrix products for a stack of {stack}, one thread; the first layer needs "
        "two a step, every other three. Steps of the lean loop and of stacks include validation. "
        f"Lean loop and exact stacks: {apart:.4f} apart in validation accuracy, the mean over "
        "students and epochs."
    )


def show_scaling(runs: Mapping[int, Sweep], member: int, console: Console) -> None:
    """Stacks over the number of jobs, and what bounds their memory.

    Args:
        runs: by the number of jobs.
        member: bytes that one more student adds to a stack.
        console: where it goes.
    """
    table = _table(
        "Exact stacks over the number of jobs, end to end",
        ["jobs", "processes", "stacks", "seconds", "s a job", _OUTSIDE, "peak MiB"],
    )
    for jobs, run in runs.items():
        table.add_row(
            str(jobs),
            str(run.processes),
            ", ".join(f"{run.stacks.count(size)} of {size}" for size in sorted(set(run.stacks))),
            f"{run.seconds:.1f}",
            f"{run.a_job:.3f}",
            _outside(run),
            f"{run.peak / _MIB:,.0f}",
        )
    console.print(table)
    processes = max(run.processes for run in runs.values())
    console.print(
        f"Bound: a process trains one stack at a time, of at most {MAX_STACK} students of about "
        f"{member / _MIB:.2f} MiB: {processes} x {MAX_STACK} x {member / _MIB:.2f} = "
        f"{processes * MAX_STACK * member / _MIB:,.0f} MiB beside what the processes hold anyway, "
        "however many jobs there are; hydra.launcher.memory_gib sets less."
    )
    if len(runs) > 1:
        *_, (few, before), (many, after) = sorted(runs.items())
        more = (after.peak - before.peak) / (many - few) / _MIB
        console.print(f"From {few} to {many} jobs the peak grew by {more:.2f} MiB a job.")


def _table(title: str, headings: Sequence[str]) -> Table:
    table = Table(title=title)
    for place, heading in enumerate(headings):
        table.add_column(heading, justify="right" if place else "left")
    return table


def _outside(run: Sweep) -> str:
    return f"{run.outside_at_least:.3f} to {run.outside_at_most:.3f}"
