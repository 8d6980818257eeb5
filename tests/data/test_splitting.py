from typing import Any

import pytest

from fairkd.data.splitting import Splitting
from fairkd.errors import ConfigError


def test_nothing_configured_is_the_idle_way() -> None:
    own = {"train": "train", "validation": "validation", "test": "test", "certify": "certify"}
    for given in (None, {}, {"by": "stratified", "column": None, "parts": own}):
        assert Splitting.of(given) == Splitting()
        assert Splitting.of(given).idle
    assert not Splitting.of({"by": "random"}).idle


def test_parts_have_a_value_or_several() -> None:
    found = Splitting.of({"by": "column", "column": "fold", "parts": {"train": [0, 1], "test": 2}})
    assert found.parts == {
        "train": (0, 1),
        "validation": ("validation",),
        "test": (2,),
        "certify": ("certify",),
    }


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (
            "entity",
            "data.split=entity is no mapping; accepted: by, column, parts, as in "
            "data.split.by=random.",
        ),
        ({"way": "time"}, "Unknown key of data.split 'way'. Accepted: by, column, parts."),
        ({"by": "tiem"}, "data.split.by=tiem is not known; accepted: stratified, random, column,"),
        (
            {"by": "time"},
            "data.split.by=time needs data.split.column, the column of numbers or dates by which "
            "rows are ordered; it is null.",
        ),
        ({"by": "entity", "column": 3}, "whose row it is; it is 3."),
        (
            {"by": "random", "column": "when"},
            "data.split.column=when has no effect with data.split.by=random; leave it null, or "
            "choose column, time, entity.",
        ),
        (
            {"by": "time", "column": "when", "parts": {"test": "late"}},
            "data.split.parts has no effect with data.split.by=time; leave it as it is, or choose "
            "data.split.by=column.",
        ),
        ({"by": "column", "column": "p", "parts": "a"}, "data.split.parts=a is no mapping;"),
        (
            {"by": "column", "column": "p", "parts": {"tset": "a"}},
            "Unknown key of data.split.parts 'tset'; did you mean 'test'?",
        ),
        (
            {"by": "column", "column": "p", "parts": {"test": []}},
            "data.split.parts.test=[] is no value of a column; accepted: a value or a list",
        ),
        (
            {"by": "column", "column": "p", "parts": {"test": [1, 2], "validation": "2"}},
            "The value '2' stands for validation and for test; change data.split.parts.test.",
        ),
    ],
)
def test_what_cannot_work_is_refused(given: Any, sentence: str) -> None:
    with pytest.raises(ConfigError) as refused:
        Splitting.of(given)
    assert sentence in str(refused.value)
