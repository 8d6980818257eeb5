"""A wheel has every folder and file: setuptools takes the lists of them as they are written."""

import ast
import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
SETUPTOOLS = PROJECT["tool"]["setuptools"]
# Modules whose package has another name.
PACKAGES = {
    "yaml": "PyYAML",
    "PIL": "pillow",
    "sklearn": "scikit-learn",
    "hydra": "hydra-core",
    "omegaconf": "hydra-core",  # Hydra's own configuration
    "lightning_fabric": "pytorch-lightning",  # a part of it
    "torch_pruning": "torch-pruning",
    "sqlalchemy": "mlflow",  # what its store is made of
}


def test_every_folder_is_in_the_list_of_packages() -> None:
    code = {file.parent for file in (ROOT / "fairkd").rglob("*.py")}
    configuration = {file.parent for file in (ROOT / "conf").rglob("*") if file.suffix != ".pyc"}
    named = {".".join(folder.relative_to(ROOT).parts) for folder in code}
    named |= {".".join(("fairkd", *folder.relative_to(ROOT).parts)) for folder in configuration}
    assert named == set(SETUPTOOLS["packages"])


def test_every_file_beside_the_code_is_package_data() -> None:
    there = {
        file.relative_to(ROOT)
        for file in (ROOT / "fairkd").rglob("*")
        if file.is_file() and file.suffix not in (".py", ".pyc")
    }
    assert {file.suffix for file in there} >= {".html", ".css", ".js"}
    given = {
        file.relative_to(ROOT)
        for package in SETUPTOOLS["packages"]
        if not package.startswith("fairkd.conf")
        for key, patterns in SETUPTOOLS["package-data"].items()
        if key in ("*", package)
        for pattern in patterns
        for file in ROOT.joinpath(*package.split(".")).glob(pattern)
    }
    assert there == given


def test_every_library_that_is_imported_is_declared() -> None:
    optional = PROJECT["project"]["optional-dependencies"]
    declared = [
        *PROJECT["project"]["dependencies"],
        *(line for name, lines in optional.items() if name != "dev" for line in lines),
    ]
    names = {re.split(r"[^\w-]", line)[0].lower() for line in declared}
    imported = {
        name.partition(".")[0]
        for file in (ROOT / "fairkd").rglob("*.py")
        for name in _imports(file)
    }
    ours = {*sys.stdlib_module_names, "fairkd"}
    missing = {
        name
        for name in imported - ours
        if PACKAGES.get(name, name).lower().replace("_", "-") not in names
    }
    assert missing == set()


def _imports(file: Path) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.append(node.module)
    return found
