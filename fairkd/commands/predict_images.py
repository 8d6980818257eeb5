"""``fairkd predict`` of images: those of a manifest, or of a folder."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from fairkd.commands.asking import names_of
from fairkd.commands.predict_shown import check_kept, decided, progress
from fairkd.errors import ConfigError, DataError

if TYPE_CHECKING:
    from fairkd.data.reading import Reading
    from fairkd.serving.student import Student


def score_images(
    student: "Student", values: Mapping[str, str], reading: "Reading", out: Path
) -> list[str]:
    """Write the scores of a manifest's images, or of a folder's, and say what was scored.

    Args:
        student: one that takes images.
        values: the command's words.
        reading: how to read a manifest.
        out: the file of the scores.

    Raises:
        FairkdError: images that are missing or broken, or words about other rows.
    """
    from fairkd.data.image_batches import ImageBatches
    from fairkd.files import writing_whole
    from fairkd.serving.scores_file import scores_file
    from fairkd.serving.scoring import scored_images

    if "unknown" in values:
        raise ConfigError("unknown is of tables, and this student takes images; leave it out.")
    keep = names_of(values, "keep")
    images = ImageBatches.open(values["data.path"], values.get("data.file"), keep, reading)
    keep = tuple(name for name in keep if name != images.file)  # it stands there anyway
    check_kept(student, (*keep, images.file))
    rows = 0
    with (
        writing_whole(out) as partial,
        scores_file(partial, out.suffix) as file,
        progress() as bar,
    ):
        shown = bar.add_task("scoring", total=images.rows)
        for some in images.parts():
            file.write(scored_images(student, some, keep))
            rows += len(some.files)
            bar.advance(shown, len(some.files))
        if not rows:
            raise DataError(f"{images.origin} has columns and no rows; name another in data.path.")
    return [f"rows     {rows:,} images of {images.origin}", decided(student)]
