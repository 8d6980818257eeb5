"""Every configuration file composes, and what it describes can be built."""

import inspect
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, Unpack, get_args, get_origin

import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.utils import get_object, instantiate
from omegaconf import DictConfig, OmegaConf, open_dict

from fairkd.commands.checking.job import check
from fairkd.commands.configuration import config_folder
from fairkd.data.blocks import Blocks
from fairkd.data.torchvision_augmentation import check_torchvision
from fairkd.errors import ConfigError

FOLDER = config_folder()
FILES = sorted(
    file.relative_to(FOLDER)
    for file in FOLDER.glob("*/*.yaml")
    if file.parent.name not in ("base", "hydra")
)
GIVEN_BY_THE_JOB = {
    "in_features": 3,
    "in_shape": (3, 8, 8),
    "n_classes": 2,
    "blocks": Blocks.of({"colour": ["black", "white"], "sex": ["female", "male"]}),
    "params": [torch.nn.Parameter(torch.zeros(2))],
}


OWN = {
    "data/images.yaml": ("data.groups=[sex]",),
    "teacher/classifier.yaml": ("teacher.model.estimator._target_=sklearn.naive_bayes.GaussianNB",),
    "teacher/own.yaml": ("teacher.model._target_=fairkd.models.linear.Linear",),
    "data/table.yaml": ("data.path=given.csv", "data.label=hired", "data.groups=[gender]"),
    "teacher/onnx.yaml": ("teacher.path=given.onnx",),
    "teacher/outputs.yaml": ("teacher.path=given.csv",),
    "teacher/pickle.yaml": ("teacher.path=given.skops",),
    "student/own.yaml": ("student._target_=fairkd.models.linear.Linear",),
}


GIVEN = ("given.onnx", "given.csv", "given.skops")


@pytest.fixture(autouse=True)
def _given_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files that are there, as far as the checks of values look."""
    monkeypatch.chdir(tmp_path)
    for name in GIVEN:
        Path(name).touch()


def skip_without_library(file: Path) -> None:
    """What torchvision has to be imported for is tested where it can be."""
    if file.stem == "torchvision":
        try:
            check_torchvision()
        except ConfigError as error:
            pytest.skip(str(error))


def choosing(file: Path) -> tuple[str, ...]:
    """The overrides that choose a file, with a class where it asks for one."""
    return (f"{file.parent.name}={file.stem}", *OWN.get(str(file), ()))


@cache
def composed(*overrides: str) -> DictConfig:
    with initialize_config_dir(str(FOLDER), version_base="1.3"):
        return compose("train", list(overrides))


def sections(config: DictConfig, key: str = "") -> Iterator[tuple[str, DictConfig]]:
    """Every section with a ``_target_``, below the others of its kind first."""
    for name in config:
        child = config[name]
        if isinstance(child, DictConfig):
            below = f"{key}.{name!s}".lstrip(".")
            yield from sections(child, below)
            if "_target_" in child:
                yield below, _without_figures(child) if below == "tracking" else child


def _without_figures(tracking: DictConfig) -> DictConfig:
    """What the tracking store is given; figures are drawn by the command."""
    given = tracking.copy()
    with open_dict(given):
        del given["figures"]
    return given


@pytest.mark.parametrize("file", FILES, ids=str)
def test_every_choice_is_a_job_that_passes_the_checks(file: Path) -> None:
    check(composed(*choosing(file)))


def arguments_of(target: Callable[..., object]) -> tuple[set[str], set[str]]:
    """A target's arguments, with those of an unpacked dictionary, and which are required."""
    accepted, required = set(), set()
    for name, parameter in inspect.signature(target).parameters.items():
        if parameter.kind is not parameter.VAR_KEYWORD:
            accepted.add(name)
            required |= {name} if parameter.default is parameter.empty else set()
        elif get_origin(parameter.annotation) is Unpack:
            (fields,) = get_args(parameter.annotation)
            accepted |= set(fields.__annotations__)
            required |= fields.__required_keys__
    return accepted, required


@pytest.mark.parametrize("file", FILES, ids=str)
def test_every_value_is_an_argument_of_its_target(file: Path) -> None:
    skip_without_library(file)
    config = composed(*choosing(file))
    targets = dict(sections(config))
    assert {"data", "student", "teacher.model", "trainer.optimizer"} <= set(targets)
    for key, section in targets.items():
        accepted, required = arguments_of(get_object(section["_target_"]))
        given = {str(name) for name in section} - {"_target_", "_convert_", "_partial_"}
        assert given <= accepted, key
        assert required - given <= set(GIVEN_BY_THE_JOB), key


@pytest.mark.parametrize("file", FILES, ids=str)
def test_everything_but_data_can_be_built(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    skip_without_library(file)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    config = composed(*choosing(file)).copy()
    config.paths.store = str(tmp_path / "store")
    OmegaConf.resolve(config)
    for key, section in sections(config):
        if key == "data":
            continue
        parameters = inspect.signature(get_object(section["_target_"])).parameters
        given: dict[str, Any] = {
            name: value
            for name, value in GIVEN_BY_THE_JOB.items()
            if name in parameters and name not in section
        }
        assert instantiate(section, _partial_=True)(**given) is not None, key
    assert {path.name for path in tmp_path.iterdir()} == set(GIVEN)


@pytest.mark.parametrize(
    "name", sorted(file.stem for file in (FOLDER / "experiment").glob("*.yaml"))
)
def test_an_experiment_begins_with_the_command_that_runs_it(name: str) -> None:
    text = (FOLDER / "experiment" / f"{name}.yaml").read_text().splitlines()
    assert text[:2] == ["# @package _global_", f"# python -m fairkd experiment={name}"]


def test_lists_of_choices_compose_into_one_mapping() -> None:
    config = composed(
        "distillation=[soft_targets,hint]", "constraint=[demographic_parity,equal_opportunity]"
    )
    check(config)
    assert set(config.distillation.terms) == {"soft_targets", "hint"}
    assert set(config.constraint.terms) == {"demographic_parity", "equal_opportunity"}


def test_both_trainers_follow_the_augmentation_unless_told_otherwise() -> None:
    both = composed("augmentation=[shift,flip]")
    for trainer in (both.trainer, both.teacher.trainer):
        assert trainer.augmentation == both.augmentation
        assert list(trainer.augmentation) == ["shift", "flip"]
    student_alone = composed("augmentation=noise", "teacher.trainer.augmentation={}")
    check(student_alone)
    assert list(student_alone.trainer.augmentation) == ["noise"]
    assert student_alone.teacher.trainer.augmentation == {}
    teacher_alone = composed("+augmentation@teacher.trainer.augmentation=noise")
    check(teacher_alone)
    assert teacher_alone.augmentation == teacher_alone.trainer.augmentation == {}
    assert list(teacher_alone.teacher.trainer.augmentation) == ["noise"]


def test_one_replicate_gives_every_seed() -> None:
    config = composed("replicate=7")
    assert (config.seed, config.data.seed, config.teacher.seed) == (7, 7, 7)
    assert composed("replicate=7", "seed=1").teacher.seed == 7


def test_the_shared_knobs_reach_every_term() -> None:
    config = composed(
        "constraint=[demographic_parity,equal_opportunity]",
        "constraint.weight=0.25",
        "constraint.threshold=0.1",
        "constraint.by=race",
        "distillation.temperature=3",
        "distillation.alpha=0.5",
    )
    for term in config.constraint.terms.values():
        assert (term.weight, term.threshold, term.by) == (0.25, 0.1, "race")
    soft_targets = config.distillation.terms.soft_targets
    assert (soft_targets.temperature, soft_targets.weight) == (3, 0.5)


def test_the_documentation_lists_every_distillation_term() -> None:
    page = (FOLDER.parent / "docs" / "distillation.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^\| `(\w+)` \|", page, flags=re.MULTILINE))
    files = {file.stem for file in (FOLDER / "distillation").glob("*.yaml")}
    assert listed == files - {"none"}
