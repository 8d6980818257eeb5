from pathlib import Path

import pandas as pd
import pytest

from fairkd.data.image_list import from_manifest, from_names
from fairkd.errors import ConfigError, DataError


def _files(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")


def _manifest(folder: Path, paths: list[object], column: str = "path") -> tuple[pd.DataFrame, Path]:
    frame = pd.DataFrame({column: paths, "label": ["a"] * len(paths)})
    return frame, folder / "manifest.csv"


@pytest.mark.parametrize("column", ["path", "Filename", "image"])
def test_paths_of_a_manifest_are_relative_to_it_or_absolute(tmp_path: Path, column: str) -> None:
    _files(tmp_path, "here/a.png", "there/b c.png")
    paths: list[object] = [" a.png", "./a.png", str(tmp_path / "there/b c.png")]
    found = from_manifest(*_manifest(tmp_path / "here", paths, column), None)
    assert found.file == column
    here = tmp_path / "here/a.png"
    assert [path.resolve() for path in found.files] == [here, here, tmp_path / "there/b c.png"]


def test_a_manifests_column_of_paths_may_be_named(tmp_path: Path) -> None:
    _files(tmp_path, "a.png")
    frame, place = _manifest(tmp_path, ["a.png"], "photo")
    assert from_manifest(frame, place, "photo").files == (tmp_path / "a.png",)


@pytest.mark.parametrize(
    ("paths", "column", "named", "error", "sentence"),
    [
        (
            ["a.png", None],
            "path",
            None,
            DataError,
            "{m} has no path in the column 'path' in 1 of 2 rows; fill it in, or remove those "
            "rows.",
        ),
        (
            ["a.png", "../b.png", "x/../../c.png"],
            "path",
            None,
            DataError,
            "{m} names 2 of 3 images outside its own folder in the column 'path': ../b.png, "
            "x/../../c.png; accepted: paths relative to that folder, without leaving it by '..', "
            "or absolute paths.",
        ),
        (
            ["a.png", "b.png", "c.png", "d.png", "e.png"],
            "path",
            None,
            DataError,
            "{m} names 4 of 5 images in the column 'path' that are not there: b.png, c.png, d.png, "
            "...; relative paths are looked for in {f}. Correct the column, name another one in "
            "data.file, or remove those rows.",
        ),
        (
            ["a.png"],
            "photo",
            None,
            ConfigError,
            "{m} has no column named path, file, filename, file_name or image; name the column of "
            "the images' paths in data.file, one of: photo, label.",
        ),
        (
            ["a.png"],
            "photo",
            "foto",
            ConfigError,
            "Unknown column in data.file of {m} 'foto'; did you mean 'photo'? Accepted: label, "
            "photo.",
        ),
    ],
)
def test_manifests_that_cannot_work_are_refused(
    tmp_path: Path, paths, column, named, error, sentence: str
) -> None:
    _files(tmp_path, "a.png")
    frame, place = _manifest(tmp_path, paths, column)
    with pytest.raises(error) as refused:
        from_manifest(frame, place, named)
    assert str(refused.value) == sentence.format(m=place, f=tmp_path)


def test_names_say_what_their_fields_say(tmp_path: Path) -> None:
    _files(tmp_path, "dog/male_1.png", "cat/female_a_b.PNG", "cat/female_2.png")
    _files(tmp_path, "notes.txt", ".hidden.png", ".folder/x_y.png", "cat/._female_2.png")
    found = from_names(tmp_path, "{label}/{sex}_{}.png", skip_unmatched=True)
    assert found.frame.to_dict("list") == {
        "file": ["cat/female_2.png", "dog/male_1.png"],
        "label": ["cat", "dog"],
        "sex": ["female", "male"],
    }
    assert found.files == (tmp_path / "cat/female_2.png", tmp_path / "dog/male_1.png")
    assert found.left_out == 1  # the pattern ends in .png, and not in .PNG


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        ("{age}_{sex}_{}.jpg", "26_0_2017.jpg", {"age": "26", "sex": "0"}),
        ("{age}_{sex}_{}.jpg", "26_0_2_2017.jpg", {"age": "26", "sex": "0"}),
        ("{a}/{b}/{a}.png", "x/y/x.png", {"a": "x", "b": "y"}),
        ("set (1)/{label}+{}.png", "set (1)/cat+1.png", {"label": "cat"}),
        ("{the label}.png", "cat.png", {"the label": "cat"}),
        ("{a}{}.png", "cat.png", {"a": "c"}),
    ],
)
def test_a_field_is_as_short_as_the_rest_allows(tmp_path, pattern, name, expected) -> None:
    _files(tmp_path, name)
    (row,) = from_names(tmp_path, pattern).frame.drop(columns="file").to_dict("records")
    assert row == expected


@pytest.mark.parametrize(
    ("pattern", "names", "error", "sentence"),
    [
        (
            "{label}/{sex}_{}.png",
            ["cat/f_1.png", "cat/f.png", "f_1.png", "cat/f_1.png.jpg", "dog/1/f_1.png"],
            DataError,
            "data.pattern={label}/{sex}_{}.png does not fit 4 of the 5 images in {f}: cat/f.png "
            "(after '{label}/{sex}' there is no '_'), cat/f_1.png.jpg (after "
            "'{label}/{sex}_{}.png' there is more), dog/1/f_1.png (after '{label}/{sex}' there is "
            "no '_'), .... Change the pattern, or rename them, or leave them out with "
            "data.unmatched=skip.",
        ),
        (
            "train/{label}.png",
            ["cat.png"],
            DataError,
            "data.pattern=train/{label}.png does not fit 1 of the 1 images in {f}: cat.png (it "
            "does not begin with 'train/'). Change the pattern, or rename them.",
        ),
        (
            "{label}.png",
            ["a.txt"],
            DataError,
            "{f} holds no images (.png, .jpg, .jpeg, .bmp, .gif, .tif, .tiff, .webp, .ppm, .pgm); "
            "name their folder in data.path.",
        ),
        (
            "photos/{}.png",
            ["a.png"],
            ConfigError,
            "data.pattern=photos/{}.png has no named field; accepted: a path with the label and "
            "the groups in braces, as in data.pattern='\"{label}/{sex}_{}.png\"'.",
        ),
        (
            "{label.png",
            ["a.png"],
            ConfigError,
            "data.pattern={label.png has a brace without its pair; accepted: fields as {label}, "
            "and {} for text that is not kept.",
        ),
        (
            "{file}/{label}.png",
            ["a.png"],
            ConfigError,
            "data.pattern={file}/{label}.png has a field 'file', the name of the column of paths; "
            "choose another name.",
        ),
    ],
)
def test_names_that_do_not_fit_are_refused(tmp_path, pattern, names, error, sentence: str) -> None:
    _files(tmp_path, *names)
    with pytest.raises(error) as refused:
        from_names(tmp_path, pattern)
    assert str(refused.value) == sentence.replace("{f}", str(tmp_path))


def test_names_that_fit_in_several_ways_beside_others_are_counted(tmp_path: Path) -> None:
    _files(tmp_path, "male_white_1.png", "female_black_2.png", "non_binary_white_3.png")
    found = from_names(tmp_path, "{sex}_{race}_{}.png")
    assert found.ambiguous == ("non_binary_white_3.png",)
    for name in ("male_white_1.png", "female_black_2.png"):
        (tmp_path / name).rename(tmp_path / name.replace(".", "_of_2020."))
    assert from_names(tmp_path, "{sex}_{race}_{}.png").ambiguous == ()


def test_what_does_not_fit_may_be_left_out_unless_it_is_everything(tmp_path: Path) -> None:
    _files(tmp_path, "cat.png", "dog.jpg")
    assert from_names(tmp_path, "{label}.png", skip_unmatched=True).left_out == 1
    with pytest.raises(DataError, match="does not fit 2 of the 2 images"):
        from_names(tmp_path, "{label}.gif", skip_unmatched=True)
