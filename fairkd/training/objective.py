"""What a student minimises: a pure function of outputs and a batch, with tensors for knobs."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn

from fairkd import checks
from fairkd.data.batch import Batch
from fairkd.distillation.schedule import Schedule
from fairkd.distillation.term import DistillationTerm
from fairkd.errors import ConfigError
from fairkd.fairness.mitigation import Mitigation, Opponent
from fairkd.fairness.mitigations import Mitigations
from fairkd.fairness.term import FairnessTerm, Student
from fairkd.models.features import ModelOutputs
from fairkd.models.probabilities import cross_entropy

LABELS = "labels"
PULL = "pull_to_start"


class ObjectiveValue(NamedTuple):
    """The objective of one batch.

    Attributes:
        total: what is minimised, shape ``[]``.
        terms: each named term before its weight, shape ``[]``.
        weights: the weight each term had in the total, shape ``[]``.
        opponents: by name, whose gradient changes the student's beyond the total's (see
            `fairkd.training.opposing`): mostly none, never more than one.
    """

    total: Tensor
    terms: dict[str, Tensor]
    weights: dict[str, Tensor]
    opponents: dict[str, Opponent]


class Objective(nn.Module):
    r"""Labels, distillation, constraints, adversaries and a pull to the start, each weighted.

    .. math:: w_0 \mathrm{CE} + \sum_k w_k D_k + \sum_j \lambda_j V_j
              + \beta \lVert \theta - \theta_0 \rVert^2

    Nothing is logged, stepped or remembered here, and no value decides which code runs, so one
    call serves a single student as well as, under ``torch.func``, a stack of them whose
    hyperparameters differ.

    Before ``start_epoch`` the student learns from labels alone: weight 1 on the cross-entropy, 0 on
    every distillation term. Constraints and mitigations hold throughout.

    Args:
        label_weight: weight of the cross-entropy with the labels (1 - alpha beside soft targets).
        terms: distillation terms by name.
        constraints: constraints, and other terms about groups, by name.
        mitigations: mitigations by name.
        start_epoch: first epoch, counted from 0, in which distillation counts.
        schedule: a factor on every distillation term's weight; ``None`` leaves them constant.
        pull: weight of the squared distance to the starting weights (L2-SP: Li, Grandvalet and
            Davoine, "Explicit inductive bias for transfer learning", ICML 2018).
        start: the starting weights by parameter name; ``None`` where there is no pull, needed where
            ``pull`` is above 0. Whether they are given decides the objective's structure, their
            pull is a weight like every other and may be 0.

    Raises:
        ConfigError: a value out of range, a name used twice, or a pull to no start.
    """

    label_weight: Tensor
    start_epoch: Tensor
    pull: Tensor

    def __init__(
        self,
        *,
        label_weight: float = 1.0,
        terms: Mapping[str, DistillationTerm] | None = None,
        constraints: Mapping[str, FairnessTerm] | None = None,
        mitigations: Mapping[str, Mitigation] | None = None,
        start_epoch: int = 0,
        schedule: Schedule | None = None,
        pull: float = 0.0,
        start: Mapping[str, Tensor] | None = None,
    ) -> None:
        super().__init__()
        self.terms = nn.ModuleDict(dict(terms or {}))
        self.constraints = nn.ModuleDict(dict(constraints or {}))
        names = Counter((LABELS, PULL, *self.terms, *self.constraints, *(mitigations or {})))
        twice = [name for name, times in names.items() if times > 1]
        if twice:
            raise ConfigError(
                f"The name '{min(twice)}' is used twice in the objective; "
                "name each distillation term, constraint and mitigation differently."
            )
        self.mitigations = Mitigations(mitigations or {})
        label_weight = checks.number("label_weight", label_weight, least=0.0)
        pull = checks.number("pull", pull, least=0.0)
        checks.whole("start_epoch", start_epoch)
        self.schedule = None if schedule is None or schedule.idle else schedule
        self.register_buffer("label_weight", torch.tensor(label_weight))
        self.register_buffer("start_epoch", torch.tensor(float(start_epoch)))
        self.register_buffer("pull", torch.tensor(pull))
        if self.mitigations.label_losses and label_weight == 0 and start_epoch == 0:
            raise ConfigError(
                f"mitigation={self.mitigations.label_losses[0]} is about the loss with the labels, "
                "which weighs nothing here; give distillation.label_weight above 0, or choose "
                "another distillation."
            )
        if pull > 0 and not start:
            raise ConfigError("A pull to the start needs the starting weights; none were given.")
        self.start = nn.ParameterDict(
            {
                _flat(name): nn.Parameter(value.detach().clone(), requires_grad=False)
                for name, value in (start or {}).items()
            }
        )

    def followed(self) -> dict[str, Tensor]:
        """What of the constraints' own state is worth a curve: ``<constraint>/multiplier``."""
        return {
            f"{name}/{key}": value
            for name, constraint in self.named_constraints.items()
            for key, value in constraint.followed().items()
        }

    @property
    def student_features(self) -> tuple[str, ...]:
        """Module paths of the student that some term or mitigation reads."""
        of_terms = [term.student_features for term in self.named_terms.values()]
        return _distinct([*of_terms, self.mitigations.student_features])

    @property
    def teacher_features(self) -> tuple[str, ...]:
        """Module paths of the teacher that some term reads."""
        return _distinct(term.teacher_features for term in self.named_terms.values())

    @property
    def named_terms(self) -> dict[str, DistillationTerm]:
        """The distillation terms by name."""
        return {
            name: term for name, term in self.terms.items() if isinstance(term, DistillationTerm)
        }

    @property
    def named_constraints(self) -> dict[str, FairnessTerm]:
        """The constraints, and other terms about groups, by name."""
        return {
            name: constraint
            for name, constraint in self.constraints.items()
            if isinstance(constraint, FairnessTerm)
        }

    @property
    def needs_teacher(self) -> bool:
        """Whether any term compares with a teacher."""
        return len(self.terms) > 0

    def connect(
        self, student: ModelOutputs, teacher: ModelOutputs, generator: torch.Generator
    ) -> None:
        """Let all parts build what depends on the models' shapes (see `DistillationTerm`)."""
        for term in self.named_terms.values():
            term.connect(student, teacher, generator)
        self.mitigations.connect(student, generator)

    def learn(self, teacher: Mapping[str, ModelOutputs], splits: Mapping[str, Batch]) -> None:
        """Show rows, and the teacher's outputs, before training (see `DistillationTerm`)."""
        for term in self.named_terms.values():
            term.learn(teacher, splits)
        self.mitigations.learn(splits)

    def chances(self, split: Batch) -> Tensor | None:
        """How likely each training row is to be drawn (see `Mitigations.chances`)."""
        return self.mitigations.chances(split)

    def forward(
        self,
        student: ModelOutputs,
        teacher: ModelOutputs | None,
        batch: Batch,
        epoch: Tensor,
        parameters: Mapping[str, Tensor] | None = None,
        model: Student | None = None,
    ) -> ObjectiveValue:
        """The objective of one batch.

        Args:
            student: the student's outputs, with gradient.
            teacher: the teacher's outputs for the same rows; may be ``None`` without terms.
            batch: the rows.
            epoch: the current epoch, counted from 0, shape ``[]``.
            parameters: the student's parameters by name, for the pull to the start.
            model: the student itself, for terms that ask it about rows of their own making.

        Raises:
            ConfigError: there are distillation terms and no teacher outputs.
        """
        batch = self.mitigations.weighed(batch, epoch)

        def ask(_name: str, constraint: FairnessTerm) -> Tensor:
            return constraint.asking(student, batch, epoch, model)

        return self._value(student, teacher, batch, epoch, parameters, ask)

    def stepped(
        self,
        student: ModelOutputs,
        teacher: ModelOutputs | None,
        batch: Batch,
        epoch: Tensor,
        parameters: Mapping[str, Tensor] | None = None,
        model: Student | None = None,
    ) -> tuple[ObjectiveValue, dict[str, Tensor]]:
        """The objective of a batch in training, and the state of all parts after the step.

        Nothing is changed here.

        Args, Raises:
            As `forward`.

        Returns:
            The objective, and the state by its name in this module; mostly there is none.
        """
        batch = self.mitigations.weighed(batch, epoch)
        state: dict[str, Tensor] = {}

        def ask(name: str, constraint: FairnessTerm) -> Tensor:
            asked, after = constraint.stepped(student, batch, epoch, model)
            state.update({f"constraints.{name}.{buffer}": new for buffer, new in after.items()})
            return asked

        value = self._value(student, teacher, batch, epoch, parameters, ask)
        with torch.no_grad():
            for name, new in self.mitigations.advanced(student, batch, epoch).items():
                state[f"mitigations.{name}"] = new
            if teacher is None:
                return value, state
            for name, term in self.named_terms.items():
                for buffer, new in term.advanced(student, teacher, batch, epoch).items():
                    state[f"terms.{name}.{buffer}"] = new
        return value, state

    def _value(
        self,
        student: ModelOutputs,
        teacher: ModelOutputs | None,
        batch: Batch,
        epoch: Tensor,
        parameters: Mapping[str, Tensor] | None,
        ask: Callable[[str, FairnessTerm], Tensor],
    ) -> ObjectiveValue:
        """The objective of weighed rows, where ``ask`` gives a constraint's value."""
        distilling = (epoch >= self.start_epoch).to(self.label_weight.dtype)
        labels = cross_entropy(student.logits, batch.y)
        terms = {LABELS: _mean(self.mitigations.labels(labels, batch, epoch), batch.weight)}
        weights = {LABELS: distilling * self.label_weight + (1 - distilling)}
        if self.needs_teacher and teacher is None:
            raise ConfigError(
                "The objective has distillation terms and was given no teacher outputs."
            )
        if teacher is not None:
            strength = distilling if self.schedule is None else distilling * self.schedule(epoch)
            for name, term in self.terms.items():
                terms[name] = _mean(term(student, teacher, batch, epoch), batch.weight)
                weights[name] = strength * _buffer(term, "weight")
        for name, constraint in self.named_constraints.items():
            terms[name] = ask(name, constraint)
            weights[name] = constraint.factor
        opponents: dict[str, Opponent] = {}
        for name, contest in self.mitigations.contests(student, batch, epoch).items():
            terms[name], weights[name] = contest.value, contest.weight
            if contest.opponent is not None:
                opponents[name] = contest.opponent
        if len(self.start) and parameters is not None:
            terms[PULL] = self._distance_to_start(parameters)
            weights[PULL] = self.pull
        total = torch.stack([weights[name] * value for name, value in terms.items()]).sum()
        return ObjectiveValue(total, terms, weights, opponents)

    def _distance_to_start(self, parameters: Mapping[str, Tensor]) -> Tensor:
        distances = [
            (value - self.start[_flat(name)]).square().sum()
            for name, value in parameters.items()
            if _flat(name) in self.start
        ]
        return torch.stack(distances).sum()


def _mean(value: Tensor, weight: Tensor) -> Tensor:
    """A per-row term's mean under the rows' weights; a batch term as it is."""
    if value.dim() == 0:
        return value
    return (value * weight).sum() / weight.sum()


def _buffer(module: nn.Module, name: str) -> Tensor:
    return module.get_buffer(name)


def _flat(name: str) -> str:
    return name.replace(".", "/")


def _distinct(groups: Iterable[Iterable[str]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for group in groups for name in group))
