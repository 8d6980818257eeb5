"""The one form in which all images of a data set reach a model."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from fairkd import checks
from fairkd.errors import ConfigError, DataError, first_line

COLOURS = {"rgb": "RGB", "grey": "L"}
"""What `ImageForm.colours` may be, and Pillow's mode for it."""
FITS = ("crop", "squeeze")
SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm")
# Pillow knows some forty formats; one of them starts another program.
_FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM")

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class ImageForm:
    """Extent and colours of prepared images.

    Attributes:
        height: in pixels.
        width: in pixels.
        colours: ``rgb``, three channels, or ``grey``, one.
        fit: ``crop`` takes the largest centred part of the right proportions and scales it,
            ``squeeze`` scales the whole image, whatever that does to its proportions.
    """

    height: int
    width: int
    colours: str = "rgb"
    fit: str = "crop"

    @classmethod
    def of(cls, size: object, colours: object, fit: object) -> "ImageForm":
        """Check configured values.

        Args:
            size: one whole number, or a list of height and width.
            colours: a key of `COLOURS`.
            fit: one of `FITS`.

        Raises:
            ConfigError: a value that cannot work.
        """
        pair = list(size) if isinstance(size, list | tuple) else [size, size]
        if len(pair) != 2:
            raise ConfigError(
                f"data.size={checks.as_typed(size)} is no extent; accepted: a whole number, or "
                "height and width as in data.size=[48,64]."
            )
        height, width = (checks.whole("data.size", value, least=1) for value in pair)
        return cls(
            height,
            width,
            checks.choice("data.colours", colours, tuple(COLOURS)),
            checks.choice("data.fit", fit, FITS),
        )

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of one prepared image, ``(C, H, W)``."""
        return (3 if self.colours == "rgb" else 1, self.height, self.width)

    def to_json(self) -> dict[str, Any]:
        """The attributes as plain JSON types."""
        return asdict(self)

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> "ImageForm":
        """What `to_json` gave.

        Raises:
            ValueError, KeyError, TypeError: it is something else.
        """
        try:
            return cls.of([plain["height"], plain["width"]], plain["colours"], plain["fit"])
        except ConfigError as error:
            raise ValueError(str(error)) from error

    def pixels(self, file: Path) -> Pixels:
        """An image file in this form, from 0 to 255, shape ``[C, H, W]``.

        It is turned as its camera noted, put on white where it is transparent, and scaled by
        Pillow's bilinear filter, which averages where it makes smaller. Of several frames it is the
        first.

        Raises:
            DataError: why the file is no image that can be read, without its name.
        """
        try:
            with Image.open(file, formats=_FORMATS) as image:
                _check_extent(image)
                return self._prepared(image)
        except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
            raise DataError("it has more pixels than is safe to decode") from error
        except UnidentifiedImageError as error:
            known = ", ".join(_FORMATS)
            raise DataError(f"it is no image of a known format ({known})") from error
        except (OSError, ValueError, SyntaxError, EOFError) as error:
            said = getattr(error, "strerror", None) or first_line(error)
            raise DataError(f"it cannot be decoded: {said}") from error

    def read(self, file: Path) -> Pixels:
        """The `pixels` of a file that has to be an image.

        Raises:
            DataError: it is none that can be read; with its name.
        """
        try:
            return self.pixels(file)
        except DataError as error:
            raise DataError(f"The image {file} cannot be used: {error}.") from error

    def _prepared(self, image: Image.Image) -> Pixels:
        upright = ImageOps.exif_transpose(image)
        mode = COLOURS[self.colours]
        flat = _of_eight_bits(_opaque(upright)).convert(mode)
        extent = (self.width, self.height)
        bilinear = Image.Resampling.BILINEAR
        if self.fit == "crop":
            scaled = ImageOps.fit(flat, extent, bilinear)
        else:
            scaled = flat.resize(extent, bilinear)
        found = np.asarray(scaled, dtype=np.uint8)
        return found[None] if mode == "L" else np.ascontiguousarray(found.transpose(2, 0, 1))


def _check_extent(image: Image.Image) -> None:
    """Pillow warns above its limit, and refuses above twice that."""
    limit = Image.MAX_IMAGE_PIXELS
    if limit is not None and image.width * image.height > limit:
        raise Image.DecompressionBombError


def _opaque(image: Image.Image) -> Image.Image:
    if not image.has_transparency_data:
        return image
    on_white = Image.new("RGBA", image.size, "white")
    on_white.alpha_composite(image.convert("RGBA"))
    return on_white


def _of_eight_bits(image: Image.Image) -> Image.Image:
    """Grey levels of sixteen bits divided by 257, which Pillow would cut off at 255."""
    if image.mode.startswith("I;16"):
        levels = (np.asarray(image).astype(np.uint32) + 128) // 257
        return Image.fromarray(levels.astype(np.uint8))
    if image.mode in ("I", "F"):
        raise DataError("its grey levels have 32 bits, of no known range")
    return image
