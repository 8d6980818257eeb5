"""Commands that only print: what they say, and that they stay light."""

import subprocess
import sys
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from fairkd import __version__
from fairkd.commands.configuration import config_folder

HEAVY = ("torch", "pytorch_lightning", "mlflow", "pandas", "sklearn")

LOADED = """
import sys
from fairkd.commands.dispatch import dispatch
code = dispatch(sys.argv[1:])
print([name for name in {heavy!r} if name in sys.modules], file=sys.stderr)
sys.exit(code)
"""


@pytest.mark.parametrize(
    "words",
    [
        "--help",
        "--version",
        "--cfg job",
        "data list",
        "data --help",
        "--hydra-help",
        "distillation.temperature=-1",
        "distillation.temprature=1",
    ],
)
def test_commands_that_only_print_load_nothing_heavy(workplace: Path, words: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", LOADED.format(heavy=HEAVY), *words.split()],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.stderr.splitlines()[-1] == "[]"
    assert ended.returncode == (1 if "=" in words else 0)
    assert list(workplace.iterdir()) == []


def test_the_script_and_the_module_are_the_same_command(workplace: Path) -> None:
    script = Path(sys.executable).with_name("fairkd")
    for words, code in (["--help"], 0), (["nope"], 2), (["seed=-1"], 1):
        ended = [
            subprocess.run([*command, *words], capture_output=True, text=True, check=False)
            for command in ([sys.executable, "-m", "fairkd"], [str(script)])
        ]
        assert ended[0].returncode == ended[1].returncode == code
        assert (ended[0].stdout, ended[0].stderr) == (ended[1].stdout, ended[1].stderr)


@pytest.mark.parametrize("words", ["--help", "-h", "data=iris -h", "-m seed=1,2 --help"])
def test_help_lists_every_choice_of_every_group(fairkd, words: str) -> None:
    ended = fairkd(*words.split())
    assert (ended.code, ended.err) == (0, "")
    section = ended.out.partition("\nChoices:")[2].partition("\n\n")[0]
    listed: dict[str, set[str]] = {}
    for line in section.splitlines()[1:]:
        if not line.startswith("   "):
            names = listed.setdefault(line.split()[0], set())
            line = line[17:]
        names |= set(line.replace(",", " ").split())
    assert listed == {
        group.name: {file.stem for file in group.glob("*.yaml")}
        for group in config_folder().iterdir()
        if group.is_dir() and group.name not in ("base", "hydra", "paths", "__pycache__")
    }


def test_help_and_the_readme_name_what_follows_a_sweep_in_one_order(fairkd) -> None:
    commands = ("ui", "report", "check", "card", "register")
    readme = (config_folder().parent / "README.md").read_text()
    for text in (fairkd("--help").out, readme.replace("make ui", "fairkd ui")):
        places = [text.index(f"fairkd {name}") for name in commands]
        assert places == sorted(places)


def test_every_key_that_help_names_is_a_key(fairkd) -> None:
    shown = fairkd("--help").out.partition("Keys worth knowing")[2].partition("\n\n")[0]
    config = OmegaConf.create(fairkd("--cfg", "job").out)
    keys = []
    for line in shown.splitlines():
        section = ""
        for word in line[:36].replace("|", " ").replace(",", " ").split():
            key = word.partition("=")[0]
            if "." not in key and "=" not in word:
                continue
            key = f"{section}{key}" if key.startswith(".") else key
            section = key.rpartition(".")[0]
            keys.append(key)
    assert "constraint.weight" in keys
    assert "distillation.alpha" in keys
    missing = object()
    ours = [key for key in keys if not key.startswith("hydra.")]  # those are not a job's
    unknown = [key for key in ours if OmegaConf.select(config, key, default=missing) is missing]
    assert unknown == []


def test_help_fits_a_terminal(fairkd) -> None:
    lines = fairkd("--help").out.splitlines()
    assert [line for line in lines if len(line) > 100 and str(config_folder()) not in line] == []


def test_version(fairkd) -> None:
    assert fairkd("--version") == (0, f"fairkd {__version__}\n", "")


def test_cfg_shows_the_configuration_with_overrides(fairkd) -> None:
    ended = fairkd("--cfg", "job", "distillation.temperature=3")
    assert (ended.code, ended.err) == (0, "")
    assert OmegaConf.create(ended.out).distillation.temperature == 3


def test_data_list_names_every_data_set(fairkd) -> None:
    ended = fairkd("data", "list")
    assert (ended.code, ended.err) == (0, "")
    for file in (config_folder() / "data").glob("*.yaml"):
        assert f" {file.stem} " in ended.out


@pytest.mark.parametrize("words", ["data --help", "data -h", "data list --help"])
def test_help_of_data(fairkd, words: str) -> None:
    ended = fairkd(*words.split())
    assert (ended.code, ended.err) == (0, "")
    assert "fairkd data fetch NAME" in ended.out


def test_fetching_an_unknown_data_set(fairkd) -> None:
    sentence = (
        "Unknown data set 'nope'. Accepted: acs, adult, arrests, compas, credit_default, crime, "
    )
    sentence += "german, heritage, iris, law_school, tinted_digits, tinted_fashion, tinted_mnist.\n"
    assert fairkd("data", "fetch", "nope") == (1, "", sentence)


def test_fetching_what_needs_no_download(fairkd) -> None:
    said = "iris needs no download. Next: fairkd data=iris\n"
    assert fairkd("data", "fetch", "iris") == (0, said, "")


@pytest.mark.parametrize("words", ["data", "data fetch", "data lst", "data list all"])
def test_wrong_usage_of_data(fairkd, words: str) -> None:
    ended = fairkd(*words.split())
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith(f"'fairkd {words}' is not a command; accepted:\nfairkd data list ")


def test_an_unknown_flag_is_wrong_usage(fairkd, workplace: Path) -> None:
    with_flag = fairkd("--nope")
    assert with_flag.code == 2
    assert with_flag.err.endswith("unrecognized arguments: --nope\n")
    assert list(workplace.iterdir()) == []
