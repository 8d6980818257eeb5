"""``fairkd card``, from the command line."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from fairkd.commands.card import USAGE


def test_it_is_printed_or_written(fairkd: Any, tracked: list[str], workplace: Path) -> None:
    ended = fairkd("card", f"run={tracked[0][:12]}", "license=mit")
    assert (ended.code, ended.err) == (0, "")
    _, front, body = ended.out.split("---\n", 2)
    assert yaml.safe_load(front)["license"] == "mit"
    assert body.startswith("\n# w0·s0\n")
    assert "The command was not kept" in body
    place = workplace / "new" / "README.md"
    ended = fairkd("card", f"run={tracked[0]}", f"out={place}")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == f"card    {place}\nof      w0·s0, run {tracked[0]}\n"
    written = place.read_text()
    assert fairkd("card", f"run={tracked[0]}").out == written
    assert fairkd("card", f"run={tracked[1]}", f"out={place}").code == 0
    assert "# w0·s1\n" in place.read_text()
    assert [file.name for file in place.parent.iterdir()] == ["README.md"]


def test_of_a_sweep_it_is_of_the_one_to_choose(fairkd: Any, tracked: list[str]) -> None:
    ended = fairkd("card", "sweep=s", "threshold=0.9")
    assert (ended.code, ended.err) == (0, "")
    assert "the most accurate whose gap is within 0.9" in ended.out
    assert "It is one of 2 repetitions" in ended.out
    ended = fairkd("card", "sweep=s", "threshold=0")
    assert (ended.code, ended.err) == (0, "")
    assert "for none is within 0. The threshold of 0 was asked for." in ended.out


def test_a_card_tells_what_could_not_be_chosen(fairkd: Any, tracked: list[str]) -> None:
    from fairkd.tracking import SWEEP_PARENT
    from fairkd.tracking.mlflow_tracking import MlflowTracking

    with MlflowTracking(experiment="fairkd").start("own", {}, {SWEEP_PARENT: "s"}) as own:
        own.log_metrics({"sweep/failed": 2.0})
    text = "Not everything could be chosen from: 2 of its jobs failed or were refused."
    assert text in fairkd("card", "sweep=s").out


def test_the_command_that_was_kept_is_shown(fairkd: Any, tracked: list[str]) -> None:
    from fairkd.tracking.mlflow_tracking import MlflowTracking

    with MlflowTracking(experiment="fairkd").resume(tracked[0]) as run:
        run.log_text("experiment=debug\nseed=3\n", "overrides.txt")
    out = fairkd("card", f"run={tracked[0]}").out
    assert "```sh\npython -m fairkd experiment=debug seed=3\n```" in out


def test_nothing_else_is_written_over(fairkd: Any, tracked: list[str], workplace: Path) -> None:
    readme = workplace / "README.md"
    readme.write_text("# My project\n")
    ended = fairkd("card", f"run={tracked[0]}", "out=README.md")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err == (
        "out=README.md is there already and does not begin as a card of fairkd; give another out, "
        "or remove it.\n"
    )
    assert readme.read_text() == "# My project\n"
    ended = fairkd("card", f"run={tracked[0]}", "out=README.md/card.md")
    assert ended.code == 1
    assert "cannot be a folder" in ended.err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "No runs are named; give one of run=, sweep=, query=."),
        (["run=a", "query=b"], "run= and query= are both given"),
        (["run=a", "threshold=0.1"], "threshold=0.1 chooses among several jobs"),
        (["sweep=a", "threshold=-1"], "threshold=-1 is not a number of at least 0"),
        (["run=a", "licence=mit"], "Unknown key 'licence'; did you mean 'license'?"),
    ],
)
def test_wrong_usage(fairkd: Any, workplace: Path, words: list[str], sentence: str) -> None:
    ended = fairkd("card", *words)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith(sentence)
    assert list(workplace.iterdir()) == []


def test_help(fairkd: Any) -> None:
    assert fairkd("card", "--help") == (0, USAGE, "")
    assert max(map(len, USAGE.splitlines())) <= 100
