"""``fairkd predict`` of images, from the command line."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from fairkd.data import image_batches
from fairkd.data.images import load_images
from fairkd.job_folder import write_student
from fairkd.models.convnet import ConvNet
from fairkd.serving.description import Description
from fairkd.serving.student import Student

SECTION = {"_target_": "fairkd.models.convnet.ConvNet", "channels": [4]}


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty images, and a manifest that names twenty of them."""
    folder = tmp_path_factory.mktemp("photos")
    random = np.random.default_rng(0)
    for number in range(60):
        name = f"{'ab'[number % 2]}-{'xy'[number // 2 % 2]}-{number:02}.png"
        array = random.integers(0, 256, (8, 8, 3), dtype=np.uint8)
        Image.fromarray(array).save(folder / name)
    names = sorted(path.name for path in folder.glob("*.png"))[:20]
    frame = pd.DataFrame({"photo": names, "id": [f"{place:03}" for place in range(20)]})
    frame.to_csv(folder / "new.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def files_job(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("job") / "images"
    dataset = load_images(
        path=str(photos),
        pattern="{label}-{group}-{}.png",
        label="label",
        groups=["group"],
        seed=0,
        size=6,
        cache=str(folder.parent / "cache"),
    )
    weights = {"student": ConvNet(dataset.shape, 2, channels=(4,)).state_dict()}
    write_student(folder, weights, dataset, Description.of(SECTION, dataset, 0.5, weights))
    return folder


def test_a_manifest(
    fairkd: Any, workplace: Path, files_job: Path, photos: Path, monkeypatch
) -> None:
    monkeypatch.setattr(image_batches, "ROWS", 7)
    words = [f"data.path={photos}/new.csv", "data.file=photo", "out=scores.csv", "keep=[id]"]
    ended = fairkd("predict", f"folder={files_job}", *words)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.splitlines() == [
        f"scores   {workplace}/scores.csv",
        f"by       {files_job}: its student",
        f"rows     20 images of {photos}/new.csv",
        "decided  b from a probability of 0.5 on",
    ]
    found = pd.read_csv("scores.csv", dtype={"id": str})
    given = pd.read_csv(photos / "new.csv", dtype={"id": str})
    assert found.columns.tolist() == ["photo", "id", "a", "b", "decision"]
    pd.testing.assert_frame_equal(found[["photo", "id"]], given)
    expected = Student.load(files_job).of_files([photos / name for name in given["photo"]])
    np.testing.assert_allclose(found[["a", "b"]], expected, rtol=1e-6)
    assert found["decision"].tolist() == ["b" if b >= 0.5 else "a" for b in found["b"]]


def test_a_folder_and_arrays(fairkd: Any, workplace: Path, files_job: Path, photos: Path) -> None:
    ended = fairkd("predict", f"folder={files_job}", f"data.path={photos}", "out=scores.parquet")
    assert (ended.code, ended.err) == (0, "")
    found = pd.read_parquet("scores.parquet")
    assert found["file"].tolist() == sorted(path.name for path in photos.glob("*.png"))
    form = Student.load(files_job).description.images
    assert form is not None
    np.save("rows.npy", np.stack([form.read(photos / name) for name in found["file"]]))
    ended = fairkd("predict", f"folder={files_job}", "data.path=rows.npy", "out=arrays.parquet")
    assert (ended.code, ended.err) == (0, "")
    arrays = pd.read_parquet("arrays.parquet")
    np.testing.assert_allclose(arrays[["a", "b"]], found[["a", "b"]], rtol=1e-6)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            ["data.path={p}/new.csv"],
            "{p}/new.csv has no column named path, file, filename, file_name or image; name the "
            "column of the images' paths in data.file, one of: photo, id.",
        ),
        (
            ["data.path={p}/new.csv", "data.file=photo", "keep=[name]"],
            "Unknown column in keep 'name'. Accepted: id, photo.",
        ),
        (
            ["data.path={p}", "data.file=photo"],
            "data.file=photo names a manifest's column, and data.path={p} is a folder; leave it "
            "out, or name a manifest in data.path.",
        ),
        (
            ["data.path={p}/new.csv", "data.file=photo", "unknown=refuse"],
            "unknown is of tables, and this student takes images; leave it out.",
        ),
        (
            ["data.path={w}/absent.csv"],
            "{w}/absent.csv names 1 of 1 images in the column 'path' that are not there: "
            "absent.png; relative paths are looked for in {w}. Correct the column, name another "
            "one in data.file, or remove those rows.",
        ),
    ],
)
def test_what_cannot_be_scored_leaves_no_file(
    fairkd: Any, workplace: Path, files_job: Path, photos: Path, words, sentence: str
) -> None:
    (workplace / "absent.csv").write_text("path\nabsent.png\n")
    places = {"{p}": str(photos), "{w}": str(workplace)}
    for name, place in places.items():
        words = [word.replace(name, place) for word in words]
        sentence = sentence.replace(name, place)
    ended = fairkd("predict", f"folder={files_job}", "out=scores.csv", *words)
    assert ended.code == 1
    assert sentence in ended.err
    assert [path.name for path in workplace.iterdir()] == ["absent.csv"]


def test_a_column_of_paths_is_of_images_alone(
    fairkd: Any, workplace: Path, job: Path, photos: Path
) -> None:
    words = [f"data.path={photos}/new.csv", "data.file=photo", "out=scores.csv"]
    ended = fairkd("predict", f"folder={job}", *words)
    assert ended.code == 1
    assert (
        "data.file=photo is of a manifest of images, and the rows are others; leave it out."
        in ended.err
    )
