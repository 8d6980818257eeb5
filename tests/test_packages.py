"""A wheel has every folder: setuptools takes the list of them as it is written."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_every_folder_is_in_the_list_of_packages() -> None:
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    code = {file.parent for file in (ROOT / "fairkd").rglob("*.py")}
    configuration = {file.parent for file in (ROOT / "conf").rglob("*") if file.suffix != ".pyc"}
    named = {".".join(folder.relative_to(ROOT).parts) for folder in code}
    named |= {".".join(("fairkd", *folder.relative_to(ROOT).parts)) for folder in configuration}
    assert named == set(listed)
