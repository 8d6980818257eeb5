import pytest
import torch
from torch import Tensor

from fairkd.data.batch import Batch
from fairkd.data.blocks import Blocks
from fairkd.distillation.term import DistillationTerm
from fairkd.models.features import ModelOutputs

FIRST = torch.tensor(0.0)
BLOCKS = Blocks.of({"sex": ["female", "male"], "race": ["a", "b", "c"]})


class Pair:
    """Random outputs of two models for the same random rows, in float64."""

    def __init__(self, rows: int = 6, classes: int = 3, seed: int = 0) -> None:
        self.g = torch.Generator().manual_seed(seed)
        self.rows = rows
        y = torch.randint(classes, (rows,), generator=self.g)
        sex = torch.eye(2)[torch.randint(2, (rows,), generator=self.g)]
        race = torch.eye(3)[torch.randint(3, (rows,), generator=self.g)]
        self.batch = Batch(
            torch.zeros(rows, 1), y, torch.cat([sex, race], 1).double(), torch.arange(rows),
            torch.ones(rows).double(),
        )  # fmt: skip
        self.student = ModelOutputs(2 * self.draw(classes), {})
        self.teacher = ModelOutputs(2 * self.draw(classes), {})

    def draw(self, *shape: int) -> Tensor:
        return torch.randn(self.rows, *shape, generator=self.g).double()

    def with_features(self, ours: tuple[int, ...], theirs: tuple[int, ...]) -> "Pair":
        self.student = ModelOutputs(self.student.logits, {"f": self.draw(*ours)})
        self.teacher = ModelOutputs(self.teacher.logits, {"f": self.draw(*theirs)})
        return self

    def value(self, term: DistillationTerm) -> Tensor:
        value: Tensor = term(self.student, self.teacher, self.batch, FIRST)
        return value

    def connect(self, term: DistillationTerm, seed: int = 0) -> DistillationTerm:
        term.find_groups(BLOCKS)
        term.connect(self.student, self.teacher, torch.Generator().manual_seed(seed))
        return term.double()


@pytest.fixture
def pair() -> type[Pair]:
    return Pair
