"""Every way of installing finds the configuration, from any working folder."""

import os
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONF = ROOT / "conf"

pytestmark = pytest.mark.slow


def python(*words: str, cwd: Path, env: Mapping[str, str] | None = None) -> str:
    ended = subprocess.run(
        [sys.executable, *words],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel of the working tree, built in a copy so that nothing is left in the tree."""
    source = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        if (ROOT / name).exists():
            (source / name).write_bytes((ROOT / name).read_bytes())
    for folder in ("conf", "fairkd"):
        for file in (ROOT / folder).rglob("*"):
            if file.is_file() and "__pycache__" not in file.parts:
                copy = source / file.relative_to(ROOT)
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.write_bytes(file.read_bytes())
    out = tmp_path_factory.mktemp("wheel")
    python(
        "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(source), cwd=source
    )  # fmt: skip
    (built,) = out.glob("*.whl")
    return built


def test_the_wheel_holds_every_module_and_every_configuration_file(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if not name.split("/")[0].endswith("-info")}
        held = {name for name in held if ".dist-info/" not in name}
    conf = {f"fairkd/conf/{file.relative_to(CONF)}" for file in CONF.rglob("*.yaml")}
    code = {str(file.relative_to(ROOT)) for file in (ROOT / "fairkd").rglob("*.py")}
    page = {f"fairkd/reporting/report/page.{kind}" for kind in ("html", "css", "js")}
    assert held == conf | code | page | {"fairkd/py.typed"}


def test_from_a_wheel(wheel: Path, tmp_path: Path) -> None:
    target, work = tmp_path / "site", tmp_path / "work"
    work.mkdir()
    python(
        "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(target),
        str(wheel), cwd=work,
    )  # fmt: skip
    check(work, str(target), inside=target)


def test_from_a_checkout(tmp_path: Path) -> None:
    check(tmp_path, str(ROOT), inside=ROOT)


def test_from_an_editable_install(tmp_path: Path) -> None:
    """The interpreter that runs the tests has one."""
    direct = python(
        "-c",
        "from importlib.metadata import distribution as d;"
        "print(d('fairkd').read_text('direct_url.json'))",
        cwd=tmp_path,
    )
    if '"editable": true' not in direct:
        pytest.skip("fairkd is not installed editable here")
    check(tmp_path, "", inside=ROOT)


def check(work: Path, path: str, inside: Path) -> None:
    env = {"PYTHONPATH": path}
    origin = python("-c", "import fairkd; print(fairkd.__file__)", cwd=work, env=env)
    assert Path(origin.strip()).is_relative_to(inside)
    help_page = python("-m", "fairkd", "--help", cwd=work, env=env)
    shown = next(line for line in help_page.splitlines() if str(inside) in line)
    assert Path(shown.strip()).is_relative_to(inside)
    assert (Path(shown.strip()) / "train.yaml").is_file()
    job = python("-m", "fairkd", "--cfg", "job", "experiment=debug", cwd=work, env=env)
    assert "name: arrests" in job
    assert list(work.iterdir()) == []
