"""A stack of members as one Lightning module, run by the same Trainer as a lone model."""

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.func import functional_call, vmap
from torch.optim import Optimizer

from fairkd.data.batch import Batch
from fairkd.data.loaders import BatchLoader
from fairkd.errors import FairkdError, first_line
from fairkd.models.features import ModelOutputs, run
from fairkd.training.stack.course import Course
from fairkd.training.stack.dropout import DropoutMasks, with_given_dropout
from fairkd.training.stack.gradients import members_gradients, members_opposed
from fairkd.training.stack.likeness import OTHER_BITS
from fairkd.training.stack.linear import MembersLinear
from fairkd.training.stack.member import Member, Step, Stepped, lone_gradients, of_student
from fairkd.training.stack.optimizer import StackedOptimizer
from fairkd.training.stack.streams import MemberBatches, Streams
from fairkd.training.stack.weights import StackedWeights
from fairkd.training.validation import Validation

_FEWEST_SHARE = 0.5  # a stack is made smaller when fewer than this share of it still learns


class CannotStackError(FairkdError):
    """These members cannot train as a stack; the text is the reason, in a few words."""


class StackModule(pl.LightningModule):
    """Members that train as one program.

    Each step draws every member's batch, takes the members' objectives under ``vmap``, and steps
    them with one torch optimiser. Each epoch then judges member after member with the lone model's
    code. A member that fails or stops early leaves the others as they are.

    Args:
        members: alike (see `fairkd.training.stack.likeness`). Exact ones refuse to start where
            their first gradients differ from those of lone members.
        progress: called after every epoch with the number of members that still learn.

    Attributes:
        members: as given.
        courses: what happened to each member.
    """

    def __init__(self, members: Sequence[Member], progress: Callable[[int], None]) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.members = list(members)
        self._exact = members[0].exact
        self._progress = progress
        self.courses = [Course(member.settings, member.certifier is not None) for member in members]
        self._places = list(range(len(members)))  # which member stands at which place
        steps = [Step(member.model, member.objective) for member in members]
        self.weights = StackedWeights(steps)
        first = members[0]
        self.validation = Validation(first.dataset.blocks, len(first.dataset.classes))
        # Modules without weights of their own: they are lent the members'.
        self._lent = [copy.deepcopy(steps[0])]
        stacked = copy.deepcopy(steps[0])
        self._dropout = DropoutMasks(copy.deepcopy(first.model), [m.seed for m in members])
        with_given_dropout(stacked.model, self._dropout.paths)
        self._stacked = [stacked]
        self._totals: list[Tensor] = []
        self._terms: list[dict[str, Tensor]] = []
        self._judged: list[tuple[int, dict[str, Tensor]]] = []
        self._splits: dict[int, Batch] = {}
        self._teachers: dict[int, dict[str, ModelOutputs]] = {}

    def __setattr__(self, name: str, value: Any) -> None:
        # See ClassifierModule: Lightning notes the running hook's name some 45 times a step.
        if name == "_current_fx_name":
            object.__setattr__(self, name, value)
        else:
            super().__setattr__(name, value)

    def configure_optimizers(self) -> Optimizer:
        """One optimiser over all members, each at its own options."""
        self._optimizer = StackedOptimizer(self.members, self.weights.trained)
        return self._optimizer.optimizer

    def on_fit_start(self) -> None:
        """Bring the data to the device, and compare the first gradients with lone ones.

        Raises:
            CannotStackError: in exact mode, they differ; or the model does not run in a stack.
        """
        for module in (*self._lent, *self._stacked):
            module.to(self.device, next(iter(self.weights.trained)).dtype)
        for member in self.members:
            if id(member.dataset) not in self._splits:
                validation = member.dataset.splits["validation"]
                moved = Batch(*(field.to(self.device) for field in validation))
                self._splits[id(member.dataset)] = moved
            if member.teacher is not None and id(member.teacher) not in self._teachers:
                self._teachers[id(member.teacher)] = {
                    split: outputs.to(self.device) for split, outputs in member.teacher.items()
                }
        self._streams = Streams(self.members, self.device)
        self._batches = self._member_batches()
        self._try_first_gradients()

    def train_dataloader(self) -> Streams:
        """The streams of training batches."""
        return self._streams

    def val_dataloader(self) -> range:
        """The members, one after another."""
        return range(len(self.members))

    def transfer_batch_to_device(
        self,
        batch: Any,
        device: torch.device,  # noqa: ARG002
        dataloader_idx: int,  # noqa: ARG002
    ) -> Any:
        """The batch as it is: its split went to the device as a whole."""
        return batch

    def on_train_epoch_start(self) -> None:
        """Choose the orders of the epoch."""
        self._streams.set_epoch(self.current_epoch)
        self._epoch = torch.tensor(float(self.current_epoch), device=self.device)
        self._totals.clear()
        self._terms.clear()

    def training_step(self, batches: list[Batch], batch_idx: int) -> None:  # noqa: ARG002
        """One step of every member."""
        totals, terms, state, gradients = self._gradients(batches, self._dropout, self._epoch)
        largest = self.members[0].settings.gradient_clip_val
        self._optimizer.step(gradients, largest)
        self.weights.put(state)
        self._totals.append(totals)
        self._terms.append(terms)

    def validation_step(self, batch: int, batch_idx: int) -> None:  # noqa: ARG002
        """Judge one member as a lone model is judged, with the weights it has in the stack."""
        number = int(batch)
        if not self.courses[number].running:
            return
        member, lent = self.members[number], self._lent[0]
        place = self._places.index(number)
        _lend(lent, self.weights.views(place))
        lent.eval()
        split = self._splits[id(member.dataset)]
        teacher = self._teachers[id(member.teacher)] if member.teacher is not None else None
        for rows in BatchLoader(split, member.settings.evaluation_batch_size):
            rows = self.trainer.precision_plugin.convert_input(rows)
            outputs = run(lent.model, rows.x, lent.objective.student_features)
            theirs = teacher["validation"].rows(rows.index) if teacher is not None else None
            self.validation.update(outputs, theirs, rows)
        shares, metrics = self.validation.compute(
            lent.objective, dict(lent.model.named_parameters()), lent.model, member.certifier
        )
        self._judged.append((number, {**shares, **metrics}))

    def on_validation_epoch_end(self) -> None:
        """Hand each member its values, and its weights if they are the best."""
        for number, values in self._judged:
            views = self.weights.views(self._places.index(number))
            own = {
                name.removeprefix("model."): view
                for name, view in views.items()
                if name.startswith("model.")
            }
            plain = {name: float(value) for name, value in values.items()}
            self.courses[number].validated(self.current_epoch, plain, own)
        self._judged.clear()

    def on_train_epoch_end(self) -> None:
        """Hand each member its training values; drop those that are done."""
        # A row for each member, contiguous: its mean then rounds as a lone member's does.
        totals = torch.stack(self._totals, dim=1)
        terms = {
            name: torch.stack([step[name] for step in self._terms], dim=1)
            for name in self._terms[0]
        }
        for place, number in enumerate(self._places):
            values = {"loss": totals[place], **{name: v[place] for name, v in terms.items()}}
            means = {name: float(value.mean()) for name, value in values.items()}
            self.courses[number].trained(self.current_epoch, means)
        running = [p for p, number in enumerate(self._places) if self.courses[number].running]
        self._progress(len(running))
        if not running:
            self.trainer.should_stop = True
        elif len(running) < _FEWEST_SHARE * len(self._places):
            self._shrink(running)

    def _gradients(
        self, batches: Sequence[Batch], dropout: DropoutMasks, epoch: Tensor
    ) -> tuple[Tensor, dict[str, Tensor], dict[str, Tensor], list[Tensor | None]]:
        """Every member's objective, terms and gradients, without a step.

        Returns:
            Totals ``[K]``, terms ``[K]`` by name, the terms' state after the step ``[K, ...]``, and
            for each trained parameter the gradients ``[K, ...]``, ``None`` where nothing depends on
            it.
        """
        batch, teacher = self._batches(batches)
        masks = dropout.draw(batches[0].x)
        tensors = self.weights.tensors()
        tensors |= {f"model.{path}.mask": mask for path, mask in masks.items()}
        step = self._stacked[0]
        own = [of_member.x for of_member in self._batches.own(batches)]
        products = MembersLinear(batch.x, own) if self._exact else nullcontext()
        with torch.enable_grad(), products:
            stepped: Stepped
            if teacher is None:
                call = vmap(lambda given, rows: functional_call(step, given, (rows, None, epoch)))
                stepped = call(tensors, batch)
            else:
                both = vmap(
                    lambda given, rows, theirs: functional_call(step, given, (rows, theirs, epoch))
                )
                stepped = both(tensors, batch, teacher)
            trained = list(self.weights.trained)
            gradients = members_gradients(
                stepped.total, trained, keep_graph=bool(stepped.opponents)
            )
            students = len(of_student(step))
            for opponent in stepped.opponents.values():
                theirs = members_gradients(opponent.loss, trained[:students])
                gradients[:students] = members_opposed(
                    gradients[:students], theirs, opponent.weight.detach()
                )
        detached = {name: term.detach() for name, term in stepped.terms.items()}
        return stepped.total.detach(), detached, stepped.state, gradients

    def _try_first_gradients(self) -> None:
        """Take the gradients of a full and of a short batch; in exact mode, compare some of them.

        That is those of the first and the last member, with the same members' alone.
        """
        epoch = torch.tensor(0.0, device=self.device)
        for drawn in _full_and_short(self._streams):
            batches = [self.trainer.precision_plugin.convert_input(batch) for batch in drawn]
            masks = DropoutMasks(self.members[0].model, [m.seed for m in self.members])
            try:
                *_, stacked = self._gradients(batches, masks, epoch)
            except (RuntimeError, TypeError, ValueError) as error:
                if is_out_of_memory(error):
                    raise
                problem = first_line(error)
                raise CannotStackError(f"its model does not run in a stack: {problem}") from error
            for place in {0, len(self.members) - 1} if self._exact else ():
                alone = self._lone_gradients(place, batches, epoch)
                together = [None if g is None else g[place] for g in stacked]
                if not all(map(_same_bits, together, alone)):
                    raise CannotStackError(OTHER_BITS)

    def _lone_gradients(
        self, place: int, batches: Sequence[Batch], epoch: Tensor
    ) -> list[Tensor | None]:
        member, lent = self.members[place], self._lent[0]
        _lend(lent, self.weights.views(place))
        batch = batches[self._streams.of_member[place]]
        teacher = None
        if member.teacher is not None:
            teacher = self._teachers[id(member.teacher)]["train"].rows(batch.index)
        lent.train()
        with torch.random.fork_rng(), torch.enable_grad():
            torch.manual_seed(member.seed)
            return lone_gradients(lent, batch, teacher, epoch)

    def _shrink(self, running: Sequence[int]) -> None:
        """Go on with the members at the given places alone."""
        self._places = [self._places[place] for place in running]
        self.weights.keep(torch.tensor(running))
        self._dropout.keep(running)
        self._batches = self._member_batches()
        members = [self.members[number] for number in self._places]
        self._optimizer = self._optimizer.kept(running, members, self.weights.trained)

    def _member_batches(self) -> MemberBatches:
        members = [self.members[number] for number in self._places]
        teachers = [
            None if member.teacher is None else self._teachers[id(member.teacher)]["train"]
            for member in members
        ]
        streams = [self._streams.of_member[number] for number in self._places]
        return MemberBatches(streams, teachers, self.device)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory was what was missing."""
    texts = ("can't allocate memory", "not enough memory", "out of memory")
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or (
        isinstance(error, RuntimeError) and any(text in str(error) for text in texts)
    )


def _lend(step: Step, tensors: dict[str, Tensor]) -> None:
    """Let a module compute with other tensors, in place of its own."""
    for name, value in (*step.named_parameters(), *step.named_buffers()):
        value.data = tensors[name].clone()  # aligned as a lone model's, which products depend on


def _same_bits(ours: Tensor | None, theirs: Tensor | None) -> bool:
    """Whether two gradients agree, with undefined values in the same places."""
    if ours is None or theirs is None:
        return ours is theirs
    return bool(torch.equal(ours.isnan(), theirs.isnan())) and bool(
        torch.equal(ours.nan_to_num(), theirs.nan_to_num())
    )


def _full_and_short(streams: Streams) -> Iterator[list[Batch]]:
    """The first and, where it is shorter, the last batch of an epoch."""
    streams.set_epoch(0)
    last: list[Batch] = []
    for number, batches in enumerate(streams):
        if number == 0:
            yield batches
        last = batches
    if last and last[0].size < streams.batch_size:
        yield last
