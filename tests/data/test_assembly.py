import numpy as np
import pandas as pd
import pytest
import torch

from fairkd.data.assembly import assemble
from fairkd.data.dataset import Dataset
from fairkd.data.table import RawTable
from fairkd.errors import ConfigError

N = 200


def survey() -> RawTable:
    random = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "row": range(N),
            "age": random.normal(40, 10, N),
            "sex": random.choice(["f", "m"], N),
            "income": random.choice(["low", "high"], N, p=[0.7, 0.3]),
        }
    )
    frame.loc[::17, "age"] = np.nan
    return RawTable("survey", frame, "income", ("low", "high"), ("age",), "The survey", "f" * 64)


def build(*, seed: int = 0, groups: object = ("sex",)) -> Dataset:
    return assemble(
        survey(),
        groups=groups,  # type: ignore[arg-type]  # wrong on purpose in one test
        seed=seed,
        validation_fraction=0.25,
        test_fraction=0.2,
        use_groups_as_features=False,
        rare_groups=None,
    )


def test_splits_are_whole_batches_beside_their_raw_rows() -> None:
    data = build()
    frame = survey().frame
    assert [data.splits[name].size for name in ("train", "validation", "test")] == [120, 40, 40]
    assert sorted(pd.concat(list(data.raw.values()))["row"]) == list(range(N))
    for name, batch in data.splits.items():
        raw = data.raw[name]
        source = frame.iloc[raw["row"]]
        assert batch.x.dtype == batch.group.dtype == batch.weight.dtype == torch.float32
        assert batch.y.dtype == batch.index.dtype == torch.int64
        assert batch.y.tolist() == [["low", "high"].index(label) for label in source["income"]]
        assert batch.group.tolist() == [[sex == "f", sex == "m"] for sex in source["sex"]]
        assert batch.index.tolist() == list(range(len(raw))) == list(raw.index)
        assert batch.weight.tolist() == [1.0] * len(raw)
        assert batch.x[:, 1].tolist() == source["age"].isna().tolist()
    assert data.n_features == 2
    assert data.fingerprint == "f" * 64
    assert data.classes == ("low", "high")


def test_preparation_is_fitted_on_train_only() -> None:
    data = build()
    x, missing = data.splits["train"].x.T
    assert x.mean().item() == pytest.approx(0, abs=1e-6)
    assert x.std(correction=0).item() == pytest.approx(1, abs=1e-6)
    train = data.raw["train"]["age"]
    imputed = train.fillna(train.median())
    test = data.raw["test"]["age"].fillna(train.median())
    expected = (test - imputed.mean()) / imputed.std(ddof=0)
    np.testing.assert_allclose(data.splits["test"].x[:, 0], expected, rtol=1e-5, atol=1e-6)
    assert missing.sum() > 0


def test_the_seed_decides_the_rows() -> None:
    first, second, other = build(seed=1), build(seed=1), build(seed=2)
    for name in first.splits:
        assert torch.equal(first.splits[name].x, second.splits[name].x)
        assert list(first.raw[name]["row"]) != list(other.raw[name]["row"])


def test_groups_given_as_a_word_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"data\.groups=sex is not a list"):
        build(groups="sex")


def flawed(**flaws: object) -> Dataset:
    return assemble(
        survey(),
        groups=("sex",),
        seed=0,
        validation_fraction=0.25,
        test_fraction=0.2,
        use_groups_as_features=False,
        rare_groups=None,
        imperfect=flaws,
    )


FLAWS: dict[str, dict[str, object]] = {
    "groups": {"known_groups": 0.5, "flipped_groups": 0.2, "group_flip_rate": 0.2},
    "proxy": {"known_groups": 0.5, "proxy": "logistic_regression"},
    "labels": {"flipped_labels": 0.2, "label_flip_rate": 0.2},
    "smoothing": {"label_smoothing": 0.1},
    "features": {"missing_features": 0.3},
}


@pytest.mark.parametrize("kind", FLAWS)
def test_a_flaw_touches_only_what_is_said(kind: str) -> None:
    clean, found = build(), flawed(**FLAWS[kind])
    touched = {"groups": "group", "proxy": "group", "labels": "y", "smoothing": "y"}.get(kind, "x")
    for name, batch in found.splits.items():
        assert list(found.raw[name]["row"]) == list(clean.raw[name]["row"])
        assert list(found.raw[name]["sex"]) == list(clean.raw[name]["sex"])
        changed = {
            field
            for field in batch._fields
            if not torch.equal(getattr(batch, field), getattr(clean.splits[name], field))
        }
        assert changed == ({touched} if name == "train" or kind == "features" else set()), name
    assert found.blocks.corrected == (kind in ("groups", "labels"))
    assert found.blocks.cells() == clean.blocks.cells()


def test_flaws_of_one_kind_do_not_change_those_of_another() -> None:
    alone = flawed(flipped_groups=0.2).splits["train"]
    both = flawed(flipped_groups=0.2, flipped_labels=0.3, missing_features=0.1).splits["train"]
    assert torch.equal(alone.group, both.group)
    labels = flawed(flipped_labels=0.3).splits["train"]
    assert torch.equal(labels.y, both.y)
    assert not torch.equal(alone.y, both.y)


def test_deleted_features_are_imputed_beside_an_indicator() -> None:
    data = flawed(missing_features=0.3)
    for name, batch in data.splits.items():
        gone = data.raw[name]["age"].isna()
        # Of the cells that were deleted some had been missing before.
        assert 0.3 <= gone.mean() < 0.42
        assert batch.x[:, 1].tolist() == gone.tolist()
        assert torch.isfinite(batch.x).all()


def test_flaws_that_contradict_the_features() -> None:
    with pytest.raises(ConfigError, match=r"data\.use_groups_as_features=true"):
        assemble(
            survey(),
            groups=("sex",),
            seed=0,
            validation_fraction=0.25,
            test_fraction=0.2,
            use_groups_as_features=True,
            rare_groups=None,
            imperfect={"known_groups": 0.5},
        )
