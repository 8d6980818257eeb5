import inspect
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

import fairkd.commands.configuration  # noqa: F401  # what the files may refer to
from fairkd.data.dataset import Dataset
from fairkd.data.own_table import load_table
from fairkd.errors import ConfigError, FairkdError

CONF = Path(__file__).parents[2] / "conf"
FROM_ELSEWHERE = {"rare_groups", "imperfect", "split", "cache"}
ROWS = 200


def applicants() -> pd.DataFrame:
    random = np.random.default_rng(0)
    skill = random.normal(size=ROWS)
    return pd.DataFrame(
        {
            "person": np.arange(ROWS) // 2,
            "age": random.integers(18, 70, ROWS),
            "gender": random.choice(["f", "m"], ROWS),
            "skill": skill.round(3),
            "town": random.choice(["Rome", "Oslo"], ROWS),
            "weight": random.choice([0.5, 1.5], ROWS),
            "no": (1 / (1 + np.exp(skill))).round(3),
            "yes": 1 - (1 / (1 + np.exp(skill))).round(3),
            "hired": np.where(skill + random.normal(size=ROWS) > 0, "yes", "no"),
        }
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    applicants().to_csv(tmp_path / "applicants.csv", index=False)
    return tmp_path / "applicants.csv"


def loaded(path: Path, **given: Any) -> Dataset:
    basics = {"path": path, "label": "hired", "groups": ["gender"], "seed": 0}
    return load_table(**{**basics, "drop": ["person", "weight", "no", "yes"], **given})


def composed(*words: str) -> dict[str, Any]:
    with initialize_config_dir(str(CONF), version_base="1.3"):
        config = compose("train", ["data=table", *words])
    data: Any = OmegaConf.to_container(config.data, resolve=True)
    return dict(data)


def test_every_knob_is_an_argument_with_its_own_default() -> None:
    config = composed("replicate=3")
    arguments = inspect.signature(load_table).parameters
    assert set(config) - {"_target_", "_convert_"} == set(arguments)
    assert config["seed"] == 3
    for name, argument in arguments.items():
        if argument.default is argument.empty or name in FROM_ELSEWHERE:
            continue
        given = tuple(config[name]) if isinstance(config[name], list) else config[name]
        assert given == argument.default, name


def test_groups_are_no_features_unless_asked_for(path: Path) -> None:
    without = loaded(path).preparation
    assert without is not None
    assert without.columns == ("age", "skill", "town")
    with_them = loaded(path, use_groups_as_features=True).preparation
    assert with_them is not None
    assert set(with_them.columns) == {"age", "skill", "town", "gender"}


def test_a_binned_number_is_a_group_and_perhaps_a_feature_too(path: Path) -> None:
    given: dict[str, Any] = {"groups": ["age", "gender+age"], "bins": {"age": [25, 45]}}
    data = loaded(path, **given)
    assert set(data.blocks["age"].cells) == {"<25", "25-45", ">=45"}
    assert data.blocks.names == ("age", "gender+age")
    assert data.preparation is not None
    assert data.preparation.columns == ("skill", "town")
    seen = loaded(path, **given, use_groups_as_features=True)
    assert seen.preparation is not None
    assert set(seen.preparation.numeric) == {"age_number", "skill"}
    ages = applicants()["age"].iloc[seen.rows["test"]]
    assert seen.raw["test"]["age_number"].tolist() == ages.tolist()


def test_weights_soft_labels_and_entities(path: Path) -> None:
    data = loaded(
        path,
        drop=[],
        weights="weight",
        soft_labels=["no", "yes"],
        split={"by": "entity", "column": "person"},
    )
    assert data.preparation is not None
    assert data.preparation.columns == ("age", "skill", "town")
    table = applicants()
    train = data.splits["train"]
    rows = table.iloc[data.rows["train"]]
    np.testing.assert_allclose(train.y.numpy(), rows[["no", "yes"]].to_numpy(), rtol=1e-6)
    np.testing.assert_allclose(
        train.weight.numpy(), rows["weight"] / rows["weight"].mean(), rtol=1e-6
    )
    people = [set(table["person"].iloc[places]) for places in data.rows.values()]
    assert sum(map(len, people)) == len(set.union(*people))
    roles = {column.name: column.role for column in data.columns}
    assert roles["weight"] == "row weight"
    assert roles["person"] == "split by entity"


def test_probabilities_stand_in_for_labels(path: Path) -> None:
    one = loaded(path, label="hire", drop=["person", "weight", "no", "hired"], soft_labels=["yes"])
    assert one.classes == ("no", "yes")
    both = loaded(path, label="hire", drop=["person", "weight", "hired"], soft_labels=["no", "yes"])
    assert both.classes == ("no", "yes")
    table = applicants()
    likeliest = (table["yes"] > 0.5).astype(int).iloc[both.rows["test"]]
    assert both.splits["test"].y.tolist() == one.splits["test"].y.tolist() == likeliest.tolist()


def test_the_same_content_gives_the_same_rows_whatever_the_format(path: Path) -> None:
    applicants().to_parquet(path.with_suffix(".parquet"))
    one, other = loaded(path), loaded(path.with_suffix(".parquet"))
    assert one.fingerprint != other.fingerprint
    for name, rows in one.splits.items():
        assert rows.x.equal(other.splits[name].x)
        assert rows.group.equal(other.splits[name].group)


def test_what_was_read_is_told_once(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    data = loaded(path)
    loaded(path, seed=1)
    (told,) = [text for text in caplog.messages if text.startswith("data=table")]
    assert told == "data=table: " + "\n  ".join(data.told)
    assert data.told == (
        f"200 rows of {path} (sha256 {data.fingerprint})",
        "label hired: 'no', 'yes'; 'yes' is positive (the one that says yes; data.positive names "
        "another)",
        "groups: gender (f, m)",
        "5 columns: 2 numbers, 2 categories, 1 boolean",
        "person, weight, no, yes: left out, as data.drop says",
    )


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (
            {"path": None},
            "data=table needs data.path: a CSV or Parquet file, a folder of Parquet files, or the "
            "URL of a file.",
        ),
        (
            {"label": None},
            "data.label is null; name the column of classes, one of: person, age, gender, skill, "
            "town, weight, no, yes, hired.",
        ),
        (
            {"groups": None},
            "data.groups=null is not a list of group blocks; accepted: at least one column or "
            "intersection, as in data.groups=[sex,sex+race].",
        ),
        (
            {"groups": ["gendre"]},
            "Unknown column in data.groups 'gendre'; did you mean 'gender'? Accepted: age, gender, "
            "no, person, skill, town, weight, yes.",
        ),
        (
            {"drop": "age"},
            "data.drop=age is not a list of columns; accepted: names, as in "
            "data.drop=[first,second].",
        ),
        (
            {"drop": ["agee"]},
            "Unknown column in data.drop 'agee'; did you mean 'age'? Accepted: age, gender, hired, "
            "no, person, skill, town, weight, yes.",
        ),
        (
            {"columns": ["agee"]},
            "Unknown column in data.columns 'agee'; did you mean 'age'? Accepted: age, gender, "
            "hired, no, person, skill, town, weight, yes.",
        ),
        (
            {"keep": "age"},
            "data.keep=age is not a list of columns; accepted: names, as in "
            "data.keep=[first,second].",
        ),
        (
            {"types": ["age"]},
            "data.types=[age] is no mapping; accepted: values by column, as in "
            "'data.types={zip: category}'.",
        ),
        (
            {"types": {"age": "integer"}},
            "data.types.age=integer is not known; accepted: number, category, boolean, date.",
        ),
        (
            {"bins": [25]},
            "data.bins=[25] is no mapping; accepted: values by column, as in "
            "'data.bins={age: [25, 45, 65]}'.",
        ),
        ({"positive": "maybe"}, "Unknown class in data.positive 'maybe'. Accepted: no, yes."),
        (
            {"weights": "weigth"},
            "Unknown column in data.weights 'weigth'. Accepted: age, gender, hired, skill, town.",
        ),
        (
            {"soft_labels": ["ys"]},
            "Unknown column in data.soft_labels 'ys'; did you mean 'yes'? Accepted: age, gender, "
            "hired, no, person, skill, town, weight, yes.",
        ),
        (
            {"weights": "weight"},
            "'weight' in data.drop is the row weight, which is no feature anyway; take it out of "
            "data.drop.",
        ),
        ({"memory_gib": 0}, "data.memory_gib=0 is out of range; accepted: a number above 0."),
    ],
)
def test_every_wrong_key_has_its_sentence(given: dict[str, Any], sentence: str, path: Path) -> None:
    with pytest.raises(FairkdError) as refused:
        loaded(**({"path": path} | given))
    assert str(refused.value) == sentence


def test_the_label_is_looked_for_before_a_row_is_read(tmp_path: Path) -> None:
    (tmp_path / "ragged.csv").write_text("a,b\n1,2,3\n")
    with pytest.raises(ConfigError, match=r"^Unknown column in data.label 'hired'. Accepted: a, b"):
        loaded(tmp_path / "ragged.csv")
