import dataclasses

import pytest

from fairkd.data.imperfect import Imperfect
from fairkd.errors import ConfigError


def test_nothing_is_imperfect_by_default() -> None:
    assert Imperfect() == Imperfect.of(None) == Imperfect.of({})
    assert Imperfect().idle
    for field in dataclasses.fields(Imperfect):
        value = "logistic_regression" if field.name == "proxy" else 0.25
        assert not Imperfect.of({field.name: value}).idle


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"known_groups": 0}, "data.imperfect.known_groups=0 is out of range; accepted: a number "
         "above 0 and of at most 1."),
        ({"known_groups": "all"}, "data.imperfect.known_groups=all is not a number"),
        ({"flipped_groups": 1.5}, "flipped_groups=1.5 is out of range; accepted: a number from 0 "),
        ({"group_flip_rate": 1}, "group_flip_rate=1 is out of range; accepted: a number from 0 to"),
        ({"flipped_labels": -0.1}, "data.imperfect.flipped_labels=-0.1 is out of range"),
        ({"label_flip_rate": True}, "data.imperfect.label_flip_rate=true is not a number"),
        ({"label_smoothing": 1}, "data.imperfect.label_smoothing=1 is out of range"),
        ({"missing_features": 1}, "data.imperfect.missing_features=1 is out of range"),
        ({"proxy": "guess"}, "data.imperfect.proxy=guess is not known; accepted: null, log"),
        ({"flipped_group": 0.1}, "data.imperfect 'flipped_group'; did you mean 'flipped_groups'?"),
        ({"proxy": "logistic_regression", "group_flip_rate": 0.1}, "guesses others from them"),
        ({"label_smoothing": 0.1, "label_flip_rate": 0.2}, "label_smoothing=0.1 undoes what "
         "data.imperfect.label_flip_rate=0.2 corrects; set one of the two."),
    ],
)  # fmt: skip
def test_what_cannot_work(given: dict[str, object], sentence: str) -> None:
    with pytest.raises(ConfigError) as refused:
        Imperfect.of(given)
    assert sentence in str(refused.value)


@pytest.mark.parametrize(
    "given",
    [{"known_groups": 0.5}, {"flipped_groups": 0.1}, {"group_flip_rate": 0.1}],
)
def test_groups_that_a_model_reads_are_not_imperfect(given: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=r"contradicts data\.use_groups_as_features=true"):
        Imperfect.of(given, use_groups_as_features=True)
    assert Imperfect.of({"flipped_labels": 0.1}, use_groups_as_features=True).flipped_labels == 0.1
