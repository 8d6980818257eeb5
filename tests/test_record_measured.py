"""A job's measurements are the same whatever the process measured before."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from fairkd.data.batch import Batch
from fairkd.data.blocks import Blocks
from fairkd.data.dataset import Dataset
from fairkd.evaluation.evaluation import evaluations_to_json
from fairkd.evaluation.settings import EvaluationSettings
from fairkd.identity import JobKeys
from fairkd.job import FORCES, Job
from fairkd.keeping import Keeper, Memory
from fairkd.measuring import measured, memberships, predicted, scores_of
from fairkd.models.mlp import MLP
from fairkd.record import Headline
from fairkd.store import Store
from fairkd.training.distil import Distillation, Recipe, Trained
from fairkd.training.fit import Fitted, TrainerSettings
from fairkd.training.objective import Objective


def _split(rows: int, seed: int) -> Batch:
    g = torch.Generator().manual_seed(seed)
    x = torch.randn(rows, 4, generator=g)
    sex = torch.eye(2)[torch.randint(2, (rows,), generator=g)]
    sex[::9] = 0.0
    y = (x[:, 0] + sex[:, 0] + torch.randn(rows, generator=g) > 0).long()
    return Batch(x, y, sex, torch.arange(rows), torch.ones(rows))


@pytest.fixture
def job(tmp_path: Path) -> Job:
    settings = TrainerSettings(torch.optim.SGD)
    return Job(
        name="job",
        config={},
        keys=JobKeys("t", "c", "s0", "j0", "w"),
        dataset=Dataset(
            name="line",
            splits={name: _split(60, seed) for seed, name in enumerate(("validation", "test"))}
            | {"train": _split(20, 5)},
            blocks=Blocks.of({"sex": ["f", "m"]}),
            classes=("no", "yes"),
            fingerprint="line",
        ),
        teacher=Recipe(lambda: MLP(4, 2, (9,)), settings, seed=0),
        student=Recipe(lambda: MLP(4, 2, (3,)), settings, seed=1),
        distillation=Distillation(lambda start: Objective(1.0, {}, {})),
        compression={},
        evaluation=EvaluationSettings(draws=20, latency_repeats=1),
        headline=Headline("accuracy_difference", "sex"),
        bounds={},
        force="none",
        output=tmp_path / "output",
    )


def _trained(recipe: Recipe, seed: int) -> Trained:
    model = replace(recipe, seed=seed).initial().eval()
    return Trained(model, Fitted([{"epoch": 0.0}], 0), 1.0, 1)


def _measure(job: Job, keeper: Keeper, student: int, teacher: int = 0) -> str:
    """What is measured in a job as text, without measured time."""

    def shared(kind: str, recipe: Recipe, seed: int) -> Trained:
        key = getattr(job.keys, kind)
        return keeper.model(kind, key, recipe, lambda: _trained(recipe, seed))

    models = {
        "teacher": shared("teacher", job.teacher, teacher),
        "control": shared("control", job.student, 1),
        "student": _trained(job.student, student),
    }
    outputs = keeper.outputs(job.keys.teacher, models["teacher"].model, job.dataset, ())
    predictions = predicted(job, keeper, models, outputs)
    plain = measured(job, keeper, models, predictions, {}).to_json()
    for price in plain["costs"].values():
        for name in ("latency_ms_batch_1", "latency_ms_batch_256"):
            price.pop(name)
    told = memberships(job, keeper, models, outputs, predictions)
    plain["membership"] = evaluations_to_json(told)
    plain["scores"] = {
        name: scores.to_json() for name, scores in scores_of(job, keeper, predictions).items()
    }
    return json.dumps(plain)


def test_measuring_with_a_memory_is_measuring_without(job: Job, tmp_path: Path) -> None:
    memory = Memory()
    store = Store(tmp_path / "shared")
    for student in (10, 11, 12):
        remembered = _measure(job, Keeper(store, (), memory), student)
        stored = _measure(job, Keeper(store), student)
        alone = _measure(job, Keeper(Store(tmp_path / str(student))), student)
        assert remembered == stored == alone
    assert _measure(job, Keeper(store, (), memory), 10) != remembered


def test_a_forced_teacher_is_measured_again(job: Job, tmp_path: Path) -> None:
    memory = Memory()
    before = _measure(job, Keeper(Store(tmp_path / "store"), (), memory), 10)
    store = Store(tmp_path / "store")
    forced = Keeper(store, FORCES["all"], memory)
    after = [_measure(job, forced, 10, teacher) for teacher in (7, 8)]
    fresh = _measure(job, Keeper(Store(tmp_path / "fresh")), 10, teacher=7)
    assert before != after[0] == after[1] == fresh


def test_what_losses_tell_by_group_is_of_the_groups_that_training_was_told(
    job: Job, tmp_path: Path
) -> None:
    memory, store = Memory(), Store(tmp_path / "store")
    before = _measure(job, Keeper(store, (), memory), 10)
    rows = job.dataset.splits["train"]
    splits = {**job.dataset.splits, "train": rows._replace(group=rows.group.roll(1, 0))}
    other = replace(job, dataset=replace(job.dataset, splits=splits))
    after = json.loads(_measure(other, Keeper(store, (), memory), 10))
    for model, numbers in json.loads(before)["membership"]["models"].items():
        found = after["membership"]["models"][model]["values"]
        assert found[0] == numbers["values"][0]
        assert found != numbers["values"]


def test_models_of_one_architecture_have_one_latency(job: Job, tmp_path: Path) -> None:
    keeper = Keeper(Store(tmp_path / "store"))
    teacher, control = _trained(job.teacher, 0), _trained(job.student, 1)
    models = {"teacher": teacher, "control": control, "student": _trained(job.student, 2)}
    outputs = keeper.outputs(job.keys.teacher, teacher.model, job.dataset, ())
    predictions = predicted(job, keeper, models, outputs)
    costs = measured(job, keeper, models, predictions, {}).costs
    assert costs["student"] == costs["control"]
    assert costs["teacher"].latency_ms_batch_256 != costs["control"].latency_ms_batch_256
