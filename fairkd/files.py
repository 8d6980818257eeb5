"""Files and folders that are written whole or not at all."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4


def write_whole(text: str, path: Path) -> None:
    """Write a text as UTF-8, in a folder that is made where there is none.

    Raises:
        OSError: it cannot be written; then what was there before is there still.
    """
    with writing_whole(path) as partial:
        partial.write_text(text, encoding="utf-8", newline="\n")


@contextmanager
def writing_whole(path: Path) -> Iterator[Path]:
    """A place beside ``path``, whose folder is made where there is none, for what goes there.

    At the end of the block it gets its name; if the block fails, what was there before is there
    still, and nothing else. A folder takes the place of a folder as a whole, a file never does.

    Raises:
        OSError: it cannot be written.
    """
    partial = path.with_name(f".{uuid4().hex}.partial")
    before = partial.with_suffix(".before")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield partial
        if partial.is_dir() and path.is_dir() and not path.is_symlink():
            path.rename(before)
        partial.replace(path)
    except BaseException:
        if before.is_dir() and not path.exists():
            before.rename(path)
        raise
    finally:
        for left in (partial, before):
            shutil.rmtree(left, ignore_errors=True)
            with suppress(OSError):
                left.unlink(missing_ok=True)
