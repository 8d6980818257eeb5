import pytest
import torch
from scipy.stats import chisquare

from fairkd.data.batch import Batch
from fairkd.data.blocks import Blocks
from fairkd.data.loaders import BatchLoader
from fairkd.errors import ConfigError
from fairkd.fairness.balanced_sampling import BalancedSampling, equal_cells
from fairkd.fairness.mitigations import Mitigations
from fairkd.fairness.reweighing import Reweighing

BLOCKS = Blocks.of({"sex": ["f", "m"], "race": ["a", "b", "c"]})
TRAINING, JUDGING = torch.tensor(3.0), torch.tensor(torch.inf)


def _split(rows: int = 1000, unknown: int = 10) -> Batch:
    g = torch.Generator().manual_seed(0)
    sex = (torch.rand(rows, generator=g) < 0.8).long()
    y = (torch.rand(rows, generator=g) < 0.1 + 0.2 * sex).long()
    race = torch.randint(3, (rows,), generator=g)
    group = torch.cat([torch.eye(2)[sex], torch.eye(3)[race]], 1)
    group[::unknown, :2] = 0.0
    return Batch(torch.zeros(rows, 1), y, group, torch.arange(rows), torch.ones(rows))


def _mitigations(
    split: Batch, *, of: str = "group_and_label", by: str | None = None
) -> Mitigations:
    mitigations = Mitigations({"drawn": BalancedSampling(BLOCKS, 2, by, of)})
    mitigations.learn({"train": split, "validation": split.rows(slice(1))})
    return mitigations


def _cell(split: Batch, of: str) -> torch.Tensor:
    """A number for each row's cell, -1 where the group is unknown."""
    sex = split.group[:, :2]
    cell = sex.argmax(1) * (2 if of == "group_and_label" else 1)
    cell = cell + (split.y if of == "group_and_label" else 0)
    return torch.where(sex.sum(1) > 0, cell, -1)


def test_known_cells():
    found = equal_cells(torch.tensor([[6.0, 2.0], [0.0, 4.0]]))
    torch.testing.assert_close(found, torch.tensor([[12 / 18, 2.0], [1.0, 1.0]]))


@pytest.mark.parametrize("of", ["group", "group_and_label"])
def test_every_cell_has_the_same_chance_and_unknown_rows_keep_theirs(of):
    split = _split()
    chances = _mitigations(split, of=of).chances(split)
    assert chances is not None
    assert chances.dtype == torch.float64
    cell = _cell(split, of)
    of_unknown = chances[cell == -1]
    torch.testing.assert_close(of_unknown, torch.full_like(of_unknown, 1 / 1000), rtol=1e-6, atol=0)
    n_cells = 4 if of == "group_and_label" else 2
    for c in range(n_cells):
        here = chances[cell == c]
        assert float(here.sum()) == pytest.approx(0.9 / n_cells, rel=1e-5)
        assert float(here.max()) == pytest.approx(float(here.min()))


def test_an_uncertain_row_is_drawn_from_each_of_its_cells():
    group = torch.tensor([[1.0, 0], [1, 0], [0, 1], [0.5, 0.5], [0.25, 0.25]])
    split = Batch(
        torch.zeros(5, 1), torch.tensor([0, 1, 0, 1, 1]), torch.cat([group, torch.zeros(5, 3)], 1),
        torch.arange(5), torch.ones(5),
    )  # fmt: skip
    chances = _mitigations(split, of="group").chances(split)
    known, f, m = 4.5, 2.75, 1.75  # of five rows, and in each cell
    expected = [
        known / 2 / f,
        known / 2 / f,
        known / 2 / m,
        known / 2 * (0.5 / f + 0.5 / m),
        known / 2 * (0.25 / f + 0.25 / m) + 0.5,
    ]
    torch.testing.assert_close(chances, torch.tensor(expected).double() / 5, rtol=1e-6, atol=0)


@pytest.mark.parametrize("world", [1, 2])
def test_what_is_drawn_has_those_chances(world):
    split = _split()
    chances = _mitigations(split).chances(split)
    assert chances is not None
    loaders = [
        BatchLoader(split, 64, 7, rank=rank, world_size=world, chances=chances)
        for rank in range(world)
    ]
    counts = torch.zeros(1000).double()
    for epoch in range(40):
        for loader in loaders:
            loader.set_epoch(epoch)
            sizes = [batch.size for batch in loader]
            assert sizes == [batch.size for batch in BatchLoader(split, 64, 7, world_size=world)]
            for batch in loader:
                assert torch.equal(batch.y, split.y[batch.index])  # a row keeps its number
                counts += torch.bincount(batch.index, minlength=1000)
    assert counts.sum() == 40_000
    assert chisquare(counts.numpy(), (chances * 40_000).numpy()).pvalue > 1e-3


def test_an_order_depends_on_seed_and_epoch_alone():
    split = _split(200)
    chances = _mitigations(split).chances(split)

    def order(seed: int, epoch: int) -> list[int]:
        loader = BatchLoader(split, 32, seed, chances=chances)
        loader.set_epoch(epoch)
        return [int(row) for batch in loader for row in batch.index]

    assert order(0, 0) == order(0, 0)
    assert len({tuple(order(seed, epoch)) for seed in (0, 1) for epoch in (0, 1)}) == 4
    before = torch.get_rng_state()
    order(0, 0)
    assert torch.equal(torch.get_rng_state(), before)


def test_validation_weighs_as_training_draws():
    train, validation = _split(), _split(500, unknown=7)
    mitigations = _mitigations(train)
    assert torch.equal(mitigations.weighed(train, TRAINING).weight, train.weight)
    often = mitigations.weighed(train, JUDGING).weight
    chances = mitigations.chances(train)
    assert chances is not None
    torch.testing.assert_close(often.double(), 1000 * chances, rtol=1e-5, atol=0)
    # By the frequencies of training: those of validation are another sample of the same.
    judged = mitigations.weighed(validation, JUDGING).weight
    of_cell = {int(c): float(often[_cell(train, "group_and_label") == c][0]) for c in range(-1, 4)}
    expected = [of_cell[int(c)] for c in _cell(validation, "group_and_label")]
    torch.testing.assert_close(judged, torch.tensor(expected))


def test_names_of_groups_and_order_of_rows_say_nothing():
    split = _split(300)
    chances = _mitigations(split).chances(split)
    assert chances is not None
    turned = split._replace(group=split.group[:, [1, 0, 2, 3, 4]])
    assert torch.equal(_mitigations(turned).chances(turned), chances)  # type: ignore[arg-type]
    order = torch.randperm(300, generator=torch.Generator().manual_seed(1))
    shuffled = split.rows(order)
    torch.testing.assert_close(_mitigations(shuffled).chances(shuffled), chances[order])


def test_nothing_is_drawn_unless_asked_for():
    assert Mitigations({}).chances(_split(10)) is None
    assert Mitigations({"weights": Reweighing(BLOCKS, 2)}).chances(_split(10)) is None


def test_what_undoes_itself_is_refused():
    both = {"reweighing": Reweighing(BLOCKS, 2, "sex")}
    with pytest.raises(ConfigError) as refused:
        Mitigations({**both, "balanced_sampling": BalancedSampling(BLOCKS, 2)})
    assert str(refused.value) == (
        "mitigation=[reweighing,balanced_sampling] makes group and label independent twice, as "
        "rows of equally frequent cells of sex and label are weighed anew; choose one of them, or "
        "mitigation.of=group."
    )
    Mitigations({**both, "balanced_sampling": BalancedSampling(BLOCKS, 2, of="group")})
    Mitigations({**both, "balanced_sampling": BalancedSampling(BLOCKS, 2, by="race")})
    with pytest.raises(
        ConfigError, match=r"mitigation=\[a,b\] draws the rows of a batch in 2 ways"
    ):
        Mitigations({"a": BalancedSampling(BLOCKS, 2), "b": BalancedSampling(BLOCKS, 2, "race")})
    with pytest.raises(
        ConfigError, match="of=cells is not known; accepted: group, group_and_label"
    ):
        BalancedSampling(BLOCKS, 2, of="cells")
