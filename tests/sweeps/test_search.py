import json
import math
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.distributions import (
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState

from fairkd.errors import ConfigError, FairkdError, StoreError
from fairkd.sweeps.search import Search
from fairkd.sweeps.space import Space, rounded, space_of
from fairkd.sweeps.trial import Trial

THREE = (
    "temperature=tag(log,interval(1,20))",
    "alpha=interval(0,1)",
    "weight=tag(log,interval(1e-3,3))",
)
Ends = Callable[[Trial], Trial]


def space(*words: str, held: object = 1.0) -> Space:
    return space_of(OverridesParser.create().parse_overrides(list(words)), lambda key: held)


def search(n_trials: int = 24, batch: int = 6, seed: int = 0, words: Any = THREE) -> Search:
    return Search(space(*words), n_trials, batch, seed)


def numbers(words: tuple[str, ...]) -> dict[str, float]:
    return {key: float(value) for key, _, value in (word.partition("=") for word in words)}


def judged(words: tuple[str, ...]) -> Trial:
    """Accuracy falls with the weight, the gap crosses zero; both like one alpha and temperature."""
    at = numbers(words)
    warmth = math.log(at["temperature"]) / math.log(20)
    off = (warmth - 0.45) ** 2 / 0.05 + (at["alpha"] - 0.7) ** 2 / 0.08
    lost = 1 - math.exp(-off)
    weight = at["weight"]
    gap = abs(0.17 * math.exp(-4 * weight) - 0.04 * min(weight, 1.5) + 0.02 * lost)
    accuracy = 0.85 - 0.03 * weight / (weight + 0.5) - 0.02 * lost - 0.01 * max(0.0, weight - 1)
    return Trial(words, {"validation/accuracy": accuracy, "validation/disparity": gap})


def finish(searching: Search, ends: Ends = lambda trial: trial) -> list[tuple[str, ...]]:
    """Run a search to its end."""
    asked: list[tuple[str, ...]] = []
    while batch := searching.ask():
        asked += batch
        searching.tell([ends(judged(words)) for words in batch])
    return asked


def kept(path: Path) -> list[FrozenTrial]:
    """What a journal holds, read by Optuna alone."""
    storage = JournalStorage(JournalFileBackend(str(path)))
    return optuna.load_study(study_name="search", storage=storage).trials


def essence(path: Path) -> list[tuple[int, str, dict[str, Any], Any]]:
    return [(t.number, t.state.name, t.params, t.values) for t in kept(path)]


@pytest.mark.parametrize(
    ("text", "distribution"),
    [
        ("interval(1,20)", FloatDistribution(1, 20)),
        ("int(interval(1,20))", IntDistribution(1, 20)),
        ("tag(log,interval(1e-3,3))", FloatDistribution(1e-3, 3, log=True)),
        ("tag(log, int(interval(1,100)))", IntDistribution(1, 100, log=True)),
        ("range(1,10)", IntDistribution(1, 9)),
        ("range(1,10,3)", IntDistribution(1, 7, step=3)),
        ("range(9,0,-2)", IntDistribution(1, 9, step=2)),
        ("tag(log,range(1,10))", IntDistribution(1, 9, log=True)),
        ("range(0,1,step=0.25)", FloatDistribution(0, 0.75, step=0.25)),
        ("choice(a,b)", CategoricalDistribution(("a", "b"))),
        ("a,b", CategoricalDistribution(("a", "b"))),
        ("1,2,4", CategoricalDistribution(("1", "2", "4"))),
        ("choice([64,32],[16])", CategoricalDistribution(("[64,32]", "[16]"))),
        ("choice(a,b,a)", CategoricalDistribution(("a", "b"))),
    ],
)
def test_hydras_sweep_syntax_is_the_space(text: str, distribution: object) -> None:
    found = space(f"+key={text}")
    assert found.varied == {"+key": distribution}
    assert found.texts == {"+key": text}
    assert found.fixed == ()


def test_what_has_one_value_is_fixed_and_the_last_word_for_a_key_counts() -> None:
    found = space("a=interval(0,1)", "b=interval(0,1)", "~c", "d='x y'", "b=2", "e=choice(7)")
    assert found.fixed == ("b=2", "~c", "d='x y'", "e=7")
    assert found.words({"a": 0.5}) == ("b=2", "~c", "d='x y'", "e=7", "a=0.5")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["a=1"], "The search varies nothing"),
        (["a=choice(1)"], "The search varies nothing"),
        (["a=interval(2,1)"], "'a=interval(2,1)' is empty"),
        (["a=range(3,3)"], "'a=range(3,3)' is empty"),
        (["a=interval(0,inf)"], "'a=interval(0,inf)' is not bounded"),
        (["a=tag(log,interval(0,1))"], "begins at 0.0; give a beginning above 0"),
        (["a=tag(log,interval(-1,1))"], "begins at -1.0; give a beginning above 0"),
        (["a=tag(log,range(1,10,2))"], "has steps, which are not logarithmic"),
        (["a=tag(lgo,interval(1,2))"], "has a tag that nothing reads"),
        (["a=tag(log,choice(1,2))"], "has a tag that nothing reads"),
        (["seed=0,1,2"], "would search for a lucky seed"),
        (["replicate=range(0,4)"], "would search for a lucky seed"),
    ],
)
def test_what_cannot_be_searched_gets_a_sentence(words: list[str], sentence: str) -> None:
    with pytest.raises(ConfigError) as refused:
        space(*words)
    assert sentence in str(refused.value)


@pytest.mark.parametrize("held", ["squared", True, [1, 2]])
def test_numbers_for_a_key_that_holds_none_are_refused(held: object) -> None:
    for text in ("interval(1,2)", "range(1,3)"):
        with pytest.raises(ConfigError, match="gives numbers to a key that holds"):
            space(f"a={text}", held=held)
    assert space("a=interval(1,2)", held=None).varied


@pytest.mark.parametrize(
    ("n_trials", "batch", "seed", "key"),
    [(0, 1, 0, "n_trials"), (1, 0, 0, "batch"), (1, 1, -1, "seed"), (4, True, 0, "batch")],
)
def test_numbers_out_of_range_are_refused(n_trials: int, batch: int, seed: int, key: str) -> None:
    with pytest.raises(ConfigError, match=rf"hydra\.sweeper\.{key}="):
        search(n_trials, batch, seed)


def test_a_space_that_a_grid_covers_is_refused() -> None:
    few = ("a=1,2,4", "b=range(0,1,step=0.1)", "c=int(interval(1,2))")
    assert space(*few).combinations == 3 * 10 * 2
    assert search(60, words=few).n_trials == 60
    with pytest.raises(ConfigError, match="has 60 different jobs"):
        search(61, words=few)
    assert space(*few, "d=interval(0,1)").combinations is None


@pytest.mark.parametrize(
    ("value", "low", "high", "expected"),
    [
        (13.37482, 1, 20, 13.37),
        (1.2345678, 1, 20, 1.235),
        (0.00123456, 1e-3, 3, 0.001235),
        (123456.7, 1, 1e6, 123500.0),
        (1.23456, 1.23451, 1.2346, 1.23456),
        (1000000.5, 1000000, 1000001, 1000000.5),
        (0.0, 0, 1, 0.0),
        (-0.123456, -1, 1, -0.1235),
        (2.99999, 1, 2.9999, 2.9999),
        (0.30000000000000004, 0, 0.9, 0.3),
    ],
)
def test_rounding(value: float, low: float, high: float, expected: float) -> None:
    assert rounded(value, low, high) == expected


@given(
    st.floats(-1e6, 1e6),
    st.floats(1e-6, 1e6),
    st.floats(0, 1),
)
def test_rounding_stays_inside_and_near(low: float, width: float, place: float) -> None:
    high = low + width
    value = min(low + place * (high - low), high)
    near = rounded(value, low, high)
    assert low <= near <= high
    assert abs(near - value) <= 1e-3 * max(abs(value), 1e-300)
    assert abs(near - value) <= 1e-3 * (high - low)
    assert rounded(near, low, high) == near


def test_the_study_knows_the_numbers_that_the_jobs_got(tmp_path: Path) -> None:
    searching = search(12)
    searching.keep(tmp_path / "s.journal", "identity")
    asked = finish(searching)
    trials = kept(tmp_path / "s.journal")
    assert [trial.params for trial in trials] == [numbers(words) for words in asked]
    for trial, words in zip(trials, asked, strict=True):
        assert trial.values == list(judged(words).values or ())
        assert all(float(f"{value:.4g}") == value for value in trial.params.values())


def test_the_same_search_asks_for_the_same_jobs() -> None:
    first = finish(search())
    assert len(first) == len(set(first)) == 24
    assert finish(search(words=THREE[::-1])) == first
    assert finish(search(seed=1)) != first


def test_a_second_batch_depends_on_the_first() -> None:
    worse = Trial((), {"validation/accuracy": 0.5, "validation/disparity": 0.5})
    first = finish(search(24, 12))
    other = finish(
        search(24, 12), lambda trial: worse if numbers(trial.words)["alpha"] > 0.5 else trial
    )
    assert other[:12] == first[:12]
    assert not set(other[12:]) & set(first[12:])


@pytest.mark.parametrize("moment", range(12))
def test_a_search_cut_at_any_byte_goes_on_as_if_it_had_not_been(
    moment: int, tmp_path: Path
) -> None:
    def ends(trial: Trial) -> Trial:
        return Trial(trial.words, None) if numbers(trial.words)["alpha"] > 0.9 else trial

    whole, cut = tmp_path / "whole.journal", tmp_path / "cut.journal"
    undisturbed = search(20, 4)
    undisturbed.keep(whole, "identity")
    asked = finish(undisturbed, ends)
    assert {trial.state for trial in kept(whole)} == {TrialState.COMPLETE, TrialState.FAIL}

    written = whole.read_bytes()
    chance = random.Random(moment)
    cut.write_bytes(written[: chance.randrange(len(written))])
    again = search(20, 4)
    again.keep(cut, "identity")
    for _ in range(chance.randrange(4)):  # and ends once more on the way
        again.tell([ends(judged(words)) for words in again.ask()])
    cut.write_bytes(cut.read_bytes()[: -chance.randrange(1, 40)])
    last = search(20, 4)
    last.keep(cut, "identity")
    assert finish(last, ends) == asked
    assert essence(cut) == essence(whole)


def test_asked_trials_keep_their_values_whatever_the_sampler_would_ask_now(tmp_path: Path) -> None:
    path = tmp_path / "s.journal"
    killed = search(8, 4, seed=0)
    killed.keep(path, "identity")
    asked = killed.ask()
    other = search(8, 4, seed=1)
    assert other.ask() != asked
    other.keep(path, "identity")
    assert other.ask() == asked
    assert [trial.state for trial in kept(path)] == [TrialState.RUNNING] * 4


def test_more_trials_continue_a_search_as_if_they_had_been_wanted_at_once(tmp_path: Path) -> None:
    short, long = tmp_path / "short.journal", tmp_path / "long.journal"
    for path, counts in ((short, (10, 21)), (long, (21,))):
        for n_trials in counts:
            searching = search(n_trials, 4)
            searching.keep(path, "identity")
            assert len(finish(searching)) == n_trials
    assert essence(short) == essence(long)
    fewer = search(5, 4)
    fewer.keep(short, "identity")
    assert finish(fewer) == [tuple(f"{k}={v}" for k, v in t.params.items()) for t in kept(long)[:5]]
    assert essence(short) == essence(long)


def test_jobs_without_values_are_told_as_failed_and_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    searching = search(4, 4)
    searching.keep(tmp_path / "s.journal", "identity")
    words = searching.ask()
    metrics: list[dict[str, float] | None] = [
        {"validation/accuracy": 0.8, "validation/disparity": 0.1},
        {"validation/accuracy": 0.8, "validation/disparity": math.nan},
        {"validation/accuracy": math.inf, "validation/disparity": 0.1},
        None,
    ]
    searching.tell([Trial(w, m) for w, m in zip(words, metrics, strict=True)])
    trials = kept(tmp_path / "s.journal")
    assert [trial.state.name for trial in trials] == ["COMPLETE", "FAIL", "FAIL", "FAIL"]
    assert trials[0].values == [0.8, 0.1]
    assert caplog.messages == [
        "Trial #1 counts as failed: validation/disparity is undefined.",
        "Trial #2 counts as failed: validation/accuracy is undefined.",
    ]
    assert searching.ask() == []


def test_a_search_whose_jobs_all_fail_still_ends() -> None:
    asked = finish(search(20, 4), lambda trial: Trial(trial.words, None))
    assert len(set(asked)) == 20


def test_a_journal_of_another_search_or_of_none_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.journal"
    mine = search()
    mine.keep(path, "identity")
    mine.ask()
    before = essence(path)
    with pytest.raises(ConfigError, match=r"sweep\.id=mine names a search with another space"):
        search().keep(path, "another")
    assert essence(path) == before != []
    path.write_text('{"something": "else"}\n')
    with pytest.raises(StoreError, match="is not the journal of a search; move it away"):
        search().keep(path, "identity")


def test_damage_is_reported_and_what_follows_it_is_done_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "s.journal"
    searching = search(8, 4)
    searching.keep(path, "identity")
    asked = finish(searching)
    expected = essence(path)
    lines = path.read_bytes().splitlines(keepends=True)
    lines[5] = b"\0" * len(lines[5])
    path.write_bytes(b"".join(lines))
    again = search(8, 4)
    again.keep(path, "identity")
    assert "the search repeats" in caplog.text
    assert finish(again) == asked
    assert essence(path) == expected
    assert all(isinstance(json.loads(line), dict) for line in path.read_text().splitlines())


def test_an_unwritable_place_gets_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FairkdError, match=r"set paths\.store to a folder"):
        search().keep(tmp_path / "file" / "s.journal", "identity")


def test_the_name_is_of_everything_but_the_number_of_trials() -> None:
    name = search().identity("job")
    assert search(n_trials=99).identity("job") == name
    assert search(words=THREE[::-1]).identity("job") == name
    others = [
        search().identity("other job"),
        search(seed=1).identity("job"),
        search(batch=7).identity("job"),
        search(words=THREE[:2]).identity("job"),
        search(words=(*THREE[:2], "weight=interval(1e-3,3)")).identity("job"),
    ]
    assert len({name, *others}) == 6


def hypervolume(points: list[tuple[float, float]]) -> float:
    """The part that points dominate of the box accuracy 0.79 to 0.85, gap 0 to 0.2."""
    area, lowest = 0.0, 0.2
    for accuracy, gap in sorted(points, reverse=True):  # most accurate first
        if accuracy > 0.79 and gap < lowest:
            area += (accuracy - 0.79) * (lowest - gap)
            lowest = gap
    return area / (0.06 * 0.2)


def test_hypervolume_of_known_points() -> None:
    assert hypervolume([(0.85, 0.0)]) == pytest.approx(1)
    assert hypervolume([(0.85, 0.1), (0.82, 0.0)]) == pytest.approx(0.75)
    assert hypervolume([(0.82, 0.1), (0.81, 0.15), (0.5, 0.0)]) == pytest.approx(0.25)


def test_batches_find_a_better_front_than_chance() -> None:
    found, by_chance = [], []
    for seed in range(4):
        searched = finish(search(64, 16, seed))
        sampler = optuna.samplers.RandomSampler(seed=seed)
        study = optuna.create_study(directions=["maximize", "minimize"], sampler=sampler)
        varied = dict(space(*THREE).varied)
        drawn = [tuple(f"{k}={v}" for k, v in study.ask(varied).params.items()) for _ in range(64)]
        for jobs, scores in ((searched, found), (drawn, by_chance)):
            values = [judged(words).values for words in jobs]
            scores.append(hypervolume([(v[0], v[1]) for v in values if v is not None]))
    assert min(found) > sum(by_chance) / 4 + 0.03
    assert sum(found) / 4 > max(by_chance)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_every_asked_value_is_in_the_space(seed: int) -> None:
    words = (
        "a=tag(log,interval(1e-3,3))",
        "b=range(0,1,step=0.1)",
        "c=x,y",
        "d=int(interval(2,5))",
    )
    for job in Search(space(*words), 8, 4, seed).ask():
        at = dict(word.split("=") for word in job)
        assert 1e-3 <= float(at["a"]) <= 3
        assert at["b"] in {str(step / 10) for step in range(10)}
        assert at["c"] in {"x", "y"}
        assert at["d"] in {"2", "3", "4", "5"}
