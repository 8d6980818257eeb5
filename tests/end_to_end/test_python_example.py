"""The README's example in Python, as it stands."""

import re
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

README = Path(__file__).parents[2] / "README.md"
EXAMPLE = re.compile(r"```python\n(.*?)```\n\n```\n(.*?)```", re.DOTALL)


def _rows(text: str) -> dict[str, list[float]]:
    """The numbers of a printed table by the names of its rows."""
    found = [re.fullmatch(r"(\w[\w -]*?) +(-?\d[\d. -]*)", line) for line in text.splitlines()]
    return {row[1].strip(): [float(n) for n in row[2].split()] for row in found if row}


@pytest.mark.slow
def test_the_example_prints_what_the_readme_shows_in_under_30_seconds(tmp_path: Path) -> None:
    ((code, shown),) = EXAMPLE.findall(README.read_text())
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime - before.ru_utime < 30  # of one core, whatever else the machine does
    assert list(tmp_path.iterdir()) == []
    printed, expected = _rows(done.stdout), _rows(shown)
    assert list(printed) == list(expected)
    assert len(expected) == 5
    for name, numbers in expected.items():
        np.testing.assert_allclose(printed[name], numbers, atol=0.02)  # rounding by other kernels
