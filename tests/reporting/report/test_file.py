from pathlib import Path
from typing import Any

import pytest

from fairkd.errors import ConfigError
from fairkd.reporting.report.file import is_report, write


def test_a_report_is_known_by_its_beginning(tmp_path: Path) -> None:
    file = tmp_path / "new" / "report.html"
    write("MARK\nand more\n", file)
    assert is_report(file, ("OTHER", "MARK\n"))
    assert not is_report(file, ("OTHER",))
    assert not is_report(tmp_path, ("MARK",))


def test_a_file_that_mentions_a_report_is_none(tmp_path: Path) -> None:
    file = tmp_path / "thesis.html"
    write("<p>A report begins with MARK\n", file)
    assert not is_report(file, ("MARK\n",))


def test_a_file_that_cannot_be_read_gets_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "report.html"
    write("MARK", file)

    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(ConfigError, match=r"cannot be read \(Permission denied\); give another"):
        is_report(file, ("MARK",))


def test_whole_or_not_at_all(tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.mkdir()
    with pytest.raises(ConfigError, match=r"out=.*report.html cannot be written \("):
        write("text", file)
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
