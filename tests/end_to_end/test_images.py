"""Images of the user's own, from files to a tracked run and a served student."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from fairkd.serving.student import Student

PATTERN = '"{shape}/{paper}_{}.png"'
NETWORKS = ("teacher=convnet", "student=convnet", "constraint=none")
SHORT = ("trainer.max_epochs=1", "teacher.trainer.max_epochs=1")


def drawn(folder: Path, rows: int, bias: float = 0.5) -> pd.DataFrame:
    """Images of 12 x 12 with a bright square or cross, on dark paper or, the more often for
    crosses the larger the bias, on bright."""
    random = np.random.default_rng(0)
    found = []
    for number in range(rows):
        shape = ("square", "cross")[number % 2]
        bright = random.random() < (bias if shape == "cross" else 1 - bias)
        paper = ("dark", "bright")[int(bright)]
        image = random.integers(0, 40, (12, 12)) + (90 if bright else 0)
        row, column = random.integers(0, 5, 2)
        if shape == "square":
            image[row + 1 : row + 6, column + 1 : column + 6] += 110
        else:
            image[row + 3, column : column + 7] += 110
            image[row : row + 7, column + 3] += 110
        name = f"{shape}/{paper}_{number:04}.png"
        (folder / shape).mkdir(parents=True, exist_ok=True)
        Image.fromarray(image.clip(0, 255).astype(np.uint8)).save(folder / name)
        found.append({"path": name, "shape": shape, "paper": paper})
    return pd.DataFrame(found)


def data(folder: Path, **given: object) -> list[str]:
    words = {
        "path": folder,
        "pattern": PATTERN,
        "label": "shape",
        "groups": "[paper]",
        "size": 12,
        "colours": "grey",
        "cache": folder / "cache",
    }
    return ["data=images", *(f"data.{name}={value}" for name, value in {**words, **given}.items())]


def test_a_job_on_images_is_tracked_and_its_student_takes_files(fairkd, place, tmp_path) -> None:
    drawn(tmp_path / "shapes", 120)
    words = (*data(tmp_path / "shapes"), *NETWORKS, *SHORT)
    ended = fairkd(*words)
    assert ended.code == 0, ended.err
    run = place.run()
    assert run.params["data.size"] == "12"
    assert run.params["data.pattern"] == "{shape}/{paper}_{}.png"
    assert "test/student/accuracy/paper.bright" in run.metrics
    flipped = run.table("flipped.csv").reset_index()
    assert {"file", "shape", "paper"} <= set(flipped.columns)
    student = Student.load(run.output)
    files = sorted((tmp_path / "shapes").glob("*/*.png"))[:5]
    found = student.of_files(files)
    assert found.columns.tolist() == list(student.description.classes)
    again = fairkd(*words)
    assert again.code == 0
    assert len(place.kept("student")) == 1


def test_a_manifest_of_the_same_images_gives_the_same_results(fairkd, place, tmp_path) -> None:
    frame = drawn(tmp_path / "shapes", 120).sort_values("path")
    frame.to_parquet(tmp_path / "shapes" / "manifest.parquet")
    assert fairkd(*data(tmp_path / "shapes"), *NETWORKS, *SHORT).code == 0
    manifest = data(
        tmp_path / "shapes", path=tmp_path / "shapes" / "manifest.parquet", pattern="null"
    )
    ended = fairkd(*manifest, *NETWORKS, *SHORT)
    assert ended.code == 0, ended.err
    one, other = place.runs("FINISHED")
    assert all(torch.equal(value, other.weights()[n]) for n, value in one.weights().items())


def test_what_is_missing_is_told_in_a_sentence(fairkd, place, tmp_path) -> None:
    drawn(tmp_path / "shapes", 40)
    for given, sentence in (
        ({"path": "null", "pattern": "null"}, "data=images needs data.path: a manifest "),
        ({"groups": "[]"}, "data.groups=[] is not a list of group blocks; "),
        ({"label": "null"}, "data=images needs data.label, the column of what is learned; "),
        ({"pattern": "'{shape}_{paper}_{}.png'"}, "does not fit 40 of the 40 images in "),
    ):
        ended = fairkd(*data(tmp_path / "shapes", **given), *NETWORKS)
        assert ended.code == 1
        assert sentence in ended.err
        assert "Traceback" not in ended.err
    assert place.runs() == []


@pytest.mark.slow
@pytest.mark.parametrize("student", ["convnet", "resnet"])
def test_students_learn_a_shape_and_the_record_shows_where_paper_misleads(
    fairkd, place, tmp_path, student: str
) -> None:
    drawn(tmp_path / "shapes", 1200, bias=0.9)
    ended = fairkd(
        *data(tmp_path / "shapes"),
        "teacher=convnet",
        f"student={student}",
        "constraint=none",
        "trainer.max_epochs=12",
        "teacher.trainer.max_epochs=12",
        "trainer.optimizer.lr=0.003",
        "teacher.trainer.optimizer.lr=0.003",
        "trainer.batch_size=32",
        "teacher.trainer.batch_size=32",
    )
    assert ended.code == 0, ended.err
    metrics = place.run().metrics
    for model in ("teacher", "student"):
        # Paper alone gets 0.9 right.
        assert metrics[f"test/{model}/accuracy"] > 0.95


@pytest.mark.slow
def test_members_of_a_stack_are_what_they_are_alone(fairkd, place, tmp_path) -> None:
    drawn(tmp_path / "shapes", 120)
    words = (*data(tmp_path / "shapes"), *NETWORKS, *SHORT)
    assert fairkd("-m", *words, "distillation.temperature=1,4").code == 0
    assert fairkd(*words, "distillation.temperature=4", "force=student").code == 0
    stacked = next(
        run for run in place.runs("FINISHED") if run.params["distillation.temperature"] == "4"
    )
    alone = place.runs("FINISHED")[-1]
    for name, value in stacked.weights().items():
        torch.testing.assert_close(value, alone.weights()[name], rtol=1e-4, atol=1e-5)
