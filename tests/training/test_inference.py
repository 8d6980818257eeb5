import pytest
import torch
from torch import nn

from fairkd.models.features import ModelOutputs
from fairkd.models.mlp import MLP
from fairkd.training.inference import joined, outputs_on


@pytest.mark.parametrize("size", [1, 10, 1000])
def test_outputs_are_the_models_in_the_splits_order(dataset, size):
    model = MLP(4, 2, (6,), dropout=0.5).double()
    split = dataset.splits["test"]._replace(x=dataset.splits["test"].x.double())
    found = outputs_on(model.train(), split, ("hidden1",), batch_size=size)
    assert model.training  # as it was; dropout did not act
    model.eval()
    torch.testing.assert_close(found.logits, model(split.x).detach(), rtol=1e-13, atol=1e-14)
    expected = model.get_submodule("hidden1")(split.x).detach()
    torch.testing.assert_close(found.features["hidden1"], expected, rtol=1e-13, atol=1e-14)


def test_outputs_can_be_learned_from(dataset):
    """They come out of inference mode as ordinary tensors."""
    found = outputs_on(MLP(4, 2), dataset.splits["test"])
    student = nn.Linear(4, 2)
    (student(dataset.splits["test"].x) * found.logits).sum().backward()
    assert not found.logits.is_inference()
    assert student.weight.grad is not None


def test_joining_is_rows_under_rows():
    parts = [ModelOutputs(torch.full((n, 2), n), {"f": torch.full((n, 3), n)}) for n in (1, 2)]
    whole = joined(parts)
    assert whole.logits[:, 0].tolist() == [1, 2, 2]
    assert whole.features["f"].shape == (3, 3)
