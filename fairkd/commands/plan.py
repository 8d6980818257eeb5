"""What a job would do, without doing it."""

import statistics
from collections.abc import Sequence

from fairkd.job import FORCES, Job
from fairkd.store import Store
from fairkd.sweeps.pieces import KINDS, Cut, Division
from fairkd.training.fit import steps_per_epoch

_SECONDS_A_JOB = 0.2  # building, measuring and tracking it


def plan(job: Job, store: Store) -> str:
    """What would be trained, what reused, and how long it may take.

    Args:
        job: built.
        store: looked into, never written.
    """
    forced = FORCES[job.force]
    keys = {"teacher": job.keys.teacher, "control": job.keys.control, "student": job.keys.student}
    lines = [f"{job.name} (job {job.keys.job})"]
    seconds: list[float | None] = []
    done = "job" not in forced and store.holds("job", job.keys.job)
    if job.teacher.given is not None:
        lines.append(f"  teacher: would be taken from {job.teacher.given.source}")
        del keys["teacher"]
    for place, key in enumerate(job.keys.above, start=1):
        kept = "teacher" not in forced and store.holds("teacher", key)
        called = "teacher" + "'s teacher" * place
        lines.append(f"  {called}: would be {'reused' if kept else 'trained'} ({key})")
    for kind, key in keys.items():
        if kind not in forced and store.holds(kind, key):
            lines.append(f"  {kind}: would be reused ({key})")
            continue
        settings = job.teacher.settings if kind == "teacher" else job.student.settings
        rows = job.dataset.splits["train"].size
        expected = _expected_seconds(
            store, kind, settings.max_epochs * steps_per_epoch(settings, rows)
        )
        seconds.append(expected)
        guess = "no estimate yet" if expected is None else f"roughly {max(expected, 1):.0f} s"
        work = f"{settings.max_epochs} epochs at most, {guess}"
        lines.append(f"  {kind}: would be trained, {work} ({key})")
    for name, key in job.keys.compressed.items():
        kept = "compressed" not in forced and store.holds("compressed", key)
        epochs = job.compression[name].trained_epochs
        work = f"made of the student{f' with {epochs} epochs of training' if epochs else ''}"
        lines.append(f"  {name}: would be {'reused' if kept else work} ({key})")
    if job.baseline is not None and job.keys.baseline is not None:
        kept = "baseline" not in forced and store.holds("baseline", job.keys.baseline)
        named = " and ".join(job.baseline.rows)
        lines.append(f"  {named}: would be {'reused' if kept else 'fitted'} ({job.keys.baseline})")
    if done:
        lines.append("  everything is in the store: no training, no measuring")
    elif all(known is not None for known in seconds):
        lines.append(f"  estimated training time: {sum(s for s in seconds if s):.0f} s")
    else:
        lines.append("  estimated training time: unknown until a first model was trained here")
    return "\n".join(lines)


def sweep_plan(
    jobs: Sequence[tuple[int, tuple[str, ...], Job]],
    division: Division,
    store: Store,
    cut: Cut | None,
) -> str:
    """What a sweep would do: its jobs, its stacks, what is reused, and how long it may take.

    Args:
        jobs: number, overrides and job of each.
        division: how they would be divided.
        store: looked into, never written.
        cut: how they would be cut; ``None`` for a launcher that does not stack.
    """
    ways = dict.fromkeys(division.reused, "from the store")
    ways |= {place: f"alone ({reason})" for place, reason in division.alone.items()}
    stacks = [piece.jobs for piece in division.then if not set(piece.jobs) & set(ways)]
    for number, places in enumerate(stacks, start=1):
        ways |= dict.fromkeys(places, f"in stack {number}")
    lines = [
        f"#{number} {' '.join(words)}: {ways.get(place, 'with another job')} ({job.keys.job})"
        for place, (number, words, job) in enumerate(jobs)
    ]
    lines.append(division.sentence())
    seconds = 0.0
    for kind in KINDS:
        job = jobs[0][2]
        settings = job.teacher.settings if kind == "teacher" else job.student.settings
        rows = job.dataset.splits["train"].size
        steps = settings.max_epochs * steps_per_epoch(settings, rows)
        count = division.trained.get(kind, 0)
        expected = _expected_seconds(store, kind, steps)
        if count and expected is None:
            return "\n".join(
                [*lines, f"estimated time: unknown until a first {kind} was trained here"]
            )
        seconds += count * (expected or 0.0)
    seconds += _SECONDS_A_JOB * len(jobs)
    if cut is not None:
        seconds /= cut.processes
    return "\n".join([*lines, f"estimated time: roughly {max(seconds, 1):.0f} s"])


def _expected_seconds(store: Store, kind: str, count: int) -> float | None:
    """From the median time of a step among the kept models of the kind."""
    per_step = [
        entry.about["seconds"] / entry.about["steps"]
        for entry in store.entries(kind)
        if entry.about.get("steps")
    ]
    return statistics.median(per_step) * count if per_step else None
