"""Do pieces of work in several processes, and survive the death of any of them."""

import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import psutil
from loky import ProcessPoolExecutor
from loky.process_executor import BrokenProcessPool

Piece = TypeVar("Piece")
Result = TypeVar("Result")

_PATIENCE = 0.25  # seconds between two looks at the progress
_UNREADABLE = "task has failed to un-serialize"  # loky's words: it will not do so a second time
_WATCH = 0.5  # seconds between two looks at whether the parent still lives
_ENVIRONMENT = {
    **dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"),
    "LOKY_MAX_MEMORY_LEAK_SIZE": "1e18",  # bytes; a process that trains grows, and is no leak
}


class DiedError(Exception):
    """The process that did a piece of work is gone."""


@dataclass(frozen=True)
class Done(Generic[Piece, Result]):
    """One finished piece of work.

    Attributes:
        piece: what was to be done.
        result: what came of it; ``None`` where there is an error.
        error: what was raised, `DiedError` where the process died.
    """

    piece: Piece
    result: Result | None
    error: BaseException | None = None


class Pool:
    """Processes of one thread each, every one with a queue of one.

    Each process is an executor of its own, so that a death is known to belong to the piece of work
    that it happened in. A dead process is replaced.

    Args:
        size: the number of processes.
        setup: called once in each new process.
    """

    def __init__(self, size: int, setup: Callable[[], None]) -> None:
        self.size = size
        self._setup = setup
        self._slots = [self._executor() for _ in range(size)]
        self._begun: dict[Future[Any], int] = {}

    def warm(self) -> None:
        """Start the processes now, so that they import what they need meanwhile."""
        for slot in self._slots:
            with _deaf():
                slot.submit(os.getpid)

    def begin(self, piece: Piece, work: Callable[[Piece], Result]) -> "Future[Result]":
        """Do a piece in the first process before any other; `run` does not wait for it."""
        future = self._submit(0, work, piece)
        self._begun[future] = 0
        return future

    def run(
        self,
        pieces: Sequence[Piece],
        work: Callable[[Piece], Result],
        meanwhile: Callable[[], None],
    ) -> Iterator[Done[Piece, Result]]:
        """Do every piece, as many at once as there are processes, and yield each when it is done.

        Args:
            pieces: sent to a process, so they can be pickled.
            work: a function that can be pickled.
            meanwhile: called several times a second while waiting.
        """
        left = deque(pieces)
        busy: dict[Future[Result], tuple[int, Piece]] = {}
        free = [slot for slot in range(self.size) if slot not in self._begun.values()]
        while left or busy:
            while left and free:
                slot, piece = free.pop(), left.popleft()
                busy[self._submit(slot, work, piece)] = (slot, piece)
            running = [*busy, *self._begun]
            finished, _ = wait(running, timeout=_PATIENCE, return_when=FIRST_COMPLETED)
            meanwhile()
            for future in finished:
                error = future.exception()
                asked = busy.pop(future, None)
                slot = self._begun.pop(future) if asked is None else asked[0]
                if isinstance(error, BrokenProcessPool):
                    self._slots[slot] = self._executor()
                if isinstance(error, BrokenProcessPool) and _UNREADABLE not in str(error):
                    error = DiedError(str(error).splitlines()[0])
                free.append(slot)
                if asked is not None:
                    yield Done(asked[1], None if error else future.result(), error)

    def close(self) -> None:
        """End the processes at once, whatever they are doing."""
        for slot in self._slots:
            slot.shutdown(wait=True, kill_workers=True)

    def _submit(self, slot: int, work: Callable[[Piece], Result], piece: Piece) -> "Future[Result]":
        with _deaf():
            try:
                future: Future[Result] = self._slots[slot].submit(work, piece)
            except BrokenProcessPool:  # it died while it had nothing to do
                self._slots[slot] = self._executor()
                future = self._slots[slot].submit(work, piece)
            return future

    def _executor(self) -> Any:
        return ProcessPoolExecutor(
            max_workers=1,
            initializer=_begin,
            initargs=(self._setup, os.getpid()),
            env=_ENVIRONMENT,
            timeout=None,
        )


@contextmanager
def pool(size: int, setup: Callable[[], None]) -> Iterator[Pool]:
    """A `Pool` that is closed afterwards."""
    made = Pool(size, setup)
    try:
        yield made
    finally:
        made.close()


def processes(wished: int | None, jobs: int, per_process: int) -> int:
    """How many processes to use.

    Args:
        wished: by the user; ``None`` leaves it to us.
        jobs: how many there are to do.
        per_process: so many jobs make one more process worth its start.
    """
    if wished is not None:
        return max(1, min(wished, jobs))
    return max(1, min(_cores(), jobs // per_process))


def _cores() -> int:
    """The cores that this process may use; two threads of one core count once."""
    physical = psutil.cpu_count(logical=False) or 1
    allowed = getattr(os, "sched_getaffinity", None)
    return min(physical, len(allowed(0))) if allowed is not None else physical


def ignore_interrupts() -> None:
    """Leave Ctrl-C to the process that started this one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def _deaf() -> Iterator[None]:
    """Start processes within that never hear Ctrl-C, not even before they can ignore it.

    They inherit a blocked signal; this process hears it afterwards.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin(setup: Callable[[], None], parent: int) -> None:
    """Make a new process ready, and have it end with its parent, however that one ends."""
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    setup()


def _end_with(parent: int) -> None:
    """End this process at once when it has lost its parent: nobody would take its results."""
    while os.getppid() == parent:
        time.sleep(_WATCH)
    os._exit(1)
