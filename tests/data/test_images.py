import logging
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from fairkd.data.images import load_images
from fairkd.errors import ConfigError, DataError

ROWS = 64


def _written(folder: Path) -> pd.DataFrame:
    """Images of 6 x 6, each of one shade of its own, and what a manifest says of them."""
    rows = []
    for number in range(ROWS):
        name = f"photos/{number:02}.png"
        (folder / "photos").mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((6, 6), number, dtype=np.uint8)).save(folder / name)
        rows.append(
            {
                "path": name,
                "smiling": "yes" if number % 4 < 2 else "no",
                "sex": "female" if number % 2 else "male",
                "age": 20 + number,
                "person": number // 2,
            }
        )
    frame = pd.DataFrame(rows)
    frame.to_csv(folder / "manifest.csv", index=False)
    return frame


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    _written(tmp_path)
    return tmp_path


def _load(folder: Path, **given: Any):
    known = {
        "path": str(folder / "manifest.csv"),
        "label": "smiling",
        "groups": ["sex"],
        "seed": 0,
        "size": 6,
        "colours": "grey",
        "cache": str(folder / "cache"),
    }
    return load_images(**{**known, **given})


def _shades(data, split: str) -> list[int]:
    return data.splits[split].x[:, 0, 0, 0].tolist()


def test_pixels_labels_and_groups_of_a_row_belong_together(photos: Path) -> None:
    data = _load(photos)
    assert data.shape == (1, 6, 6)
    assert data.classes == ("no", "yes")
    assert data.blocks.cells() == {"sex": ["female", "male"]}
    assert data.preparation is None
    seen = []
    for name, split in data.splits.items():
        assert split.x.dtype == torch.uint8
        shades = torch.tensor(_shades(data, name))
        assert shades.tolist() == data.rows[name].tolist()
        assert torch.equal(split.y, (shades % 4 < 2).long())
        assert torch.equal(split.group.argmax(1), 1 - shades % 2)
        assert torch.equal(
            split.floats, (shades / 255).float()[:, None, None, None].expand(-1, 1, 6, 6)
        )
        assert data.raw[name]["age"].tolist() == (20 + shades).tolist()
        seen += shades.tolist()
    assert sorted(seen) == list(range(ROWS))


def test_a_pattern_gives_what_a_manifest_gives(photos: Path) -> None:
    frame = pd.read_csv(photos / "manifest.csv")
    for row in frame.itertuples():
        target = photos / "named" / row.smiling / f"{row.path[7:9]}_{row.sex}_{row.age}.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(photos / row.path, target)
    data = _load(
        photos,
        path=str(photos / "named"),
        pattern="{smiling}/{}_{sex}_{age}.png",
        groups=["sex", "age"],
        bins={"age": [40]},
    )
    assert data.blocks.cells() == {"sex": ["female", "male"], "age": ["<40", ">=40"]}
    for name, split in data.splits.items():
        shades = torch.tensor(_shades(data, name))
        assert torch.equal(split.y, (shades % 4 < 2).long())
        assert torch.equal(split.group[:, 0], (shades % 2).float())
        assert torch.equal(split.group[:, 3], (shades >= 20).float())


def test_the_fingerprint_is_of_content_and_values_and_not_of_places(
    photos, tmp_path_factory
) -> None:
    first = _load(photos).fingerprint
    moved = tmp_path_factory.mktemp("elsewhere") / "copy"
    shutil.copytree(photos, moved)
    shutil.move(moved / "photos", moved / "pictures")
    frame = pd.read_csv(moved / "manifest.csv")
    frame["path"] = frame["path"].str.replace("photos", "pictures")
    frame.to_csv(moved / "manifest.csv", index=False)
    assert _load(moved).fingerprint == first
    frame.assign(sex=frame["sex"].iloc[::-1].to_numpy()).to_csv(moved / "manifest.csv", index=False)
    assert _load(moved).fingerprint != first
    Image.new("L", (6, 6), 200).save(photos / "photos/03.png")
    assert _load(photos).fingerprint != first


def test_rows_are_divided_as_asked(photos: Path) -> None:
    data = _load(photos, split={"by": "entity", "column": "person"}, certify_fraction=0.2)
    assert set(data.splits) == {"train", "validation", "test", "certify"}
    people = [set(raw["person"]) for raw in data.raw.values()]
    assert sum(map(len, people)) == len(set.union(*people)) == ROWS // 2


def test_the_seed_decides_the_split(photos: Path) -> None:
    assert _shades(_load(photos), "test") == _shades(_load(photos), "test")
    assert _shades(_load(photos), "test") != _shades(_load(photos, seed=1), "test")


def test_weights_rare_groups_and_flaws_are_those_of_tables(photos: Path) -> None:
    weighted = _load(photos, weights="age")
    train = weighted.splits["train"]
    ages = torch.tensor(_shades(weighted, "train")) + 20
    torch.testing.assert_close(train.weight, ages / ages.float().mean())
    flawed = _load(photos, imperfect={"known_groups": 0.5, "label_smoothing": 0.2})
    assert flawed.splits["train"].y.shape == (train.size, 2)
    assert float(flawed.splits["train"].group.sum()) == train.size // 2
    assert flawed.splits["train"].x.dtype == torch.uint8
    guessed = _load(photos, imperfect={"known_groups": 0.5, "proxy": "logistic_regression"})
    torch.testing.assert_close(guessed.splits["train"].group.sum(1), torch.ones(train.size))
    rare = {"rule": "merge_below_rows", "limit": 8}
    merged = _load(photos, groups=["age"], bins={"age": [25, 30, 50]}, rare_groups=rare)
    assert merged.blocks["age"].cells == ("30-50", ">=50", "other")


def test_broken_images_are_named_or_left_out_and_counted(photos: Path, caplog) -> None:
    for number in (5, 6, 7, 8):
        (photos / f"photos/{number:02}.png").write_bytes(b"nothing")
    with pytest.raises(DataError) as refused:
        _load(photos)
    why = "it is no image of a known format (PNG, JPEG, BMP, GIF, TIFF, WEBP, PPM)"
    shown = ", ".join(f"{photos}/photos/0{n}.png ({why})" for n in (5, 6, 7))
    assert str(refused.value) == (
        f"Broken: 4 of 64 images, {shown}, .... Replace them, or leave them out with "
        "data.broken=skip."
    )
    with caplog.at_level(logging.INFO):
        data = _load(photos, broken="skip")
        _load(photos, broken="skip")
    line = f"left out, as they cannot be decoded: 4 of 64 images, {shown}, ..."
    assert line in data.told
    assert caplog.text.count(line) == 1
    found = sorted(shade for name in data.splits for shade in _shades(data, name))
    assert found == [n for n in range(ROWS) if n not in (5, 6, 7, 8)]
    for name, split in data.splits.items():
        assert torch.equal(split.y, (torch.tensor(_shades(data, name)) % 4 < 2).long())


def test_copies_are_told(photos: Path) -> None:
    shutil.copy(photos / "photos/00.png", photos / "photos/01.png")
    assert _load(photos).told[-1].startswith("2 images have the same content as another, so that ")


def test_what_the_images_are_taken_for_is_told(photos: Path) -> None:
    assert _load(photos).told == (
        f"64 images of {photos}/manifest.csv, as 1 x 6 x 6",
        "label smiling: 'no', 'yes'; 'yes' is positive (the one that says yes; data.positive names "
        "another)",
        "groups: sex (female, male)",
    )


def test_values_that_differ_in_case_are_refused_or_made_one(photos: Path) -> None:
    frame = pd.read_csv(photos / "manifest.csv")
    frame.loc[:5, "sex"] = frame["sex"].str.upper()
    frame.to_csv(photos / "manifest.csv", index=False)
    with pytest.raises(DataError, match=r"'FEMALE' and 'female'.*which differ in case alone"):
        _load(photos)
    assert _load(photos, lower_case=True).blocks["sex"].cells == ("female", "male")


@pytest.mark.parametrize(
    ("given", "error", "sentence"),
    [
        (
            {"path": None},
            ConfigError,
            "data=images needs data.path: a manifest (CSV or Parquet) with a column of paths, or a "
            "folder beside data.pattern.",
        ),
        (
            {"path": "{f}"},
            DataError,
            "data.path={f} is a folder; name a manifest (CSV or Parquet) of the images in it, or "
            "say in data.pattern how they are named.",
        ),
        (
            {"pattern": "{label}.png"},
            DataError,
            "data.path={f}/manifest.csv is no folder, and data.pattern={label}.png is about the "
            "names in one; name the folder of the images, or set data.pattern=null for a manifest.",
        ),
        (
            {"pattern": "{label}.png", "file": "path", "path": "{f}"},
            ConfigError,
            "data.file=path names a manifest's column and data.pattern={label}.png needs no "
            "manifest; set one of the two to null.",
        ),
        (
            {"label": None},
            ConfigError,
            "data=images needs data.label, the column of what is learned; {f}/manifest.csv has: "
            "smiling, sex, age, person.",
        ),
        (
            {"label": "smile"},
            ConfigError,
            "Unknown column in data.label 'smile'; did you mean 'smiling'? Accepted: age, person, "
            "sex, smiling.",
        ),
        (
            {"groups": []},
            ConfigError,
            "data.groups=[] is not a list of group blocks; accepted: at least one column or "
            "intersection, as in data.groups=[sex,sex+race].",
        ),
        (
            {"broken": "ignore"},
            ConfigError,
            "data.broken=ignore is not known; accepted: refuse, skip.",
        ),
        (
            {"path": "https://example.org/manifest.csv"},
            ConfigError,
            "data.path=https://example.org/manifest.csv is a URL, and data=images reads files of "
            "this machine; fetch the images, and name their manifest or folder in data.path.",
        ),
        (
            {"path": "{f}", "pattern": 3},
            ConfigError,
            "data.pattern=3 is no text; accepted: a path with fields in braces, as in "
            "data.pattern='\"{label}/{sex}_{}.png\"'.",
        ),
        (
            {"groups": ["path"]},
            ConfigError,
            "Unknown column in data.groups 'path'. Accepted: age, person, sex, smiling.",
        ),
        (
            {"bins": [30]},
            ConfigError,
            "data.bins=[30] is no mapping; accepted: values by column, as in "
            "'data.bins={age: [25, 45, 65]}'.",
        ),
        (
            {"bins": {"age": [30]}},
            ConfigError,
            "data.bins.age has no effect: 'age' is not in data.groups; name it there, or leave the "
            "key out.",
        ),
        (
            {"groups": ["age"]},
            ConfigError,
            "'age' in data.groups is a number with 64 different values; name the edges of ranges, "
            "as in 'data.bins={age: [25,45,65]}', or how many ranges of equally many rows, "
            "'data.bins={age: 4}'.",
        ),
        (
            {"bins": {"sex": 2}},
            DataError,
            "'sex' in data.bins holds 'male', which is no number; correct it, or leave the column "
            "out of data.bins.",
        ),
        (
            {"unmatched": "ignore"},
            ConfigError,
            "data.unmatched=ignore is not known; accepted: refuse, skip.",
        ),
        (
            {"imperfect": {"missing_features": 0.1}},
            ConfigError,
            "data.imperfect.missing_features deletes cells of a table, and images have none; set "
            "it to 0.",
        ),
    ],
)
def test_what_cannot_work_is_refused(photos: Path, given, error, sentence: str) -> None:
    place = str(photos)
    given = {k: v.replace("{f}", place) if isinstance(v, str) else v for k, v in given.items()}
    with pytest.raises(error) as refused:
        _load(photos, **given)
    assert str(refused.value) == sentence.replace("{f}", place)
