"""What training a student does to its teacher: nothing, whatever the distillation term."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from hydra import compose, initialize_config_dir
from safetensors.torch import load_file
from torch import Tensor, nn

from fairkd.commands.build import build_job
from fairkd.commands.configuration import config_folder
from fairkd.commands.workshop import Workshop
from fairkd.job import Job
from fairkd.job_folder import write_student
from fairkd.serving.description import Description
from fairkd.training.distil import train_student
from fairkd.training.inference import outputs_on

FILES = {file.stem: file for file in (config_folder() / "distillation").glob("*.yaml")}
TINY = (
    "experiment=debug",
    "trainer.max_epochs=1",
    "trainer.batch_size=32",
    "trainer.progress=off",
)
TABLE = ("data=iris", "teacher.model.hidden=[9,7]")
IMAGES = ("data=tinted_digits", "teacher=convnet", "student=convnet",
          "teacher.model.channels=[4,6,8]", "student.channels=[2,4,6]")  # fmt: skip
SEVERAL = ("data=iris", "teacher=ensemble", "teacher.model.members.a.hidden=[9,7]")


def _job(name: str, output: Path) -> Job:
    text = FILES[name].read_text()
    models = SEVERAL if "members." in text else IMAGES if "stage" in text else TABLE
    words = [*TINY, *models, f"distillation={name}"]
    with initialize_config_dir(str(config_folder()), version_base="1.3"):
        job = build_job(compose("train", words), output, Workshop())
    few = {split: rows.rows(slice(96)) for split, rows in job.dataset.splits.items()}
    return replace(job, dataset=replace(job.dataset, splits=few))


def _told(model: nn.Module) -> str:
    """A checksum of every parameter and buffer."""
    digest = hashlib.sha256()
    for name, value in model.state_dict().items():
        digest.update(name.encode() + value.numpy().tobytes())
    return digest.hexdigest()


def _memory(tensors: Iterator[Tensor]) -> set[int]:
    return {value.untyped_storage().data_ptr() for value in tensors if value.numel()}


def _tensors(found: Any) -> Iterator[Tensor]:
    """Every tensor at any depth."""
    if isinstance(found, Tensor):
        yield found
    elif isinstance(found, Mapping):
        for item in found.values():
            yield from _tensors(item)
    elif isinstance(found, list | tuple):
        for item in found:
            yield from _tensors(item)


class Watch(pl.Callback):
    """Looks at the teacher, and at what the optimiser moves, in every step."""

    def __init__(self, teacher: nn.Module) -> None:
        self.teacher = teacher
        self.steps = 0

    def on_train_batch_start(
        self, trainer: pl.Trainer, module: pl.LightningModule, *_: Any
    ) -> None:
        assert not any(part.training for part in self.teacher.modules())
        moved = [p for group in trainer.optimizers[0].param_groups for p in group["params"]]
        held = [*moved, *module.parameters(), *module.buffers()]
        theirs = [*self.teacher.parameters(), *self.teacher.buffers()]
        assert not _memory(iter(held)) & _memory(iter(theirs))
        self.steps += 1


@pytest.mark.parametrize("name", sorted(FILES.keys() - {"none"}))
def test_a_teacher_stays_as_it_is_and_stays_out_of_what_is_saved(name: str, tmp_path: Path) -> None:
    job = _job(name, tmp_path)
    teacher = job.teacher.initial().train()
    with torch.no_grad():  # no value of it by chance that a student has too, such as 0 or 1
        for parameter in teacher.parameters():
            parameter.add_(0.01 + 0.1 * torch.rand_like(parameter))
    layers = job.distillation.objective(dict(job.student.initial().named_parameters()))
    outputs = {
        split: outputs_on(teacher, rows, layers.teacher_features)
        for split, rows in job.dataset.splits.items()
    }
    before, watch = _told(teacher), Watch(teacher)
    checkpoint = tmp_path / "student.ckpt"
    student = train_student(
        replace(job.student, callbacks=lambda: [watch]),
        job.distillation, teacher, outputs, job.dataset, checkpoint=checkpoint,
    )  # fmt: skip
    assert watch.steps >= 2
    assert _told(teacher) == before
    assert all(parameter.grad is None for parameter in teacher.parameters())

    trained = {"student": student.model.state_dict()}
    described = Description.of(job.config["student"], job.dataset, 0.5, trained)
    write_student(tmp_path, trained, job.dataset, described)
    weights = load_file(tmp_path / "student.safetensors")
    saved = torch.load(checkpoint, weights_only=True)
    assert set(weights) == set(student.model.state_dict())
    ours = {key.partition(".")[0] for key in saved["state_dict"]}
    assert ours <= {"model", "objective", "validation"}
    assert {key for key in saved["state_dict"] if key.startswith("model.")} == {
        f"model.{key}" for key in weights
    }
    kept = list(_tensors([weights, saved]))
    assert len(kept) > 2 * len(weights)
    for path, value in teacher.named_parameters():
        assert not any(torch.equal(value, other) for other in kept), path
