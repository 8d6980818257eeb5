import pytest

from fairkd.commands.asking import UsageError, asked


def test_values_by_key() -> None:
    found = asked(["run=abc", "tracking.uri=sqlite:///a=b.db"], ["run"])
    assert found == {"run": "abc", "tracking.uri": "sqlite:///a=b.db"}


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["abc"], "'abc' is not a key=value; accepted keys: run, tracking.uri"),
        (["rum=abc"], "Unknown key 'rum'; did you mean 'run'?"),
        (["run="], "run= has no value"),
        (["run=a", "run=b"], "run is given twice, as a and b"),
    ],
)
def test_other_words_are_refused(words: list[str], sentence: str) -> None:
    with pytest.raises(UsageError) as error:
        asked(words, ["run"])
    assert str(error.value).startswith(sentence)
