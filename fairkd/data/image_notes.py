"""What a person should know of a set of images before a model learns from it."""

from collections import Counter
from collections.abc import Sequence

from fairkd.data.classes import Classes
from fairkd.data.dataset import Dataset
from fairkd.data.image_cache import Decoded
from fairkd.data.image_list import ImageList

_SHOWN = 3


def broken_images(listed: ImageList, found: Decoded) -> str:
    """The first broken images and what is wrong with them, and how many there are."""
    reasons = [f"{listed.files[place]} ({why})" for place, why in found.broken.items()]
    more = ", ..." if len(reasons) > _SHOWN else ""
    return f"{len(reasons)} of {len(listed.files)} images, {', '.join(reasons[:_SHOWN])}{more}"


def notes(
    listed: ImageList,
    found: Decoded,
    kept: Sequence[int],
    label: str,
    classes: Classes,
    data: Dataset,
) -> tuple[str, ...]:
    """What the images are taken for, a line each.

    Args:
        listed: the images that there are.
        found: what they hold.
        kept: the places of those that are used.
        label: the label's column.
        classes: its values.
        data: what was made of them.
    """
    names = classes.names
    which = f"'{names[1]}' is positive ({classes.how})" if len(names) == 2 else classes.how
    groups = [f"{block.name} ({', '.join(block.cells)})" for block in data.blocks]
    lines = [
        f"{len(kept):,} images of {listed.origin}, as {' x '.join(map(str, data.shape))}",
        f"label {label}: {', '.join(map(repr, names))}; {which}",
        f"groups: {'; '.join(groups)}",
    ]
    if found.broken:
        lines.append(f"left out, as they cannot be decoded: {broken_images(listed, found)}")
    if listed.left_out:
        lines.append(f"left out, as the pattern does not fit their names: {listed.left_out} images")
    if listed.ambiguous:
        first = listed.ambiguous[0]
        row = listed.frame[listed.frame[listed.file] == first].iloc[0].drop(listed.file)
        taken = ", ".join(f"{name} '{value}'" for name, value in row.items())
        lines.append(
            f"warning: data.pattern fits the names of {len(listed.ambiguous)} images in several "
            f"ways and those of the others in one; fields are as short as they can be: {first} has "
            f"{taken}"
        )
    times = Counter(found.checksums[place] for place in kept)
    if copies := sum(count for count in times.values() if count > 1):
        lines.append(
            f"{copies} images have the same content as another, so that a test image may be one "
            "that was trained on; remove copies, or keep them together with data.split.by=entity"
        )
    return tuple(" ".join(line.split()) for line in lines)
