import dataclasses
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any, Unpack

import pytest
from hydra import compose, initialize_config_dir
from hydra.utils import get_method, instantiate
from omegaconf import DictConfig, OmegaConf

import fairkd.commands.configuration  # noqa: F401  # what the files may refer to
from fairkd.data.catalogue import entries
from fairkd.data.dataset import Dataset
from fairkd.data.heritage import SPLIT
from fairkd.data.imperfect import Imperfect
from fairkd.data.published import DEFAULTS, Common
from fairkd.data.splitting import Splitting

FETCHED = ("adult", "compas", "credit_default", "crime", "german", "heritage", "law_school")
TABLES = (*FETCHED, "arrests", "iris")
NAMED = (*TABLES, "acs")
FROM_ELSEWHERE = ("rare_groups", "imperfect", "split", "cache")
FOLDER = Path(__file__).parents[2] / "conf" / "data"


def composed(name: str, cache: Path) -> DictConfig:
    with initialize_config_dir(str(FOLDER.parent), version_base="1.3"):
        config = compose("train", [f"data={name}", "replicate=2", f"paths.data={cache}"])
    OmegaConf.resolve(config.data)
    data: DictConfig = config.data
    return data


def defaults(loader: Callable[..., Dataset]) -> dict[str, Any]:
    """Every argument of a loader with its default, those of all published tables among them."""
    found = {}
    for argument in inspect.signature(loader).parameters.values():
        if argument.kind is argument.VAR_KEYWORD:
            assert argument.annotation == Unpack[Common]
            found |= {name: DEFAULTS.get(name, argument.empty) for name in Common.__annotations__}
        else:
            found[argument.name] = argument.default
    return found


@pytest.mark.parametrize("name", NAMED)
def test_every_knob_is_an_argument_and_every_argument_a_knob(name: str, tmp_path: Path) -> None:
    config = composed(name, tmp_path)
    arguments = defaults(get_method(config["_target_"]))
    assert set(config) - {"_target_", "_convert_"} == set(arguments)
    assert config["_target_"] == next(e.loader for e in entries(tmp_path) if e.name == name)
    assert config.seed == 2


@pytest.mark.parametrize("name", NAMED)
def test_defaults_are_the_loaders_own(name: str, tmp_path: Path) -> None:
    config = composed(name, tmp_path)
    plain: dict[str, Any] = OmegaConf.to_container(config)  # type: ignore[assignment]
    arguments = defaults(get_method(config["_target_"]))
    for name_of, default in arguments.items():
        if default is inspect.Parameter.empty or name_of in FROM_ELSEWHERE:
            continue
        expected = list(default) if isinstance(default, tuple) else default
        assert plain[name_of] == expected, name_of
    rare = arguments["rare_groups"]
    assert plain["rare_groups"] == (dict(rare) if rare else {"rule": "keep", "limit": None})


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=[pytest.mark.data] if n in FETCHED else []) for n in TABLES],
)
def test_files_instantiate(name: str, tmp_path: Path) -> None:
    data = instantiate(composed(name, tmp_path))
    assert isinstance(data, Dataset)
    assert data.name == name
    assert data.blocks.names == tuple(composed(name, tmp_path).groups)


def test_imperfect_information_has_the_defaults_of_its_class(tmp_path: Path) -> None:
    for name in NAMED:
        config = OmegaConf.to_container(composed(name, tmp_path).imperfect)
        assert config == dataclasses.asdict(Imperfect())


def test_rows_are_divided_as_the_loaders_do(tmp_path: Path) -> None:
    for name in NAMED:
        split = OmegaConf.to_container(composed(name, tmp_path).split)
        expected = Splitting.of(SPLIT) if name == "heritage" else Splitting()
        assert Splitting.of(split) == expected  # type: ignore[arg-type]


def test_imperfect_information_arrives_from_overrides(tmp_path: Path) -> None:
    given = {"imperfect": {"known_groups": 0.5, "label_smoothing": 0.1}}
    train = instantiate(OmegaConf.merge(composed("iris", tmp_path), given)).splits["train"]
    assert float(train.group.sum()) == round(0.5 * train.size)
    assert train.y.shape == (train.size, 3)


def test_rare_groups_arrive_from_overrides(tmp_path: Path) -> None:
    rare = {"rare_groups": {"rule": "merge_below_rows", "limit": 400}, "groups": ["colour+sex"]}
    data = instantiate(OmegaConf.merge(composed("arrests", tmp_path), rare))
    assert data.blocks["colour+sex"].cells == ("black+male", "white+male", "other")


def test_images_have_every_knob_with_the_loaders_own_default(tmp_path: Path) -> None:
    config = composed("images", tmp_path)
    arguments = inspect.signature(get_method(config["_target_"])).parameters
    assert set(config) - {"_target_", "_convert_"} == set(arguments)
    plain: dict[str, Any] = OmegaConf.to_container(config)  # type: ignore[assignment]
    for argument in arguments.values():
        if argument.default is not argument.empty and argument.name not in FROM_ELSEWHERE:
            given = plain[argument.name]
            assert (None if given == {} else given) == argument.default, argument.name
