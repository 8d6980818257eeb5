"""Training on augmented rows: what the teacher says of them is computed live, or refused."""

import copy
from collections.abc import Callable
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from fairkd.data.augmentation import Augmented, Augmenter, Noise
from fairkd.data.batch import Batch
from fairkd.distillation.term import DistillationTerm
from fairkd.errors import ConfigError
from fairkd.models.classifier import Classifier
from fairkd.models.features import ModelOutputs, run
from fairkd.models.mlp import MLP
from fairkd.training.distil import (
    Distillation,
    Trained,
    assemble_student,
    train_on_labels,
    train_student,
)
from fairkd.training.fit import fit
from fairkd.training.inference import outputs_on
from fairkd.training.live import LiveTeacher
from fairkd.training.modules import StudentModule
from fairkd.training.objective import Objective
from fairkd.training.stack.member import Member
from fairkd.training.stack.together import train_together

NOISE = {"noise": Noise(0.5)}


@dataclass
class Seen:
    """One call of a term."""

    epoch: float
    batch: Batch
    teacher: ModelOutputs


class Witness(DistillationTerm):
    """Notes what it is shown, and pulls the student to the teacher's logits."""

    teacher_features = ("hidden2",)

    def __init__(self, seen: list[Seen]) -> None:
        super().__init__(0.5)
        self.seen = seen

    def forward(
        self, student: ModelOutputs, teacher: ModelOutputs, batch: Batch, epoch: Tensor
    ) -> Tensor:
        self.seen.append(Seen(float(epoch), batch, teacher))
        return (student.logits - teacher.logits).square().sum(-1)


def _witnessed(seen: list[Seen]) -> Distillation:
    return Distillation(lambda start: Objective(terms={"witness": Witness(seen)}))


def _same(one: torch.nn.Module, other: torch.nn.Module) -> bool:
    theirs = other.state_dict()
    return all(torch.equal(value, theirs[name]) for name, value in one.state_dict().items())


def test_every_step_asks_the_teacher_about_the_very_rows(
    dataset, recipe, teacher, teacher_outputs
) -> None:
    seen: list[Seen] = []
    made = recipe(augmentation=NOISE)
    train_student(made, _witnessed(seen), teacher, teacher_outputs, dataset)
    steps = [call for call in seen if call.epoch < float("inf")]
    assert len(steps) == 3 * 3  # epochs of 90 rows in batches of 32
    for call in steps:
        x = call.batch.x
        assert isinstance(call.batch, Augmented)
        assert not bool((x == dataset.splits["train"].x[call.batch.index]).any())
        with torch.no_grad():
            expected = run(teacher, x, ("hidden2",))
        assert torch.equal(call.teacher.logits, expected.logits)
        assert torch.equal(call.teacher.features["hidden2"], expected.features["hidden2"])
        assert not call.teacher.logits.requires_grad


def test_validation_keeps_its_rows_and_the_outputs_that_were_looked_up(
    dataset, recipe, teacher, teacher_outputs
) -> None:
    seen: list[Seen] = []
    train_student(recipe(augmentation=NOISE), _witnessed(seen), teacher, teacher_outputs, dataset)
    judged = [call for call in seen if call.epoch == float("inf")]
    assert len(judged) == 3
    for call in judged:
        assert torch.equal(call.batch.x, dataset.splits["validation"].x)
        assert torch.equal(call.teacher.logits, teacher_outputs["validation"].logits)


def test_each_epoch_augments_anew_and_a_repetition_repeats_it(
    dataset, recipe, teacher, teacher_outputs
) -> None:
    def rows_by_epoch(seed: int) -> tuple[dict[float, Tensor], torch.nn.Module]:
        seen: list[Seen] = []
        made = recipe(seed=seed, augmentation=NOISE)
        student = train_student(made, _witnessed(seen), teacher, teacher_outputs, dataset)
        found = {}
        for epoch in range(3):
            batches = [call.batch for call in seen if call.epoch == epoch]
            order = torch.cat([batch.index for batch in batches]).argsort()
            found[epoch] = torch.cat([batch.x for batch in batches])[order]
        return found, student.model

    (once, student), (again, same), (other, _) = map(rows_by_epoch, (0, 0, 1))
    assert not torch.equal(once[0], once[1])
    assert not torch.equal(once[1], once[2])
    assert all(torch.equal(once[epoch], again[epoch]) for epoch in once)
    assert _same(student, same)
    assert not torch.equal(once[0], other[0])


def test_an_augmentation_that_changes_nothing_trains_the_student_there_was(
    dataset, recipe, distillation, teacher, teacher_outputs
) -> None:
    plain = train_student(recipe(), distillation(), teacher, teacher_outputs, dataset)
    still = recipe(augmentation={"noise": Noise(0.0)})
    live = train_student(still, distillation(), teacher, teacher_outputs, dataset)
    for name, value in plain.model.state_dict().items():
        # The teacher's products over a batch round otherwise than over the split.
        torch.testing.assert_close(live.model.state_dict()[name], value, atol=1e-5, rtol=1e-4)


def test_labels_alone_are_augmented_without_asking_anyone(
    dataset, recipe, teacher, teacher_outputs, monkeypatch
) -> None:
    plain = train_on_labels(recipe(), dataset)
    control = train_on_labels(recipe(augmentation=NOISE), dataset)
    assert not _same(plain.model, control.model)
    monkeypatch.setattr(LiveTeacher, "__call__", None)
    bare = Distillation(lambda start: Objective())
    student = train_student(recipe(augmentation=NOISE), bare, teacher, teacher_outputs, dataset)
    assert _same(student.model, control.model)


def test_the_teacher_stays_as_it_is_and_outside_the_student(
    tmp_path, dataset, recipe, distillation, teacher_outputs
) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(5)
        teacher = MLP(4, 2, (12, 10), dropout=0.5).train()
    before = copy.deepcopy(teacher.state_dict())
    file = tmp_path / "student.ckpt"
    train_student(
        recipe(augmentation=NOISE),
        distillation(),
        teacher,
        teacher_outputs,
        dataset,
        checkpoint=file,
    )
    assert all(torch.equal(value, before[name]) for name, value in teacher.state_dict().items())
    assert all(parameter.requires_grad for parameter in teacher.parameters())
    plain = tmp_path / "plain.ckpt"
    train_student(recipe(), distillation(), teacher, teacher_outputs, dataset, checkpoint=plain)
    with_live, without = (torch.load(path, weights_only=True) for path in (file, plain))
    assert set(with_live["state_dict"]) == set(without["state_dict"])
    assert [group["params"] for group in with_live["optimizer_states"][0]["param_groups"]] == [
        group["params"] for group in without["optimizer_states"][0]["param_groups"]
    ]


@pytest.fixture
def module_with(dataset, recipe, teacher_outputs) -> Callable[..., StudentModule]:
    """A student that was given its teacher's outputs, and perhaps the teacher."""

    def make(live: LiveTeacher | None = None) -> StudentModule:
        return StudentModule(
            recipe().initial(),
            Objective(terms={"witness": Witness([])}),
            recipe().settings.optimizer,
            dataset.blocks,
            2,
            teacher_outputs,
            live,
        )

    return make


def test_a_live_teacher_is_frozen_and_no_part_of_the_module(module_with, teacher) -> None:
    live = LiveTeacher(teacher, ("hidden2",))
    module = module_with(live)
    assert not live.model.training
    assert not any(parameter.requires_grad for parameter in live.model.parameters())
    theirs = set(map(id, live.model.parameters())) | set(map(id, teacher.parameters()))
    assert theirs.isdisjoint(map(id, module.parameters()))
    assert set(module.state_dict()) == set(module_with().state_dict())


def test_a_live_teacher_answers_in_its_own_precision_without_dropout() -> None:
    teacher = MLP(4, 2, (12,), dropout=0.5).train()
    live = LiveTeacher(teacher, ("hidden1",))
    x = torch.randn(9, 4)
    expected = outputs_on(teacher, Batch(x, *[torch.zeros(9)] * 4))
    assert torch.equal(live(x).logits, expected.logits)
    assert torch.equal(live(x.double()).logits, expected.logits)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(live(x).logits, expected.logits)
    assert live(x).features["hidden1"].shape == (9, 12)
    assert teacher.training


def test_a_classifier_answers_live(dataset) -> None:
    from sklearn.linear_model import LogisticRegression

    train = dataset.splits["train"]
    classifier = Classifier(LogisticRegression(), 4, 2)
    classifier.fit_rows(train.x, train.y, train.weight)
    x = Augmenter(NOISE, 0)(train).x
    expected = torch.from_numpy(classifier._estimator.predict_proba(x.numpy()))
    answered = LiveTeacher(classifier)(x).logits.exp()
    torch.testing.assert_close(answered, expected.float(), atol=1e-5, rtol=1e-5)


def test_outputs_of_the_rows_as_they_were_are_refused_for_augmented_rows(
    dataset, module_with, settings, teacher_outputs
) -> None:
    module = module_with()
    rows, kept = dataset.splits["train"], teacher_outputs["train"]
    assert torch.equal(module.teacher_outputs("train", rows).logits, kept.logits)
    sentence = (
        "These rows are augmented and the teacher's outputs are of the rows as they were; give the "
        "student its live teacher (StudentModule's live), or leave trainer.augmentation empty."
    )
    with pytest.raises(ConfigError) as refused:
        module.teacher_outputs("train", Augmenter(NOISE, 0)(rows))
    assert str(refused.value) == sentence
    with pytest.raises(ConfigError) as refused:
        fit(module, dataset, settings(augmentation=NOISE), seed=0)
    assert str(refused.value) == sentence


def test_a_member_that_trains_beside_others_ends_as_it_does_by_itself(
    dataset, recipe, distillation, teacher, teacher_outputs
) -> None:
    made = recipe(augmentation=NOISE)
    alone = train_student(made, distillation(), teacher, teacher_outputs, dataset)
    members = []
    for _ in range(2):
        model, objective = assemble_student(made, distillation(), teacher, dataset)
        members.append(
            Member(model, objective, made.settings, 0, dataset, teacher_outputs, live=teacher)
        )
    for outcome in train_together(members):
        assert isinstance(outcome, Trained)
        assert outcome.together == 1
        assert _same(outcome.model, alone.model)


@pytest.mark.parametrize("precision", ["64-true", "bf16-mixed", "bf16-true"])
def test_other_precisions_train_on_augmented_rows(
    dataset, recipe, distillation, teacher, teacher_outputs, precision
) -> None:
    made = recipe(augmentation=NOISE, precision=precision, max_epochs=1)
    student = train_student(made, distillation(), teacher, teacher_outputs, dataset)
    assert len(student.fitted.history) == 1


def test_the_order_of_rows_is_what_it_was(dataset, recipe, teacher, teacher_outputs) -> None:
    def order(augmentation: dict[str, Callable[..., Tensor]]) -> list[list[int]]:
        seen: list[Seen] = []
        made = recipe(augmentation=augmentation)
        train_student(made, _witnessed(seen), teacher, teacher_outputs, dataset)
        return [call.batch.index.tolist() for call in seen]

    assert order(NOISE) == order({})
