"""A teacher's last layer, retrained on rows balanced over label and group."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest
import torch
from sklearn.naive_bayes import GaussianNB
from torch import Tensor

from fairkd.data.batch import Batch
from fairkd.data.blocks import Blocks
from fairkd.data.dataset import Dataset
from fairkd.errors import ConfigError
from fairkd.models.classifier import Classifier
from fairkd.models.ensemble import Ensemble
from fairkd.models.mlp import MLP
from fairkd.training.balance import Balance
from fairkd.training.distil import Recipe, Trained, train_on_labels
from fairkd.training.fit import TrainerSettings
from fairkd.training.objective import Objective
from fairkd.training.stack.member import Member
from fairkd.training.stack.together import train_alone, train_together

BLOCKS = Blocks.of({"hue": ["red", "blue"]})


def _split(rows: int, seed: int, aligned: float) -> Batch:
    """A loud feature that follows the group, a faint one that follows the label."""
    g = torch.Generator().manual_seed(seed)
    y = torch.randint(2, (rows,), generator=g)
    same = torch.rand(rows, generator=g) < aligned
    hue = torch.where(same, y, 1 - y)
    x = torch.randn(rows, 6, generator=g)
    x[:, 0] = 3 * (2 * hue - 1) + 0.5 * x[:, 0]
    x[:, 1] = 1.0 * (2 * y - 1) + 0.8 * x[:, 1]
    return Batch(x, y, torch.eye(2)[hue], torch.arange(rows), torch.ones(rows))


@pytest.fixture(scope="module")
def spurious() -> Dataset:
    """Nineteen rows of twenty have the hue of their label; in the test split half do."""
    splits = {
        "train": _split(1200, 0, 0.95),
        "validation": _split(400, 1, 0.95),
        "test": _split(2000, 2, 0.5),
    }
    return Dataset("hues", splits, BLOCKS, ("no", "yes"), "hues")


@pytest.fixture(scope="module")
def settings() -> TrainerSettings:
    return TrainerSettings(
        partial(torch.optim.Adam, lr=0.01),
        max_epochs=4, batch_size=64, accelerator="cpu", progress="off",
    )  # fmt: skip


Make = Callable[..., Recipe]


@pytest.fixture
def teacher(settings: TrainerSettings) -> Make:
    def make(balance: Balance | None = None, seed: int = 0) -> Recipe:
        build = partial(MLP, 6, 2, (32,), dropout=0.2)
        return Recipe(build, settings, seed, balance=balance)

    return make


@pytest.fixture
def ensemble(settings: TrainerSettings) -> Make:
    def make(balance: Balance | None = None) -> Recipe:
        members = {name: partial(MLP, hidden=[8]) for name in "abc"}
        return Recipe(lambda: Ensemble((6,), 2, members), settings, 0, balance=balance)

    return make


def _worst(model: torch.nn.Module, split: Batch) -> float:
    """Accuracy in the worst cell of label and group."""
    with torch.no_grad():
        right = model(split.x).argmax(1) == split.y
    cells = [right[(split.y == y) & (split.group[:, g] == 1)] for y in range(2) for g in range(2)]
    return min(float(cell.float().mean()) for cell in cells)


@pytest.mark.parametrize("rows", ["train", "validation"])
def test_the_worst_cell_of_fresh_rows_gains(spurious, teacher, rows):
    plain = train_on_labels(teacher(), spurious).model
    balanced = train_on_labels(teacher(Balance("hue", rows)), spurious).model
    test = spurious.splits["test"]
    assert _worst(balanced, test) > _worst(plain, test) + 0.2


def _tensors(model: torch.nn.Module) -> dict[str, Tensor]:
    return model.state_dict()


def test_nothing_but_the_last_layer_changes(spurious, teacher):
    plain = train_on_labels(teacher(), spurious)
    balanced = train_on_labels(teacher(Balance("hue")), spurious)
    differ = {
        name
        for name, value in _tensors(plain.model).items()
        if not torch.equal(value, _tensors(balanced.model)[name])
    }
    assert differ == {"head.weight", "head.bias"}
    assert balanced.steps == plain.steps


def test_the_history_tells_of_it(spurious, teacher):
    plain = train_on_labels(teacher(), spurious).fitted
    balanced = train_on_labels(teacher(Balance("hue")), spurious)
    *epochs, last = balanced.fitted.history
    assert epochs == plain.history
    assert balanced.fitted.best_epoch == len(plain.history) == last["epoch"]
    assert last["retrained_epoch"] == plain.best_epoch
    assert (balanced.fitted.epochs, plain.epochs) == (4, 4)
    assert balanced.fitted.kept_epoch == plain.kept_epoch == plain.best_epoch
    assert set(last) == {*plain.history[0], "retrained_epoch"}
    for stage, name in (("train", "train"), ("val", "validation")):
        split = spurious.splits[name]
        with torch.no_grad():
            loss = torch.nn.functional.cross_entropy(balanced.model(split.x), split.y)
        assert last[f"{stage}/loss"] == pytest.approx(float(loss), rel=1e-5)


@pytest.mark.parametrize("torch_threads", [1, 2])
def test_in_a_stack_or_alone_it_ends_with_the_same_bits(spurious, teacher, settings, torch_threads):
    ways = [Balance("hue"), Balance("hue", "validation", C=0.1), None, Balance("hue")]

    def members() -> list[Member]:
        return [
            Member(teacher(seed=seed).initial(), Objective(), settings, seed, spurious, balance=way)
            for seed, way in enumerate(ways)
        ]

    before = torch.get_num_threads()
    torch.set_num_threads(torch_threads)  # of whoever trains the stack
    try:
        together = train_together(members())
    finally:
        torch.set_num_threads(before)
    for number, (ours, member) in enumerate(zip(together, members(), strict=True)):
        alone = train_alone(member)
        by_recipe = train_on_labels(teacher(ways[number], number), spurious)
        assert isinstance(ours, Trained)
        assert ours.together == len(ways)
        for other in (alone, by_recipe):
            assert isinstance(other, Trained)
            assert other.fitted == ours.fitted
            assert other.steps == ours.steps
            for name, value in _tensors(ours.model).items():
                assert torch.equal(value, _tensors(other.model)[name]), name


def test_members_that_are_not_named_stay_as_they_trained(spurious, ensemble):
    plain = train_on_labels(ensemble(), spurious)
    balanced = train_on_labels(ensemble(Balance("hue", members=["a", "b"])), spurious)
    differ = {
        name
        for name, value in _tensors(plain.model).items()
        if not torch.equal(value, _tensors(balanced.model)[name])
    }
    assert differ == {f"members.{m}.head.{part}" for m in "ab" for part in ("weight", "bias")}
    every = train_on_labels(ensemble(Balance("hue")), spurious)
    for name, value in _tensors(balanced.model).items():
        of_every = _tensors(every.model)[name]
        assert torch.equal(value, of_every) == (not name.startswith("members.c.head")), name
    (row,) = balanced.fitted.history
    split = spurious.splits["validation"]
    with torch.no_grad():
        loss = torch.nn.functional.cross_entropy(balanced.model(split.x), split.y)
    assert row["val/loss"] == pytest.approx(float(loss), rel=1e-5)


def test_a_layer_without_bias_gets_none(spurious, settings):
    class Plain(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = torch.nn.Linear(6, 8)
            self.head = torch.nn.Linear(8, 2, bias=False)

        def forward(self, x: Tensor) -> Tensor:
            logits: Tensor = self.head(self.body(x).relu())
            return logits

    trained = train_on_labels(Recipe(Plain, settings, 0, balance=Balance("hue")), spurious)
    assert _worst(trained.model, spurious.splits["test"]) > 0.6


def _blank() -> Classifier:
    return Classifier(GaussianNB(), 6, 2)


@pytest.mark.parametrize(
    ("balance", "model", "sentence"),
    [
        (
            Balance("tint"),
            lambda: MLP(6, 2, (4,)),
            "Unknown group block 'tint'. Accepted: hue.",
        ),
        (
            Balance("hue", members=["a"]),
            lambda: MLP(6, 2, (4,)),
            "members=[a] names members of an ensemble, and the teacher is one MLP; leave it null, "
            "or choose teacher=ensemble.",
        ),
        (
            Balance("hue", members=["a", "d"]),
            lambda: Ensemble((6,), 2, {n: partial(MLP, hidden=[2]) for n in "ab"}),
            "Unknown member in members 'd'. Accepted: a, b.",
        ),
        (
            Balance("hue"),
            _blank,
            "Classifier has no linear last layer, whose outputs are its logits as they are; "
            "accepted: models that end in a torch.nn.Linear (mlp, linear, convnet, resnet).",
        ),
    ],
    ids=["block", "members of none", "member", "classifier"],
)
def test_what_cannot_be_balanced_is_refused(spurious, balance, model, sentence):
    with pytest.raises(ConfigError) as refused:
        balance.check(model(), spurious)
    assert str(refused.value) == sentence


def test_a_class_of_unknown_groups_is_refused(spurious):
    train = spurious.splits["train"]
    group = train.group.clone()
    group[train.y == 1] = 0.0
    unknown = replace(spurious, splits={**spurious.splits, "train": train._replace(group=group)})
    model = MLP(6, 2, (4,))
    Balance("hue", "validation").check(model, unknown)
    with pytest.raises(ConfigError) as refused:
        Balance("hue").check(model, unknown)
    assert str(refused.value) == (
        "by=hue leaves the class 'yes' without rows: none of them in train has a known group; "
        "choose another block, or other rows."
    )


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"rows": "test"}, "rows=test is not known; accepted: train, validation."),
        ({"C": 0}, "C=0 is out of range; accepted: a number above 0."),
        (
            {"members": []},
            "members=[] is not a list of members; accepted: null for all, or at least one name, "
            "as in [a,b].",
        ),
    ],
)
def test_values_out_of_range_are_refused(values, sentence):
    with pytest.raises(ConfigError) as refused:
        Balance("hue", **values)
    assert str(refused.value) == sentence
