"""Composed quickly, a job is what Hydra composes slowly."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hydra import initialize_config_dir
from hydra.core.config_loader import ConfigLoader
from hydra.core.global_hydra import GlobalHydra
from hydra.core.utils import setup_globals
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf, open_dict

from fairkd.commands.configuration import PRIMARY, config_folder
from fairkd.sweeps.compose import Composer, as_given

JOBS = {
    "no override": [],
    "a value": ["distillation.temperature=2"],
    "a float and an int of one value": ["distillation.temperature=2.0", "seed=2"],
    "scientific notation": ["trainer.optimizer.lr=1e-3"],
    "null and a boolean": ["trainer.optimizer.lr=null", "dry_run=true"],
    "a quoted string": ["tracking.experiment='a b, c=d'"],
    "text outside ASCII": ['tracking.experiment="größe"'],
    "an escaped interpolation": ["tracking.experiment='\\${seed}'"],
    "a value that refers to another": ["distillation.temperature=${trainer.max_epochs}"],
    "a list and a mapping as values": ["data.groups=[colour,sex]", "+extra={a:1,b:[2,3]}"],
    "a new key": ["+new=1"],
    "a new key, forced": ["++new=1", "++seed=4"],
    "a new key within a section": ["+student.width=8", "+callbacks.mine._target_=a.B"],
    "a removed key": ["~replicate"],
    "a removed key with its value": ["~force=none"],
    "a key that is set and then removed": ["force=all", "~force=all"],
    "a key that is removed and then made anew": ["~force", "+force=all"],
    "a removed group": ["~callbacks"],
    "a group": ["data=arrests"],
    "a group within a package": ["distillation=hint", "teacher=linear", "student=mlp_small"],
    "a list of groups": ["distillation=[soft_targets,hint]"],
    "a list of one group and values of it": [
        "constraint=[demographic_parity]",
        "constraint.terms.demographic_parity.by=colour",
    ],
    "a value before the group that brings its key": [
        "constraint.terms.equal_opportunity.by=sex",
        "constraint=equal_opportunity",
    ],
    "an experiment": ["experiment=debug"],
    "an experiment and values that it has": ["experiment=debug", "trainer.max_epochs=7"],
    "a value before the experiment that has it": ["trainer.max_epochs=7", "experiment=debug"],
    "a group that an experiment has chosen": ["experiment=debug", "data=iris"],
    "a group as a mapping": ["paths={store: elsewhere}"],
    "a value before its group as a mapping": ["paths.store=here", "paths={store: elsewhere}"],
    "a group twice": ["data=arrests", "data=iris"],
    "a value twice": ["seed=1", "seed=2"],
    "another logging": ["hydra/job_logging=disabled", "seed=3"],
    "a package": ["+data@other=arrests", "other.seed=4"],
}
COMMANDS = {
    "plain": [],
    "Hydra's values": [
        "hydra.verbose=true",
        "hydra.job.name=other",
        "hydra.sweep.subdir=x${hydra.job.num}",
        "+hydra.job.env_set.A=b",
    ],
    "Hydra's groups": ["hydra/launcher=basic", "hydra/job_logging=default"],
    "naming": [
        "hydra.job.config.override_dirname.kv_sep=_",
        "hydra.job.config.override_dirname.item_sep=+",
        "hydra.job.config.override_dirname.exclude_keys=[seed,data]",
    ],
}
WRONG = {
    "an unknown key": ["distillation.temprature=1"],
    "an unknown choice": ["student=nope"],
    "a new key that is there": ["+seed=1"],
    "a removed key that is not there": ["~nothing"],
    "a removed key with another value": ["~force=all"],
    "a word that sets nothing": ["seed"],
    "a package of what is no group": ["seed@here=1"],
    "several values": ["seed=1,2"],
    "a wrong type for Hydra": ["hydra.job.num=abc"],
}


@pytest.fixture
def loader() -> Iterator[ConfigLoader]:
    setup_globals()
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(config_folder()), version_base="1.3"):
        yield GlobalHydra.instance().config_loader()


@pytest.fixture
def master(loader: ConfigLoader) -> Callable[..., DictConfig]:
    """A sweep's own configuration."""

    def build(*words: str) -> DictConfig:
        return loader.load_configuration(PRIMARY, list(words), run_mode=RunMode.MULTIRUN)

    return build


def hydras(loader: ConfigLoader, master: DictConfig, words: list[str], number: int) -> DictConfig:
    """What Hydra's own launchers compose."""
    config = loader.load_sweep_config(master, list(words))
    with open_dict(config):
        config.hydra.job.id = number
        config.hydra.job.num = number
    return config


def same(ours: DictConfig, hydras: DictConfig) -> None:
    def plain(config: DictConfig) -> Any:
        return OmegaConf.to_container(config, resolve=False, structured_config_mode=None)

    assert plain(ours) == plain(hydras)
    assert list(map(type, leaves(plain(ours)))) == list(map(type, leaves(plain(hydras))))
    assert OmegaConf.to_yaml(ours) == OmegaConf.to_yaml(hydras)  # the order of keys
    assert OmegaConf.is_struct(ours) == OmegaConf.is_struct(hydras)
    assert OmegaConf.is_readonly(ours.hydra) == OmegaConf.is_readonly(hydras.hydra)


def leaves(value: Any) -> Iterator[Any]:
    """1 equals 1.0 equals true, but they are not the same."""
    children = value.values() if isinstance(value, dict) else value
    if isinstance(value, dict | list):
        for child in children:
            yield from leaves(child)
    else:
        yield value


@pytest.mark.parametrize("words", JOBS.values(), ids=JOBS)
def test_a_job_is_what_hydra_composes(loader, master, words) -> None:
    sweep = master("seed=1,2", "data=arrests,iris")
    composer = Composer(loader, sweep)
    same(composer.job(words, 3), hydras(loader, sweep, words, 3))


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_hydras_own_overrides_reach_every_job(loader, master, command) -> None:
    sweep = master(*command, "seed=1,2")
    composer = Composer(loader, sweep)
    for number, words in enumerate((["seed=1"], ["data=arrests", "seed=2"])):
        same(composer.job(words, number), hydras(loader, sweep, words, number))


def test_a_folder_of_more_groups(loader, master, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "mine.yaml").write_text("defaults: [arrests]\nseed: 11\n")
    sweep = master(f"hydra.searchpath=[file://{tmp_path}]", "data=mine,arrests")
    words = ["data=mine"]
    job = Composer(loader, sweep).job(words, 0)
    assert job.data.seed == 11
    same(job, hydras(loader, sweep, words, 0))


@pytest.mark.slow
def test_one_job_does_not_change_the_next(loader, master) -> None:
    sweep = master("seed=1,2")
    composer = Composer(loader, sweep)
    grid = [*JOBS.values(), *reversed(JOBS.values())]
    for number, words in enumerate(grid):
        same(composer.job(words, number), hydras(loader, sweep, words, number))


@pytest.mark.parametrize("words", WRONG.values(), ids=WRONG)
def test_what_hydra_refuses_is_refused(loader, master, words) -> None:
    sweep = master()
    with pytest.raises(HydraException) as hydras_own:
        hydras(loader, sweep, words, 0)
    with pytest.raises(HydraException) as ours:
        Composer(loader, sweep).job(words, 0)
    assert type(ours.value) is type(hydras_own.value)
    assert str(ours.value) == str(hydras_own.value)


@pytest.mark.parametrize("words", list(JOBS.values())[::4], ids=list(JOBS)[::4])
def test_words_that_come_later_are_as_if_given_at_once(loader, master, words) -> None:
    later = ["sweep.id=abc", "sweep.parent=run"]
    sweep = master("seed=1,2")
    composer = Composer(loader, sweep)
    job = composer.job(words, 5)
    composer.extend(job, later)
    same(job, hydras(loader, sweep, [*words, *later], 5))
    assert as_given(job.hydra.overrides.task)[-2:] == later


def test_all_jobs_of_a_sweep_share_its_folder(loader, master) -> None:
    sweep = master("seed=1,2", "hydra.sweep.dir=runs/${now:%H-%M-%S-%f}")
    composer = Composer(loader, sweep)
    folders = {composer.job([f"seed={seed}"], seed).hydra.sweep.dir for seed in (1, 2)}
    assert folders == {sweep.hydra.sweep.dir}
