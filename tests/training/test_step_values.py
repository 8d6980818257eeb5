"""An epoch's means, however many steps it has."""

import torch

from fairkd.training.step_values import StepValues


def test_means_are_those_of_all_steps_bit_for_bit() -> None:
    generator = torch.Generator().manual_seed(0)
    losses = torch.rand(3_000, generator=generator)
    halves = torch.rand(3_000, generator=generator).double()
    steps = StepValues()
    for loss, half in zip(losses, halves, strict=True):
        steps.add({"loss": loss.requires_grad_(), "half": half})
    found = steps.means()
    assert torch.equal(found["loss"], torch.stack(list(losses)).mean())
    assert torch.equal(found["half"], torch.stack(list(halves)).mean())
    assert found["half"].dtype == torch.float64
    assert not found["loss"].requires_grad


def test_steps_one_by_one_are_what_was_added_and_can_be_added_again() -> None:
    steps = StepValues()
    for number in (1.0, 2.0, 6.0):
        steps.add({"loss": torch.tensor(number), "labels": torch.tensor(-number)})
    listed = steps.listed()
    assert [float(step["labels"]) for step in listed] == [-1.0, -2.0, -6.0]
    assert all(value.untyped_storage().nbytes() == 4 for step in listed for value in step.values())
    again = StepValues()
    for step in listed:
        again.add(step)
    assert float(again.means()["loss"]) == 3.0
