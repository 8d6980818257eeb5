"""A job's own folder: the student with all that scoring raw rows needs, and the pictures."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from torch import Tensor

from fairkd.data.dataset import PREPARATION, Dataset
from fairkd.errors import StoreError
from fairkd.serving.description import Description
from fairkd.store import tensor_bytes

FIGURES = "figures"
"""The folder of a job, and of its run's artifacts."""


def weights_file(model: str) -> str:
    """The name of a file with a model's weights."""
    return f"{model}.safetensors"


def write_student(
    output: Path,
    weights: Mapping[str, Mapping[str, Tensor]],
    dataset: Dataset,
    description: Description,
) -> None:
    """Put the student, as `fairkd.serving.student.Student` reads it, into the job's folder.

    All of it is written, or nothing.

    Args:
        output: the job's folder.
        weights: of the student, and of what compression made of it, by name.
        dataset: whose preparation belongs to them.
        description: what they are.

    Raises:
        StoreError: the folder cannot be written.
    """
    with _writing(output):
        output.mkdir(parents=True, exist_ok=True)
        for left in output.glob(".partial-*"):  # by a process that was killed at this very job
            shutil.rmtree(left, ignore_errors=True)
        with TemporaryDirectory(dir=output, prefix=".partial-") as name:
            partial = Path(name)
            for model, tensors in weights.items():
                (partial / weights_file(model)).write_bytes(tensor_bytes(tensors))
            description.save(partial)
            if dataset.preparation is not None:
                dataset.preparation.save(partial / PREPARATION)
            shutil.rmtree(output / PREPARATION, ignore_errors=True)
            for made in sorted(partial.iterdir()):
                made.replace(output / made.name)


def write_figures(output: Path, figures: Mapping[str, bytes]) -> None:
    """Put pictures into the job's folder, whole or not at all.

    Args:
        output: the job's folder, which is there.
        figures: the content of each file by its name.

    Raises:
        StoreError: the folder cannot be written.
    """
    with _writing(output):
        shutil.rmtree(output / FIGURES, ignore_errors=True)
        if not figures:
            return
        with TemporaryDirectory(dir=output, prefix=".partial-") as partial:
            made = Path(partial) / FIGURES
            made.mkdir()
            for name, content in figures.items():
                (made / name).write_bytes(content)
            made.replace(output / FIGURES)


@contextmanager
def _writing(output: Path) -> Iterator[None]:
    """Raises `StoreError` where the job's folder cannot be written."""
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"The job's folder {output} cannot be written ({error.strerror or error}); free some "
            "space or set hydra.run.dir to another place."
        ) from error
