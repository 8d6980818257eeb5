from pathlib import Path

import pytest

from fairkd.files import write_whole


def test_a_text_takes_the_place_of_another(tmp_path: Path) -> None:
    file = tmp_path / "new" / ("n" * 250)
    for text in ("first\n", "µ\r\n"):
        write_whole(text, file)
    assert file.read_bytes() == "µ\r\n".encode()
    assert list(file.parent.iterdir()) == [file]


def test_what_cannot_be_written_leaves_what_was_there(tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    write_whole("first\n", file)
    with pytest.raises(UnicodeEncodeError):
        write_whole("\ud800", file)
    assert file.read_text() == "first\n"
    assert list(tmp_path.iterdir()) == [file]
