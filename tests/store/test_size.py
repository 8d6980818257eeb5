import pytest

from fairkd.errors import StoreError
from fairkd.store.size import parse_size, shown_size


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("1500", 1500),
        ("2e9", 2_000_000_000),
        ("500MB", 500_000_000),
        ("500 mb", 500_000_000),
        ("5GB", 5_000_000_000),
        ("5GiB", 5 * 2**30),
        ("1.5KiB", 1536),
        ("0.5kB", 500),
        ("7B", 7),
        ("1TiB", 2**40),
    ],
)
def test_sizes_are_read(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "GB", "-1", "5x", "5 G B", "nan", "inf", "1e400", "1,5GB"])
def test_other_texts_are_a_sentence(text: str) -> None:
    with pytest.raises(StoreError, match=r"is not a size; accepted: .+5GiB"):
        parse_size(text)


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (999_949, "999.9 kB"),
        (999_950, "1.0 MB"),
        (20_000_000, "20.0 MB"),
        (3 * 10**15, "3,000.0 TB"),
    ],
)
def test_sizes_are_shown(size: int, text: str) -> None:
    assert shown_size(size) == text
