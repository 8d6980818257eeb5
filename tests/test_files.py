from pathlib import Path

import pytest

from fairkd.files import write_whole, writing_whole


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


def test_a_folder_takes_the_place_of_another_or_leaves_it(tmp_path: Path) -> None:
    folder = tmp_path / "export"
    for name in ("first", "second"):
        with writing_whole(folder) as partial:
            partial.mkdir()
            (partial / name).write_text(name)
    assert [file.name for file in folder.iterdir()] == ["second"]
    with pytest.raises(ArithmeticError):
        _write_half(folder)
    assert [file.name for file in folder.iterdir()] == ["second"]
    assert list(tmp_path.iterdir()) == [folder]


def _write_half(folder: Path) -> None:
    with writing_whole(folder) as partial:
        partial.mkdir()
        raise ArithmeticError
