"""How far a sweep is: counted where the work is done, shown where the user looks."""

import json
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.text import Text

_QUIET_SECONDS = 10.0  # between two lines where there is no terminal


@dataclass
class Count:
    """What is done: epochs of single models, jobs, and how many of those failed."""

    epochs: int = 0
    jobs: int = 0
    failed: int = 0


class Ticker(Protocol):
    """Something that is told of progress."""

    def tick(self, *, epochs: int = 0, jobs: int = 0, failed: int = 0) -> None:
        """So much more is done."""
        ...


class FileTicker:
    """Progress of one process, left in a file for another to read.

    Args:
        path: of the file; its folder exists.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._count = Count()

    def tick(self, *, epochs: int = 0, jobs: int = 0, failed: int = 0) -> None:
        """So much more is done."""
        self._count.epochs += epochs
        self._count.jobs += jobs
        self._count.failed += failed
        try:
            self._path.write_text(json.dumps(asdict(self._count)))
        except OSError:  # progress is not worth a job
            return


def read_counts(paths: Iterable[Path]) -> Count:
    """The sum of what several processes left."""
    total = Count()
    for path in paths:
        try:
            seen = Count(**json.loads(path.read_text()))
        except (OSError, ValueError, TypeError):  # not there yet, or half written
            continue
        total.epochs += seen.epochs
        total.jobs += seen.jobs
        total.failed += seen.failed
    return total


class Board:
    """The one live display of a sweep: jobs done, failed, remaining, and the time left.

    On a terminal it is a bar; elsewhere a line now and then.

    Args:
        console: where to.
        jobs: how many there are.
        epochs: about how many epochs of single models will be trained.
        epochs_a_job: what measuring and tracking one job takes, in such epochs.
    """

    def __init__(self, console: Console, jobs: int, epochs: int, epochs_a_job: float = 1.0) -> None:
        self._console = console
        self._jobs = jobs
        self._per_job = epochs_a_job
        self._whole = epochs + jobs * epochs_a_job
        self._count = Count()
        self._elsewhere = Count()
        self._began = self._told = time.monotonic()
        self._bar: Progress | None = None
        if console.is_terminal:
            columns = (TextColumn("{task.description}"), BarColumn(bar_width=None))
            self._bar = Progress(*columns, TextColumn("{task.fields[left]}"), console=console)
            self._task = self._bar.add_task(self._text(), total=self._whole, left="")

    def __enter__(self) -> "Board":
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._show()
            self._bar.stop()

    def tick(self, *, epochs: int = 0, jobs: int = 0, failed: int = 0) -> None:
        """So much more is done in this process."""
        self._count.epochs += epochs
        self._count.jobs += jobs
        self._count.failed += failed
        self._show()

    def elsewhere(self, count: Count) -> None:
        """So much is done in the other processes, all in all."""
        if count != self._elsewhere:
            self._elsewhere = count
        self._show()

    def say(self, sentence: str) -> None:
        """A line of its own, above the bar."""
        self._console.print(Text(sentence), soft_wrap=True)

    def _done(self) -> Count:
        here, there = self._count, self._elsewhere
        return Count(here.epochs + there.epochs, here.jobs + there.jobs, here.failed + there.failed)

    def _show(self) -> None:
        done = self._done()
        reached = min(done.epochs + done.jobs * self._per_job, self._whole)
        if done.jobs >= self._jobs:  # what trained ahead unseen was counted as to be done
            reached = self._whole
        if self._bar is not None:
            left = self._left(reached)
            self._bar.update(self._task, completed=reached, description=self._text(), left=left)
            return
        now = time.monotonic()
        if now - self._told >= _QUIET_SECONDS and done.jobs < self._jobs:
            self._told = now
            left = self._left(reached)
            self._console.print(Text(f"{self._text()}{', ' + left if left else ''}"))

    def _text(self) -> str:
        done = self._done()
        remaining = max(self._jobs - done.jobs, 0)
        return f"{done.jobs} of {self._jobs} jobs done, {done.failed} failed, {remaining} remaining"

    def _left(self, reached: float) -> str:
        elapsed = time.monotonic() - self._began
        if reached <= 0 or elapsed < 1:
            return ""
        seconds = elapsed * (self._whole - reached) / reached
        return f"about {_duration(seconds)} left"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
