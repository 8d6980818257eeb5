from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fairkd.data.image_form import ImageForm
from fairkd.errors import ConfigError, DataError


def _saved(array: np.ndarray, path: Path, **given: object) -> Path:
    Image.fromarray(array).save(path, **given)
    return path


@pytest.fixture
def halves(tmp_path: Path) -> Path:
    """Twelve columns and six rows: black, then white from the sixth column on."""
    array = np.zeros((6, 12, 3), dtype=np.uint8)
    array[:, 6:] = 255
    return _saved(array, tmp_path / "halves.png")


def test_an_image_of_the_right_extent_is_left_as_it_is(tmp_path: Path) -> None:
    array = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    found = ImageForm(5, 7).pixels(_saved(array, tmp_path / "a.png"))
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, array.transpose(2, 0, 1))


def test_grey_of_a_colour_is_its_luma(tmp_path: Path) -> None:
    array = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [9, 9, 9]]], dtype=np.uint8)
    found = ImageForm(1, 4, colours="grey").pixels(_saved(array, tmp_path / "a.png"))
    assert found.shape == (1, 1, 4)
    # ITU-R 601: 0.299, 0.587 and 0.114
    np.testing.assert_allclose(found.ravel(), [76.2, 149.7, 29.1, 9.0], atol=0.6)


def test_crop_takes_the_middle_and_squeeze_takes_all(halves: Path) -> None:
    cropped = ImageForm(6, 6).pixels(halves)[0]
    np.testing.assert_array_equal(cropped, [[0, 0, 0, 255, 255, 255]] * 6)
    squeezed = ImageForm(1, 2, fit="squeeze").pixels(halves)[0]
    assert squeezed[0, 0] < 60
    assert squeezed[0, 1] > 195
    edges = np.zeros((2, 10, 3), dtype=np.uint8)
    edges[:, [0, 1, 8, 9]] = 255  # what the crop takes away
    file = _saved(edges, halves.with_name("edges.png"))
    assert ImageForm(2, 2).pixels(file).max() == 0
    assert ImageForm(2, 2, fit="squeeze").pixels(file).min() > 0


def test_making_smaller_averages(tmp_path: Path) -> None:
    board = (np.indices((32, 32)).sum(0) % 2 * 255).astype(np.uint8)
    found = ImageForm(4, 4, colours="grey").pixels(_saved(board, tmp_path / "board.png"))
    assert np.abs(found.astype(int) - 127).max() <= 4


def test_what_a_camera_noted_turns_the_image(tmp_path: Path) -> None:
    array = np.zeros((4, 8, 3), dtype=np.uint8)
    array[:, :4] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: the left side is up
    file = _saved(array, tmp_path / "turned.png", exif=exif)
    found = ImageForm(8, 4).pixels(file)[0]
    assert (found[:4] == 255).all()
    assert (found[4:] == 0).all()


def test_transparent_parts_are_white_whatever_colour_they_hide(tmp_path: Path) -> None:
    array = np.zeros((1, 2, 4), dtype=np.uint8)
    array[0, 0] = (200, 0, 0, 255)
    found = ImageForm(1, 2).pixels(_saved(array, tmp_path / "clear.png"))
    np.testing.assert_array_equal(found[:, 0, :], [[200, 255], [0, 255], [0, 255]])


def test_sixteen_bits_are_scaled_and_not_cut_off(tmp_path: Path) -> None:
    levels = np.array([[0, 257, 32896, 65535]], dtype=np.uint16)
    found = ImageForm(1, 4, colours="grey").pixels(_saved(levels, tmp_path / "deep.png"))
    assert found.ravel().tolist() == [0, 1, 128, 255]


def test_of_an_animation_it_is_the_first_frame(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (3, 3), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "two.gif", save_all=True, append_images=frames[1:])
    found = ImageForm(3, 3).pixels(tmp_path / "two.gif")
    assert found[:, 0, 0].tolist() == [255, 0, 0]


def _truncated(path: Path) -> None:
    array = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    content = _saved(array, path).read_bytes()
    path.write_bytes(content[: len(content) // 2])


@pytest.mark.parametrize(
    ("write", "why"),
    [
        (lambda path: path.write_bytes(b""), "it is no image of a known format "),
        (lambda path: path.write_bytes(b"<html>"), "it is no image of a known format "),
        # Pillow would hand this one to another program.
        (
            lambda path: path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 5 5\n"),
            "it is no image of a known format ",
        ),
        (_truncated, "it cannot be decoded: "),
        (lambda path: path.mkdir(), "it cannot be decoded: Is a directory"),
        (lambda path: None, "it cannot be decoded: No such file or directory"),
        (
            lambda path: Image.fromarray(np.ones((2, 2), dtype=np.float32)).save(path, "TIFF"),
            "its grey levels have 32 bits, of no known range",
        ),
    ],
)
def test_what_cannot_be_read_says_why(tmp_path: Path, write, why: str) -> None:
    path = tmp_path / "a.png"
    write(path)
    with pytest.raises(DataError) as refused:
        ImageForm(4, 4).pixels(path)
    assert str(refused.value).startswith(why)
    with pytest.raises(DataError) as named:
        ImageForm(4, 4).read(path)
    assert str(named.value) == f"The image {path} cannot be used: {refused.value}."


@pytest.mark.parametrize("limit", [99, 49])  # Pillow warns above its limit, and refuses above twice
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_a_bomb_is_not_decoded(tmp_path: Path, monkeypatch, limit: int) -> None:
    file = _saved(np.zeros((10, 10), dtype=np.uint8), tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    with pytest.raises(DataError) as refused:
        ImageForm(4, 4).pixels(file)
    assert str(refused.value) == "it has more pixels than is safe to decode"


def test_an_extent_is_one_number_or_two() -> None:
    assert ImageForm.of(8, "grey", "crop").shape == (1, 8, 8)
    form = ImageForm.of([4, 6], "rgb", "squeeze")
    assert form.shape == (3, 4, 6)
    assert ImageForm.from_json(form.to_json()) == form


@pytest.mark.parametrize(
    ("size", "colours", "fit", "sentence"),
    [
        (
            [4, 5, 6],
            "rgb",
            "crop",
            "data.size=[4,5,6] is no extent; accepted: a whole number, or height and width as in "
            "data.size=[48,64].",
        ),
        (
            0,
            "rgb",
            "crop",
            "data.size=0 is out of range; accepted: a whole number of at least 1.",
        ),
        (
            "large",
            "rgb",
            "crop",
            "data.size=large is not a whole number; accepted: a whole number of at least 1.",
        ),
        (4, "cmyk", "crop", "data.colours=cmyk is not known; accepted: rgb, grey."),
        (4, "rgb", "pad", "data.fit=pad is not known; accepted: crop, squeeze."),
    ],
)
def test_values_that_cannot_work_are_refused(size, colours, fit, sentence: str) -> None:
    with pytest.raises(ConfigError) as refused:
        ImageForm.of(size, colours, fit)
    assert str(refused.value) == sentence
