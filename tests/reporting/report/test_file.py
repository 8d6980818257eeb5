from pathlib import Path

import pytest

from fairkd.errors import ConfigError
from fairkd.reporting.report.file import is_report, write


def test_a_report_is_known_by_its_beginning(tmp_path: Path) -> None:
    file = tmp_path / "new" / "report.html"
    write("head MARK\n", file)
    assert is_report(file, ("MARK",))
    assert not is_report(file, ("OTHER",))
    write(f"{'x' * 1000}MARK", file)
    assert not is_report(file, ("MARK",))
    assert not is_report(tmp_path, ("MARK",))


def test_whole_or_not_at_all(tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.mkdir()
    with pytest.raises(ConfigError, match=r"out=.*report.html cannot be written \("):
        write("text", file)
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
