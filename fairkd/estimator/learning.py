"""Teachers, controls and students of one or many settings, each kind trained together."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from fairkd import checks
from fairkd.distillation.response import SoftTargets
from fairkd.estimator.constraints import GroupConstraint
from fairkd.estimator.given import Given, Labels
from fairkd.estimator.networks import TEACHERS_WEIGHT_DECAY, Maker, build, student_maker
from fairkd.estimator.prepared import Prepared
from fairkd.estimator.teachers import (
    Teacher,
    TrainedTeacher,
    maker_of,
    own_teacher,
    sharing_key,
)
from fairkd.evaluation.bound import Bound
from fairkd.training.distil import Distillation, Recipe, Trained, assemble_student
from fairkd.training.fit import TrainerSettings, check_settings
from fairkd.training.inference import outputs_of
from fairkd.training.objective import Objective
from fairkd.training.randomness import threads
from fairkd.training.stack.member import Member
from fairkd.training.stack.together import train_together


@dataclass(frozen=True)
class Training:
    """How long and how fast networks train; see `TrainerSettings`."""

    max_epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    patience: int | None
    accelerator: str

    def settings(self) -> TrainerSettings:
        """The trainer's.

        Raises:
            ConfigError: a value that cannot work.
        """
        optimizer = partial(
            torch.optim.Adam,
            lr=checks.number("learning_rate", self.learning_rate, above=0.0),
            weight_decay=checks.number("weight_decay", self.weight_decay, least=0.0),
            fused=True,
        )
        found = TrainerSettings(
            optimizer,
            max_epochs=self.max_epochs,
            batch_size=self.batch_size,
            patience=self.patience,
            accelerator=self.accelerator,
            progress="off",
        )
        if self.accelerator != "cpu":
            check_settings(found)
        return found


@dataclass(frozen=True, eq=False)
class Plan:
    """Everything that one distiller is to learn.

    Attributes:
        rows: as they were given.
        labels: each row's place among the classes, shape ``[N]``.
        classes: ascending.
        made: the rows, prepared.
        teacher: as it was given.
        student: as it was given.
        training: of the student, of its control, and of a teacher that is trained.
        seed: of the networks' weights and batches.
        temperature: of the soft targets.
        alpha: their weight; the labels' is the rest.
        constraints: by name.
    """

    rows: Given
    labels: npt.NDArray[np.int64]
    classes: Labels
    made: Prepared
    teacher: object
    student: object
    training: Training
    seed: int
    temperature: float
    alpha: float
    constraints: Mapping[str, GroupConstraint] = field(default_factory=dict)

    def recipe(self, role: str, make: Maker, training: Training) -> Recipe:
        """How a network is made and trained."""
        dataset = self.made.dataset
        make_one = partial(build, role, make, dataset.n_features, len(dataset.classes))
        return Recipe(make_one, training.settings(), self.seed)

    def student_recipe(self) -> Recipe:
        """The student's and its control's."""
        return self.recipe("student", student_maker(self.student), self.training)

    def teacher_recipe(self, make: Maker) -> Recipe:
        """That of a teacher that is trained."""
        training = self.training
        if isinstance(self.teacher, str):
            decay = TEACHERS_WEIGHT_DECAY.get(self.teacher, 0.0)
            training = replace(training, weight_decay=decay)
        return self.recipe("teacher", make, training)

    def objective(self) -> Objective:
        """What the student minimises."""
        alpha = checks.number("alpha", self.alpha, least=0.0, most=1.0)
        return Objective(
            label_weight=1 - alpha,
            terms={"soft_targets": SoftTargets(alpha, self.temperature)},
            constraints={
                name: constraint.term(self.made.dataset)
                for name, constraint in self.constraints.items()
            },
        )

    def bounds(self) -> dict[str, Bound]:
        """What its constraints are to keep."""
        dataset = self.made.dataset
        return {
            name: constraint.bound(constraint.term(dataset))
            for name, constraint in self.constraints.items()
        }


@dataclass(frozen=True, eq=False)
class Learned:
    """A trio.

    Attributes:
        teacher: as it answers.
        control: the undistilled student.
        student: the distilled one.
    """

    teacher: Teacher
    control: Trained
    student: Trained


def learn(plans: Sequence[Plan]) -> list[Learned]:
    """Train what the plans need, what they share once, what is alike as one stack.

    Args:
        plans: of any settings and rows.

    Raises:
        FairkdError: a plan that cannot work, or a training that diverged.
    """
    with threads(1):
        for plan in plans:  # refuse before anything trains
            plan.student_recipe()
            plan.objective()
        teachers = _teachers(plans)
        modules = {
            key: teachers[key].module(p.rows, p.made) for key, p in _first(plans, _teacher_key)
        }
        controls = {
            key: _label_member(p.student_recipe(), p) for key, p in _first(plans, _control_key)
        }
        students = [_student_member(plan, modules[_teacher_key(plan)]) for plan in plans]
        trained = _trained([*controls.values(), *students])
    found = dict(zip(controls, trained, strict=False))
    return [
        Learned(teachers[_teacher_key(plan)], found[_control_key(plan)], student)
        for plan, student in zip(plans, trained[len(controls) :], strict=True)
    ]


def _teachers(plans: Sequence[Plan]) -> dict[Hashable, Teacher]:
    found: dict[Hashable, Teacher] = {}
    members: dict[Hashable, Member] = {}
    for key, plan in _first(plans, _teacher_key):
        make = maker_of(plan.teacher)
        if make is None:
            train = plan.made.places["train"]
            found[key] = own_teacher(plan.teacher, plan.rows, plan.labels, plan.classes, train)
        else:
            members[key] = _label_member(plan.teacher_recipe(make), plan)
    outcomes = _trained(list(members.values()))
    networks = zip(members, outcomes, strict=True)
    return found | {key: TrainedTeacher(outcome.model) for key, outcome in networks}


def _label_member(recipe: Recipe, plan: Plan) -> Member:
    return Member(recipe.initial(), Objective(), recipe.settings, recipe.seed, plan.made.dataset)


def _student_member(plan: Plan, teacher: nn.Module) -> Member:
    recipe, dataset = plan.student_recipe(), plan.made.dataset
    outputs = {split: outputs_of(teacher, dataset, split) for split in plan.made.places}
    distillation = Distillation(lambda _start: plan.objective())
    model, objective = assemble_student(recipe, distillation, teacher, dataset)
    objective.learn(outputs, dataset.splits)
    return Member(model, objective, recipe.settings, recipe.seed, dataset, outputs)


def _trained(members: Sequence[Member]) -> list[Trained]:
    found = []
    for outcome in train_together(members):
        if isinstance(outcome, Exception):
            raise outcome
        found.append(outcome)
    return found


def _teacher_key(plan: Plan) -> Hashable:
    if maker_of(plan.teacher) is None:
        return id(plan.made), sharing_key(plan.teacher)
    return id(plan.made), sharing_key(plan.teacher), plan.training, plan.seed


def _control_key(plan: Plan) -> Hashable:
    return id(plan.made), sharing_key(plan.student), plan.training, plan.seed


def _first(
    plans: Sequence[Plan], key_of: Callable[[Plan], Hashable]
) -> list[tuple[Hashable, Plan]]:
    """The first plan of each key."""
    return list({key_of(plan): plan for plan in reversed(plans)}.items())
