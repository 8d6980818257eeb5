"""Images decoded once, and kept in the form in which models take them."""

import hashlib
import json
import logging
import os
import shutil
import tempfile
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import PIL
from filelock import FileLock
from PIL import Image
from rich.console import Console
from rich.progress import Progress

from fairkd.data.fetch import sha256_of
from fairkd.data.image_form import ImageForm, Pixels
from fairkd.errors import DataError

logger = logging.getLogger(__name__)

FORMAT = 1
PIXELS = "pixels.npy"
INDEX = "index.json"
_FOLDER = "images"
_AT_ONCE = 256


@dataclass(frozen=True, eq=False)
class Decoded:
    """Image files in one form.

    Attributes:
        pixels: from 0 to 255, shape ``[N, C, H, W]``, mapped from a file and not to be written;
            zeros where a file is broken.
        checksums: of each file's content, in hexadecimal.
        broken: by a file's place, why it cannot be decoded.
    """

    pixels: Pixels
    checksums: tuple[str, ...]
    broken: Mapping[int, str]


def decoded(files: Sequence[Path], form: ImageForm, cache: Path) -> Decoded:
    """Decode images, or take them from the cache.

    The place there is a hash of all files' contents in their order, the form and Pillow's version.
    What was damaged there is reported as a warning and made anew; a lock keeps two processes from
    decoding the same files.

    Args:
        files: at least one.
        form: what to make of them.
        cache: the folder of fetched and prepared data.

    Raises:
        DataError: a file that cannot be read from disk, or a cache that cannot be written.
    """
    checksums = _checksums(files)
    folder = cache / _FOLDER / _key(checksums, form)
    shape = (len(files), *form.shape)
    try:
        found = _kept(folder, shape)
        if found is None:  # looked for before the lock, since a shared cache may be read-only
            folder.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(folder.with_name(f".{folder.name}.lock")):
                found = _kept(folder, shape)
                if found is None:
                    _make(folder, files, form)
                    found = _kept(folder, shape)
    except OSError as error:
        raise DataError(
            f"Decoded images cannot be kept in {folder} ({error.strerror or error}); name a folder "
            "that can be written, on a disk with room, in paths.data or in the environment "
            "variable FAIRKD_DATA."
        ) from error
    if found is None:
        raise DataError(f"Decoded images in {folder} are damaged as soon as they are written.")
    pixels, broken = found
    return Decoded(pixels, checksums, broken)


def _checksums(files: Sequence[Path]) -> tuple[str, ...]:
    try:
        with ThreadPoolExecutor(_workers()) as pool:
            return tuple(pool.map(sha256_of, files))
    except OSError as error:
        raise DataError(
            f"The image {error.filename} cannot be read ({error.strerror or error}); correct its "
            "permissions, or leave it out."
        ) from error


def _key(checksums: Sequence[str], form: ImageForm) -> str:
    parts = [FORMAT, PIL.__version__, form.to_json(), checksums]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


def _kept(folder: Path, shape: tuple[int, ...]) -> tuple[Pixels, dict[int, str]] | None:
    if not folder.is_dir():
        return None
    try:
        index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
        if sha256_of(folder / PIXELS) != index["sha256"]:
            raise ValueError("another checksum")
        pixels = np.load(folder / PIXELS, mmap_mode="r", allow_pickle=False)
        if pixels.shape != shape or pixels.dtype != np.uint8:
            raise ValueError(f"{pixels.dtype} of shape {pixels.shape}")
        return pixels, {int(place): str(why) for place, why in index["broken"].items()}
    except PermissionError:
        raise
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        logger.warning("Decoded images in %s are damaged (%s); decoding again.", folder, error)
        return None


def _make(folder: Path, files: Sequence[Path], form: ImageForm) -> None:
    """Decode into a folder of another name, and give it its own when it is whole."""
    channels, height, width = form.shape
    logger.info("Decoding %s images to %d x %d x %d.", f"{len(files):,}", channels, height, width)
    began = time.perf_counter()
    partial = Path(tempfile.mkdtemp(prefix=".partial-", dir=folder.parent))
    try:
        broken = _decode(partial / PIXELS, files, form)
        index = {
            "format": FORMAT,
            "sha256": sha256_of(partial / PIXELS),
            "broken": {str(place): why for place, why in broken.items()},
        }
        (partial / INDEX).write_text(json.dumps(index), encoding="utf-8")
        partial.chmod(0o755)
        if folder.exists():
            shutil.rmtree(folder)
        partial.replace(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    logger.info("Decoded in %.1f s, kept in %s.", time.perf_counter() - began, folder)


def _decode(target: Path, files: Sequence[Path], form: ImageForm) -> dict[int, str]:
    """Write all images' pixels into one file; return what cannot be decoded, and why."""
    pixels = np.lib.format.open_memmap(target, "w+", np.uint8, (len(files), *form.shape))
    broken = {}

    def one(file: Path) -> Pixels | str:
        try:
            return form.pixels(file)
        except DataError as error:
            return str(error)

    with (
        warnings.catch_warnings(),  # not in the threads, which share the filters
        ThreadPoolExecutor(_workers()) as pool,
        _shown(len(files)) as shown,
    ):
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # it is refused
        # Some at a time: an interruption waits for those that were handed out.
        for first in range(0, len(files), _AT_ONCE):
            for place, found in enumerate(pool.map(one, files[first : first + _AT_ONCE]), first):
                if isinstance(found, str):
                    broken[place] = found
                else:
                    pixels[place] = found
                shown.advance()
    pixels.flush()
    return broken


class _Shown:
    def __init__(self, progress: Progress, total: int) -> None:
        self._progress = progress
        self._task = progress.add_task("Decoding images", total=total)

    def advance(self) -> None:
        self._progress.advance(self._task)


@contextmanager
def _shown(total: int) -> Iterator[_Shown]:
    """A bar on a terminal that is gone afterwards; nothing elsewhere."""
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        yield _Shown(progress, total)


def _workers() -> int:
    return min(8, os.cpu_count() or 1)
