import json
import logging
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fairkd.data import image_cache
from fairkd.data.image_cache import INDEX, PIXELS, decoded
from fairkd.data.image_form import ImageForm
from fairkd.errors import DataError

FORM = ImageForm(4, 4)


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Five images, of which the third is broken."""
    random = np.random.default_rng(0)
    found = []
    for number in range(5):
        path = tmp_path / f"{number}.png"
        Image.fromarray(random.integers(0, 256, (4, 4, 3), dtype=np.uint8)).save(path)
        found.append(path)
    found[2].write_bytes(b"nothing")
    return found


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many images are decoded, each time that any are."""
    counts: list[int] = []
    make = image_cache._make

    def counted(folder: Path, files: list[Path], form: ImageForm) -> None:
        counts.append(len(files))
        make(folder, files, form)

    monkeypatch.setattr(image_cache, "_make", counted)
    return counts


def _entry(cache: Path) -> Path:
    (found,) = (path for path in (cache / "images").iterdir() if path.is_dir())
    return found


def test_pixels_are_those_of_the_files_and_broken_ones_are_told(files, tmp_path) -> None:
    found = decoded(files, FORM, tmp_path / "cache")
    assert found.pixels.shape == (5, 3, 4, 4)
    assert list(found.broken) == [2]
    assert found.broken[2].startswith("it is no image of a known format")
    for place, file in enumerate(files):
        expected = 0 if place == 2 else np.asarray(Image.open(file)).transpose(2, 0, 1)
        np.testing.assert_array_equal(found.pixels[place], np.broadcast_to(expected, (3, 4, 4)))


def test_files_are_decoded_once_wherever_they_lie_and_whenever_they_were_touched(
    files, tmp_path, made
) -> None:
    first = decoded(files, FORM, tmp_path / "cache")
    moved = [file.rename(file.with_name(f"moved-{file.name}")) for file in files]
    moved[0].touch()
    again = decoded(moved, FORM, tmp_path / "cache")
    assert made == [5]
    np.testing.assert_array_equal(first.pixels, again.pixels)
    assert first.broken == again.broken
    assert first.checksums == again.checksums


def test_content_order_and_form_each_make_an_entry(files, tmp_path, made) -> None:
    cache = tmp_path / "cache"
    decoded(files, FORM, cache)
    decoded(files[::-1], FORM, cache)
    decoded(files, ImageForm(4, 4, colours="grey"), cache)
    decoded(files, ImageForm(4, 4, fit="squeeze"), cache)
    decoded(files, ImageForm(2, 8), cache)
    Image.new("RGB", (4, 4)).save(files[1])
    decoded(files, FORM, cache)
    assert made == [5] * 6


def _cut(entry: Path) -> None:
    content = (entry / PIXELS).read_bytes()
    (entry / PIXELS).write_bytes(content[:-3])


def _flipped(entry: Path) -> None:
    content = bytearray((entry / PIXELS).read_bytes())
    content[-1] ^= 1
    (entry / PIXELS).write_bytes(content)


@pytest.mark.parametrize(
    "damage",
    [
        _cut,
        _flipped,
        lambda entry: (entry / PIXELS).unlink(),
        lambda entry: (entry / INDEX).unlink(),
        lambda entry: (entry / INDEX).write_text("{"),
        lambda entry: (entry / INDEX).write_text("[]"),
        lambda entry: (entry / INDEX).write_text(json.dumps({"sha256": "0"})),
    ],
    ids=["cut", "flipped", "no pixels", "no index", "half an index", "a list", "too little"],
)
def test_a_damaged_entry_is_reported_and_made_anew(files, tmp_path, caplog, made, damage) -> None:
    cache = tmp_path / "cache"
    before = np.array(decoded(files, FORM, cache).pixels)
    damage(_entry(cache))
    with caplog.at_level(logging.WARNING):
        after = decoded(files, FORM, cache)
    assert "are damaged" in caplog.text
    assert made == [5, 5]
    np.testing.assert_array_equal(after.pixels, before)
    assert list(after.broken) == [2]


def test_an_interruption_leaves_nothing_that_looks_whole(files, tmp_path, monkeypatch) -> None:
    cache = tmp_path / "cache"

    def interrupted(*given: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(ImageForm, "pixels", interrupted)
        with pytest.raises(KeyboardInterrupt):
            decoded(files, FORM, cache)
    assert [path for path in (cache / "images").iterdir() if path.is_dir()] == []
    assert decoded(files, FORM, cache).pixels[0].any()


def test_a_cache_that_cannot_be_written_and_a_file_that_cannot_be_read(files, tmp_path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(DataError) as refused:
        decoded(files, FORM, tmp_path / "taken")
    assert "name a folder that can be written, on a disk with room, in paths.data" in str(
        refused.value
    )
    files[3].unlink()
    with pytest.raises(DataError) as refused:
        decoded(files, FORM, tmp_path / "cache")
    assert str(refused.value) == (
        f"The image {files[3]} cannot be read (No such file or directory); correct its "
        "permissions, or leave it out."
    )
