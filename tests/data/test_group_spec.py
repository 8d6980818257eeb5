import pytest

from fairkd.data.group_spec import RareGroups, block_names, columns_of
from fairkd.errors import ConfigError


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, RareGroups("keep", None)),
        ({}, RareGroups("keep", None)),
        ({"rule": "keep", "limit": None}, RareGroups("keep", None)),
        ({"rule": "merge_below_rows", "limit": 10}, RareGroups("merge_below_rows", 10)),
        ({"rule": "merge_below_fraction", "limit": 0.1}, RareGroups("merge_below_fraction", 0.1)),
    ],
)
def test_accepted_rules(given: dict[str, object] | None, expected: RareGroups) -> None:
    assert RareGroups.of(given) == expected


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"rule": "drop"}, "data.rare_groups.rule=drop"),
        ({"rules": "keep"}, "did you mean 'rule'"),
        ({"rule": "keep", "limit": 5}, "no effect"),
        ({"rule": "merge_below_rows"}, "data.rare_groups.limit=null"),
        ({"rule": "merge_below_rows", "limit": 0.5}, "whole number"),
        ({"rule": "merge_below_fraction", "limit": 5}, "out of range"),
    ],
)
def test_refused_rules(given: dict[str, object], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        RareGroups.of(given)


@pytest.mark.parametrize("groups", ["sex", [], None, [1]])
def test_groups_are_a_list_of_names(groups: object) -> None:
    with pytest.raises(ConfigError, match=r"not a list of group blocks.*data\.groups=\[sex"):
        block_names(groups)


def test_a_block_is_named_once() -> None:
    with pytest.raises(ConfigError, match="twice"):
        block_names(["sex", "sex"])


def test_columns_of_a_block() -> None:
    available = ["sex", "race", "a+b"]
    assert columns_of("sex", available) == ("sex",)
    assert columns_of("sex+race", available) == ("sex", "race")
    assert columns_of("a+b", available) == ("a+b",)


def test_an_unknown_column_gets_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"column in data\.groups 'rase'; did you mean 'race'"):
        columns_of("sex+rase", ["sex", "race"])


def test_a_column_is_not_crossed_with_itself() -> None:
    with pytest.raises(ConfigError, match="names a column twice"):
        columns_of("sex+sex", ["sex"])
