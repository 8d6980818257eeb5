"""Ctrl-C ends a command once: what it needs to leave everything in order is not interrupted."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_PATIENCE = 10.0  # seconds for putting things in order; after them Ctrl-C is heard again


@contextmanager
def interrupted_once() -> Iterator[None]:
    """Within, the first Ctrl-C raises `KeyboardInterrupt`, and those soon after it do nothing.

    Workers are ended and runs are marked killed meanwhile. Where Ctrl-C is somebody else's
    business (another handler, another thread), it stays that.

    Raises:
        KeyboardInterrupt: Ctrl-C, also where what was interrupted made another error of it, as
            half-done imports do.
    """
    before = signal.getsignal(signal.SIGINT)
    is_main = threading.current_thread() is threading.main_thread()
    if before is not signal.default_int_handler or not is_main:
        yield
        return
    heard: float | None = None

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        nonlocal heard
        now = time.monotonic()
        if heard is None or now - heard >= _PATIENCE:
            heard = now
            raise KeyboardInterrupt

    signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    except Exception as error:
        if heard is not None:
            raise KeyboardInterrupt from error
        raise
    finally:
        signal.signal(signal.SIGINT, before)
