"""Members whose epochs are tested keep, in a stack, the epoch that they keep alone."""

import copy
from collections.abc import Callable
from dataclasses import replace

import torch

from fairkd.data.blocks import Blocks
from fairkd.evaluation.bound import Bound, decisions
from fairkd.evaluation.certificate import Certifier
from fairkd.fairness.dual import Lagrangian
from fairkd.training.distil import Trained
from fairkd.training.inference import outputs_on
from fairkd.training.stack.member import Member
from fairkd.training.stack.together import train_alone, train_stack

BLOCKS = Blocks.of({"sex": ["f", "m"], "race": ["a", "b", "c"]})


def _members(member: Callable[..., Member], thresholds: tuple[float, ...]) -> list[Member]:
    members = []
    for seed, threshold in enumerate(thresholds):
        one = member(seed=seed, weight=None)
        one.objective.constraints["bound"] = Lagrangian(BLOCKS, 2, threshold=0.0)
        bounds = {"bound": Bound("selection_rate", "largest_difference", BLOCKS["sex"], threshold)}
        judge = Certifier.over(bounds, one.dataset.splits["test"], 2, 0.9)
        members.append(replace(one, certifier=judge))
    return members


def test_a_stack_certifies_what_its_members_do(member: Callable[..., Member]) -> None:
    members = _members(member, (0.05, 0.5, 0.99))
    alone = [train_alone(copy.deepcopy(one)) for one in members]
    together = train_stack(copy.deepcopy(members))
    seen = set()
    for one, ours, theirs in zip(members, together, alone, strict=True):
        assert isinstance(ours, Trained)
        assert isinstance(theirs, Trained)
        assert ours.together == 3
        found = ours.fitted.certificate
        assert found is not None
        assert found == theirs.fitted.certificate
        assert ours.fitted.best_epoch == found.epoch == theirs.fitted.best_epoch
        for path, value in theirs.model.state_dict().items():
            assert torch.equal(ours.model.state_dict()[path], value), path
        # The kept weights are those whose bound is certified.
        assert one.certifier is not None
        rows = one.certifier.rows
        decided = decisions(outputs_on(ours.model, rows).logits, 0.5)
        upper = one.certifier.bounds["bound"].upper(decided, rows, 0.9)
        assert found.chosen.upper["bound"] == upper
        row = ours.fitted.history[found.epoch]
        assert found.chosen.slack == torch.tensor(row["val/slack"]).item()
        seen.add(found.certified)
    assert seen == {True, False}


def test_candidates_are_the_front_of_all_epochs(member: Callable[..., Member]) -> None:
    (one,) = _members(member, (0.5,))
    trained = train_alone(one)
    assert isinstance(trained, Trained)
    found = trained.fitted.certificate
    assert found is not None
    seen = [(row["val/slack"], -row["val/decided_accuracy"]) for row in trained.fitted.history]
    unbeaten = {
        place
        for place, (slack, error) in enumerate(seen)
        if not any(
            s <= slack and e <= error and (s, e, k) < (slack, error, place)
            for k, (s, e) in enumerate(seen)
        )
    }
    assert {each.epoch for each in found.tested} == unbeaten
    slacks = [each.slack for each in found.tested]
    assert slacks == sorted(slacks)


def test_a_certified_student_may_train_in_another_precision(member: Callable[..., Member]) -> None:
    (one,) = _members(member, (0.5,))
    trained = train_alone(replace(one, settings=replace(one.settings, precision="64-true")))
    assert isinstance(trained, Trained), trained
    assert trained.fitted.certificate is not None
    assert next(trained.model.parameters()).dtype == torch.float32
