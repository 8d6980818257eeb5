import pytest
import torch

from fairkd.errors import ConfigError
from fairkd.models.answers import Answers

SAID = {
    "train": torch.randn(5, 2),
    "validation": torch.randn(3, 2),
    "test": torch.randn(4, 2),
}


def test_each_split_has_its_answers_and_keeps_them_as_tensors():
    model = Answers(2)
    model.tell(SAID)
    again = Answers(2)
    again.load_state_dict(model.state_dict())
    for split, said in SAID.items():
        assert torch.equal(model.on(split), said)
        assert torch.equal(again.on(split), said)
    assert not list(model.parameters())


def test_other_rows_are_refused_once_it_was_told():
    model = Answers(2)
    assert torch.equal(model(torch.randn(6, 9)), torch.zeros(6, 2))
    model.tell(SAID)
    with pytest.raises(ConfigError, match="known for the rows of the data alone"):
        model(torch.randn(6, 9))
