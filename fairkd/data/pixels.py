"""Grey images and their labels, as three sources have them."""

import gzip
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fairkd.data.catalogue_entries import CLOTHES, DEBIAN_FASHION_MNIST, DIGITS
from fairkd.data.fetch import default_cache, fetch_files, fingerprint
from fairkd.data.sources import MNIST
from fairkd.errors import DataError

_IDX_IMAGES, _IDX_LABELS = 2051, 2049


@dataclass(frozen=True)
class Pixels:
    """A source's images.

    Attributes:
        images: grey levels from 0 to 1, shape ``[N, H, W]``.
        labels: class indices, shape ``[N]``.
        classes: the classes' names.
        fingerprint: a hash of the files.
        official_test: true for the rows of an official test part, shape ``[N]``; ``None`` without
            one.
    """

    images: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int64]
    classes: tuple[str, ...]
    fingerprint: str
    official_test: npt.NDArray[np.bool_] | None = None


def mnist(cache: Path | None) -> Pixels:
    """5,000 of MNIST's digits, 500 of each, 28 x 28.

    Raises:
        DataError: they are not in the cache and cannot be fetched.
    """
    folder = fetch_files(MNIST, cache if cache is not None else default_cache())
    file = folder / next(iter(MNIST.files))
    with gzip.open(file, "rt", encoding="ascii") as text:
        table = np.loadtxt(text, delimiter=",", dtype=np.int64)
    images = table[:, :-1].reshape(-1, 28, 28).astype(np.float32) / np.float32(255)
    return Pixels(images, table[:, -1], DIGITS, fingerprint([file]))


def digits() -> Pixels:
    """scikit-learn's 1,797 digits, 8 x 8."""
    import sklearn.datasets

    source = sklearn.datasets.load_digits()
    file = Path(sklearn.datasets.__file__).parent / "data" / "digits.csv.gz"
    images = np.asarray(source.images, dtype=np.float32) / np.float32(16)
    return Pixels(images, source.target.astype(np.int64), DIGITS, fingerprint([file]))


def fashion_mnist(path: Path | None) -> Pixels:
    """Fashion-MNIST's 60,000 and 10,000 images of clothing, 28 x 28.

    Args:
        path: the folder of the four IDX files, packed (``.gz``) or not; ``None`` is where Debian's
            package dataset-fashion-mnist puts them.

    Raises:
        DataError: a file is missing, or is not what its name says.
    """
    folder = path if path is not None else DEBIAN_FASHION_MNIST
    parts = []
    files: list[Path] = []
    for part in ("train", "t10k"):
        found = [_idx_file(folder, f"{part}-{kind}") for kind in ("images-idx3", "labels-idx1")]
        files += found
        parts.append((_idx(found[0], _IDX_IMAGES), _idx(found[1], _IDX_LABELS)))
    images = np.concatenate([of_part for of_part, _ in parts]).astype(np.float32) / np.float32(255)
    labels = np.concatenate([of_part for _, of_part in parts]).astype(np.int64)
    if len(images) != len(labels):
        raise DataError(f"{folder} holds {len(images)} images and {len(labels)} labels.")
    in_test = np.arange(len(images)) >= len(parts[0][0])
    return Pixels(images, labels, CLOTHES, fingerprint(files), in_test)


SOURCES: dict[str, Callable[[Path | None], Pixels]] = {
    "mnist": mnist,
    "digits": lambda _: digits(),
    "fashion_mnist": fashion_mnist,
}


def _idx_file(folder: Path, stem: str) -> Path:
    for ending in ("-ubyte.gz", "-ubyte"):
        if (folder / f"{stem}{ending}").is_file():
            return folder / f"{stem}{ending}"
    raise DataError(
        f"data=tinted_fashion needs Fashion-MNIST's IDX files; {folder} has no {stem}-ubyte.gz. "
        "Name their folder in data.path, or install Debian's package dataset-fashion-mnist."
    )


def _idx(file: Path, magic: int) -> npt.NDArray[np.uint8]:
    """An IDX file of bytes."""
    try:
        content = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
        dimensions = magic % 256
        found, *shape = struct.unpack(f">{dimensions + 1}I", content[: 4 * (dimensions + 1)])
        values = np.frombuffer(content, dtype=np.uint8, offset=4 * (dimensions + 1))
        if found != magic:
            raise ValueError(f"it begins with {found} instead of {magic}")
        return values.reshape(shape)
    except (OSError, EOFError, ValueError, struct.error, zlib.error) as error:
        raise DataError(f"{file} is no IDX file of this kind: {error}.") from error
