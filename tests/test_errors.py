import pytest

from fairkd.errors import (
    ConfigError,
    DataError,
    FairkdError,
    StoreError,
    TrackingError,
    first_line,
    unknown_name,
)
from fairkd.training.modules import DivergedError


@pytest.mark.parametrize(
    "error", [ConfigError, DataError, StoreError, TrackingError, DivergedError]
)
def test_every_refusal_is_one_of_ours(error):
    assert issubclass(error, FairkdError)
    assert str(error("A sentence.")) == "A sentence."


@pytest.mark.parametrize(
    ("given", "known", "sentence"),
    [
        (
            "hiden1",
            ["hidden2", "hidden1"],
            "Unknown layer 'hiden1'; did you mean 'hidden1'? Accepted: hidden1, hidden2.",
        ),
        ("zzz", ["a", "b"], "Unknown layer 'zzz'. Accepted: a, b."),
        ("zzz", [], "Unknown layer 'zzz'. Accepted: none."),
        (3, ["a"], "Unknown layer '3'. Accepted: a."),
    ],
)
def test_an_unknown_name_is_told_with_the_nearest_and_all(given, known, sentence):
    assert unknown_name("layer", given, iter(known)) == sentence


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("\nIt is so.\nAnd more."), "It is so"),
        (RuntimeError(""), "RuntimeError"),
        (KeyError("a"), "'a'"),
    ],
)
def test_first_line(error: Exception, line: str) -> None:
    assert first_line(error) == line
