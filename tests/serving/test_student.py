"""A student read from its files gives the very probabilities that it was measured with."""

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from torch import nn

from fairkd.data.arrests import load_arrests
from fairkd.data.batch import Batch
from fairkd.data.blocks import Blocks
from fairkd.data.dataset import Dataset
from fairkd.data.images import load_images
from fairkd.data.iris import load_iris
from fairkd.errors import DataError
from fairkd.evaluation.predictions import Predictions
from fairkd.evaluation.row_draws import SharedDraws
from fairkd.evaluation.truth import Truth
from fairkd.job_folder import write_student
from fairkd.models.convnet import ConvNet
from fairkd.models.mlp import MLP
from fairkd.models.pruning import mask_weights, settle
from fairkd.serving.description import Column, Description, served
from fairkd.serving.student import TRUSTED, Student

MLP_SECTION = {"_target_": "fairkd.models.mlp.MLP", "_convert_": "all", "hidden": [16]}


def kept(
    folder: Path, dataset: Dataset, models: dict[str, nn.Module], section: dict[str, object]
) -> Path:
    weights = {name: model.state_dict() for name, model in models.items()}
    write_student(folder, weights, dataset, Description.of(section, dataset, 0.4, weights))
    return folder


def mlp(dataset: Dataset, width: int = 16) -> MLP:
    return MLP(dataset.n_features, len(dataset.classes), hidden=(width,))


@pytest.fixture(scope="module")
def arrests() -> Dataset:
    return load_arrests(seed=0)


@pytest.fixture
def folder(tmp_path: Path, arrests: Dataset) -> Path:
    return kept(tmp_path / "job", arrests, {"student": mlp(arrests)}, MLP_SECTION)


@pytest.mark.parametrize("load", [load_arrests, load_iris])
def test_probabilities_are_those_of_the_evaluation_bit_for_bit(tmp_path, load) -> None:
    dataset = load(seed=0)
    model = mlp(dataset)
    kept(tmp_path, dataset, {"student": model}, MLP_SECTION)
    test = dataset.splits["test"]
    with torch.no_grad():
        truth = Truth.of(test, dataset.blocks, dataset.classes, SharedDraws())
        measured = Predictions.from_logits(model(test.x), truth)
    student = Student.load(tmp_path)
    found = student.probabilities(dataset.raw["test"])
    assert tuple(found.columns) == dataset.classes
    np.testing.assert_array_equal(found.to_numpy(), measured.probabilities)
    decided = np.array(dataset.classes)[measured.predicted(0.4)]
    assert student.decisions(dataset.raw["test"]).tolist() == decided.tolist()


def test_columns_are_taken_by_name(folder: Path, arrests: Dataset) -> None:
    student = Student.load(folder)
    rows = arrests.raw["test"].head(20)
    expected = student.probabilities(rows)
    needed = [column.name for column in student.description.columns]
    turned = rows[needed[::-1]].assign(more="ignored").set_index(pd.Index(range(100, 120)))
    found = student.probabilities(turned)
    assert found.index.tolist() == list(range(100, 120))
    np.testing.assert_array_equal(found.to_numpy(), expected.to_numpy())
    assert "sex" not in needed  # a group of the data is no feature, and nobody has to tell it
    with pytest.raises(DataError, match=r"The rows have no column age; needed: year, age"):
        student.probabilities(rows.drop(columns="age"))
    with pytest.raises(DataError, match=r"Rows are ndarray; accepted: a DataFrame"):
        student.probabilities(rows[needed].to_numpy())
    assert student.probabilities(rows.head(0)).shape == (0, 2)


def test_an_unknown_category_counts_as_none_of_those_known(folder: Path, arrests: Dataset) -> None:
    student = Student.load(folder)
    row = arrests.raw["test"].head(1)
    x = torch.from_numpy(arrests.preparation.transform(row))
    names = arrests.preparation.feature_names
    x[0, [place for place, name in enumerate(names) if name.startswith("employed=")]] = 0.0
    with torch.no_grad():
        expected = student.model(x).double().softmax(-1).numpy()
    found = student.probabilities(row.assign(employed="Perhaps"))
    np.testing.assert_array_equal(found.to_numpy(), expected)


def test_what_is_described(folder: Path) -> None:
    described = Student.load(folder).description
    assert described.columns[:2] == (Column("year", "integer"), Column("age", "integer"))
    assert described.columns[-1] == Column("citizen", "text")
    assert (described.classes, described.threshold) == (("No", "Yes"), 0.4)
    assert Description.from_json(json.loads(json.dumps(described.to_json()))) == described


def test_more_than_two_classes_have_no_threshold(tmp_path: Path) -> None:
    dataset = load_iris(seed=0)
    kept(tmp_path, dataset, {"student": mlp(dataset)}, MLP_SECTION)
    student = Student.load(tmp_path)
    assert student.description.threshold is None
    assert {column.type for column in student.description.columns} == {"number"}


def test_what_pruning_left_is_served(tmp_path: Path, arrests: Dataset) -> None:
    whole, pruned, narrow = mlp(arrests), mlp(arrests), mlp(arrests, width=5)
    mask_weights(pruned, 0.5)
    settle(pruned)
    for name, model in {"pruned": pruned, "narrow": narrow}.items():
        kept(tmp_path / name, arrests, {"student": whole, name: model}, MLP_SECTION)
        student = Student.load(tmp_path / name)
        assert student.description.serves == name
        with torch.no_grad():
            expected = model(arrests.splits["test"].x).double().softmax(-1).numpy()
        np.testing.assert_array_equal(
            student.probabilities(arrests.raw["test"]).to_numpy(), expected
        )


def test_a_quantised_student_is_served_by_onnx_runtime(tmp_path: Path, arrests: Dataset) -> None:
    pytest.importorskip("onnxruntime.quantization")
    from fairkd.models.int8 import quantised

    whole = mlp(arrests).eval()
    small = quantised(whole, arrests.splits["train"].x[:64], [1, 1, 1], static=True)
    kept(tmp_path, arrests, {"student": whole, "quantised": small}, MLP_SECTION)
    student = Student.load(tmp_path)
    assert student.description.int8
    expected = small(arrests.splits["test"].x).double().softmax(-1).numpy()
    np.testing.assert_array_equal(student.probabilities(arrests.raw["test"]).to_numpy(), expected)


def test_a_step_that_only_its_maker_knows_leaves_the_student_before_it() -> None:
    layers = {"head.weight": torch.zeros(1)}
    assert served({"student": layers, "pruned": layers, "own": {"other": torch.zeros(1)}}) == (
        "pruned"
    )


def test_images_are_arrays(tmp_path: Path) -> None:
    model = ConvNet((3, 8, 8), 2, channels=(4,))
    x = torch.rand(5, 3, 8, 8)
    group = torch.eye(2)[torch.tensor([0, 1, 0, 1, 0])]
    batch = Batch(x, torch.tensor([0, 1, 0, 1, 0]), group, torch.arange(5), torch.ones(5))
    splits = dict.fromkeys(("train", "validation", "test"), batch)
    dataset = Dataset("dots", splits, Blocks.of({"tint": ["r", "g"]}), ("no", "yes"), "dots")
    section = {"_target_": "fairkd.models.convnet.ConvNet", "channels": [4]}
    student = Student.load(kept(tmp_path, dataset, {"student": model}, section))
    with torch.no_grad():
        expected = model.eval()(x).double().softmax(-1).numpy()
    np.testing.assert_array_equal(student.probabilities(x.numpy()).to_numpy(), expected)
    with pytest.raises(DataError, match=r"Rows have the shape \[5, 8, 8\] and hold float32; acc"):
        student.probabilities(x[:, 0].numpy())


class Own(nn.Module):
    def __init__(self, in_features: int, n_classes: int, scale: float) -> None:
        super().__init__()
        self.head = nn.Linear(in_features, n_classes)
        self.scale = scale

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(x) * self.scale


def test_a_users_class_is_imported_only_if_it_is_named(tmp_path, arrests, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "own_students", SimpleNamespace(Own=Own))
    section = {"_target_": "own_students.Own", "scale": 0.5}
    model = Own(arrests.n_features, 2, 0.5)
    folder = kept(tmp_path / "job", arrests, {"student": model}, section)
    with pytest.raises(DataError, match=r"The student is a own_students\.Own, which is not fairkd"):
        Student.load(folder)
    named = Student.load(folder, trusted=["own_students.Own"])
    monkeypatch.setenv(TRUSTED, "other.Net, own_students.Own")
    by_environment = Student.load(folder)
    rows = arrests.raw["test"].head(3)
    with torch.no_grad():
        expected = model(arrests.splits["test"].x[:3]).double().softmax(-1).numpy()
    for student in (named, by_environment):
        np.testing.assert_array_equal(student.probabilities(rows).to_numpy(), expected)


@pytest.mark.parametrize(
    "target", ["fairkd.models.weights.load_file", "fairkd.models.int8.Path", "fairkd.models.none.A"]
)
def test_only_models_are_made_of_fairkds_own_names(folder: Path, target: str) -> None:
    file = folder / "student.json"
    plain = json.loads(file.read_text())
    file.write_text(json.dumps({**plain, "model": {"_target_": target}}))
    with pytest.raises(DataError, match=r"The student's class \S+ cannot be imported"):
        Student.load(folder)


@pytest.mark.parametrize("serves", ["", ".", "..", "../job/student", "/tmp/student", "a\\student"])
def test_the_weights_are_a_file_of_the_same_folder(folder: Path, serves: str) -> None:
    file = folder / "student.json"
    plain = json.loads(file.read_text())
    file.write_text(json.dumps({**plain, "serves": serves}))
    with pytest.raises(DataError, match=r"student\.json cannot be read \(ValueError: 'serves' is "):
        Student.load(folder)


@pytest.mark.parametrize("file", ["student.json", "student.safetensors", "preparation"])
def test_missing_and_damaged_files_are_refused(folder: Path, file: str) -> None:
    damaged = folder / file
    if damaged.is_dir():
        damaged = damaged / "preparation.json"
    damaged.write_bytes(damaged.read_bytes()[:20])
    with pytest.raises(DataError, match=r"cannot be read"):
        Student.load(folder)
    damaged.unlink()
    with pytest.raises(DataError, match=r"cannot be read"):
        Student.load(folder)


def test_weights_of_another_student_are_refused(folder: Path) -> None:
    file = folder / "student.json"
    plain = json.loads(file.read_text())
    file.write_text(json.dumps({**plain, "model": {**MLP_SECTION, "hidden": [16, 16]}}))
    with pytest.raises(DataError, match=r"student\.safetensors do not fit the student's descr"):
        Student.load(folder)


@pytest.fixture
def pictures(tmp_path: Path) -> tuple[Path, Dataset]:
    """A folder of images named by class and group, and the data set that they are."""
    random = np.random.default_rng(0)
    for number in range(48):
        name = f"{'ab'[number % 2]}-{'xy'[number // 2 % 2]}-{number}.png"
        array = random.integers(0, 256, (12, 9, 3), dtype=np.uint8)
        Image.fromarray(array).save(tmp_path / name)
    dataset = load_images(
        path=str(tmp_path),
        pattern="{label}-{group}-{}.png",
        label="label",
        groups=["group"],
        seed=0,
        size=[6, 8],
        fit="squeeze",
        cache=str(tmp_path / "cache"),
    )
    return tmp_path, dataset


def test_image_files_get_the_probabilities_of_the_evaluation(pictures, tmp_path: Path) -> None:
    folder, dataset = pictures
    model = ConvNet(dataset.shape, 2, channels=(4,)).eval()
    section = {"_target_": "fairkd.models.convnet.ConvNet", "channels": [4]}
    kept(tmp_path / "job", dataset, {"student": model}, section)
    student = Student.load(tmp_path / "job")
    assert student.description.images == dataset.images
    test = dataset.splits["test"]
    with torch.no_grad():
        expected = model(test.floats).double().softmax(-1).numpy()
    files = [folder / name for name in dataset.raw["test"]["file"]]
    found = student.of_files(files)
    assert found.index.tolist() == [str(file) for file in files]
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    np.testing.assert_allclose(student.probabilities(test.x.numpy()), expected, rtol=1e-6)
    np.testing.assert_allclose(student.probabilities(test.floats.numpy()), expected, rtol=1e-6)
    with pytest.raises(DataError) as refused:
        student.probabilities(np.array([0, 7]).repeat(144).reshape(2, 3, 6, 8))
    assert str(refused.value) == (
        "Rows hold values from 0 to 7; accepted: from 0 to 1, or bytes (uint8) from 0 to 255."
    )
    with pytest.raises(DataError, match="No image files are given"):
        student.of_files([])
    files[1].write_bytes(b"nothing")
    with pytest.raises(DataError, match=f"The image {files[1]} cannot be used: it is no image"):
        student.of_files(files)


def test_a_student_of_a_table_takes_no_image_files(folder: Path) -> None:
    with pytest.raises(DataError) as refused:
        Student.load(folder).of_files(["a.png"])
    assert str(refused.value) == (
        "This student takes no image files: its rows are columns of a table."
    )
