import pytest
import torch
from torch import nn

from fairkd.data.loaders import BatchLoader
from fairkd.models.features import ModelOutputs
from fairkd.models.mlp import MLP
from fairkd.training.inference import Gathered, joined_batch, outputs_on


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


@pytest.mark.parametrize("expected", [None, 7])
def test_outputs_by_batches_are_rows_under_rows(expected):
    gathered = Gathered(expected)
    for n in (1, 4, 2):
        gathered.add(ModelOutputs(torch.full((n, 2), n), {"f": torch.full((n, 3), -n)}))
    whole = gathered.whole()
    assert gathered.rows == 7
    assert whole.logits[:, 0].tolist() == [1, 4, 4, 4, 4, 2, 2]
    assert whole.features["f"][:, 2].tolist() == [-1, -4, -4, -4, -4, -2, -2]


def test_batches_of_a_split_in_place_are_the_split_itself(dataset):
    split = dataset.splits["validation"]
    whole = joined_batch(list(BatchLoader(split, 7)))
    assert whole.x.data_ptr() == split.x.data_ptr()
    for found, field in zip(whole, split, strict=True):
        assert torch.equal(found, field)


def test_other_batches_are_put_under_one_another(dataset):
    split = dataset.splits["validation"]
    first, second, third = list(BatchLoader(split.rows(slice(21)), 7))
    for parts in ([first, third], [second, first], [first, second.rows(torch.arange(7))]):
        whole = joined_batch(parts)
        assert whole.x.data_ptr() != split.x.data_ptr()
        assert torch.equal(whole.index, torch.cat([part.index for part in parts]))
        assert torch.equal(whole.x, torch.cat([part.x for part in parts]))
