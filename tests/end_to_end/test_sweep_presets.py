"""Every preset of conf/sweep: what it sweeps, that it needs no -m, and one real run of each."""

import shlex

import pytest
from hydra import compose, initialize_config_dir
from hydra.types import RunMode

from fairkd.commands.configuration import PRIMARY, config_folder

PRESETS = sorted(file.stem for file in (config_folder() / "sweep").glob("*.yaml"))
SEARCHES = [
    name
    for name in PRESETS
    if "override /hydra/sweeper" in (config_folder() / "sweep" / f"{name}.yaml").read_text()
]
GRIDS = [name for name in PRESETS if name not in SEARCHES]

NARROW = {
    "distillation.temperature": "2,4",
    "distillation.temperature_scaling": "squared,none",
    "constraint.weight": "0,0.3",
    "replicate": "0,1",
}


def params(name: str) -> dict[str, str]:
    """What a preset sweeps."""
    with initialize_config_dir(str(config_folder()), version_base="1.3"):
        config = compose(PRIMARY, [f"sweep={name}"], return_hydra_config=True)
    assert config.hydra.mode == RunMode.MULTIRUN
    return {str(key): str(value) for key, value in config.hydra.sweeper.params.items()}


def narrowed(name: str) -> list[str]:
    """The preset's grid with few values of each key."""
    return [f"{key}={NARROW[key]}" for key in params(name) if key in NARROW]


def size(grid: dict[str, str]) -> int:
    """The jobs of a grid."""
    jobs = 1
    for values in grid.values():
        jobs *= len(values.split(","))
    return jobs


def test_there_are_presets() -> None:
    assert {"replicate", "temperature", "temperature_x_weight", "weight"} <= set(GRIDS)
    assert all(params(name) for name in PRESETS)


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_says_what_it_is_and_how_it_is_run(name) -> None:
    text = (config_folder() / "sweep" / f"{name}.yaml").read_text()
    assert text.startswith("# @package _global_\n")
    command = shlex.split(text.splitlines()[1].removeprefix("# "))
    assert command[:3] == ["python", "-m", "fairkd"]
    assert f"sweep={name}" in command
    assert "-m" not in command[3:]


@pytest.mark.parametrize("name", GRIDS)
def test_a_preset_is_planned_without_flags_and_writes_nothing(fairkd, place, name) -> None:
    before = set(place.folder.rglob("*"))
    grid = params(name)
    ended = fairkd(f"sweep={name}", *narrowed(name), "dry_run=true")
    assert ended.code == 0, ended.err
    few = {key: NARROW.get(key, values) for key, values in grid.items()}
    lines = [line for line in ended.out.splitlines() if line.startswith("#")]
    assert len(lines) == size(few)
    assert f"{size(few)} jobs: " in ended.out
    assert "estimated time: unknown until a first teacher was trained here" in ended.out
    assert set(place.folder.rglob("*")) == before


@pytest.mark.slow
@pytest.mark.parametrize("name", GRIDS)
def test_the_whole_grid_of_a_preset_is_planned(fairkd, place, name) -> None:
    ended = fairkd(f"sweep={name}", "dry_run=true")
    assert ended.code == 0, ended.err
    assert f"{size(params(name))} jobs: " in ended.out


@pytest.mark.slow
@pytest.mark.parametrize("name", GRIDS)
def test_a_preset_runs_and_is_planned_from_the_store_afterwards(fairkd, place, name) -> None:
    words = (f"sweep={name}", *narrowed(name))
    ended = fairkd(*words)
    assert ended.code == 0, ended.err
    jobs = size({key: NARROW.get(key, values) for key, values in params(name).items()})
    assert len(place.runs("FINISHED")) == len(place.runs()) == jobs
    assert len(place.sweeps("FINISHED")) == 1
    planned = fairkd(*words, "dry_run=true")
    assert planned.code == 0
    assert planned.out.count(": from the store (") == jobs
    assert "estimated time: roughly 1 s" in planned.out or jobs > 5
    assert len(place.runs()) == jobs
