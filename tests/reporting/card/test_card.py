"""A card says what the run holds, all of it and nothing else."""

import math
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import yaml
from markdown_it import MarkdownIt

from fairkd.evaluation.evaluation import Evaluation, Layout
from fairkd.reporting.card.card import card
from fairkd.reporting.card.choice import Choice, chosen
from fairkd.reporting.card.metadata import MARK
from fairkd.reporting.recorded import RecordedJob
from fairkd.tracking.interface import JOB_KEY
from fairkd.tracking.reading import CONFIGURATION_KEY, VERSIONS, Input, TrackedJob

Make = Callable[..., RecordedJob]
FRONT = re.compile(r"\A---\n(.*?)\n---\n", re.DOTALL)


@pytest.fixture
def job(measured: Callable[..., Any], configured: Callable[..., Any]) -> Make:
    """A job with a run; sections of the configuration can be given, and what the record is of."""

    def build(
        seed: int = 0,
        weight: float = 0.5,
        name: str = "arrests·T4",
        sections: dict[str, Any] | None = None,
        **of_record: Any,
    ) -> RecordedJob:
        record = measured(seed=seed, **of_record)
        tags = {
            JOB_KEY: f"key{seed}",
            CONFIGURATION_KEY: f"w{weight}",
            VERSIONS: "fairkd 0.1.0, torch 2.13.0, Python 3.11",
        }
        run = TrackedJob(
            *(f"run{weight:g}{seed}", name, "FINISHED", "fairkd", seed, {}, record.metrics()),
            *(tags, "", (Input("arrests", "f1n9e", 5226),)),
        )
        return RecordedJob(run, configured(seed=seed, weight=weight, **(sections or {})), record)

    return build


def metadata(text: str) -> dict[str, Any]:
    found = FRONT.match(text)
    assert found is not None
    loaded: dict[str, Any] = yaml.safe_load(found[1])
    return loaded


def body(text: str) -> str:
    return FRONT.sub("", text)


def html(text: str) -> str:
    return MarkdownIt().enable("table").render(body(text))


def section(text: str, heading: str) -> str:
    found = re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)
    assert found is not None
    return found[1]


def test_the_metadata_keeps_the_communitys_schema(job: Make) -> None:
    text = card(job(), licence="mit")
    assert text.startswith(MARK)
    found = metadata(text)
    assert found["license"] == "mit"
    assert found["pipeline_tag"] == "tabular-classification"
    assert found["datasets"] == ["arrests"]
    assert all(isinstance(tag, str) for tag in (*found["tags"], *found["metrics"]))
    (model,) = found["model-index"]
    assert set(model) == {"name", "results"}
    (result,) = model["results"]
    assert set(result) == {"task", "dataset", "metrics"}
    assert result["task"]["type"] == "tabular-classification"
    assert result["dataset"] == {
        **{"type": "arrests", "name": "arrests", "split": "test", "revision": "f1n9e"}
    }
    by_type = {metric["type"]: metric for metric in result["metrics"]}
    assert set(by_type) == set(found["metrics"])
    measured = job().record.trio.evaluations["student"]
    assert by_type["accuracy"]["value"] == pytest.approx(measured.metrics["accuracy"], abs=1e-6)
    low, high = measured.intervals["accuracy"]
    assert by_type["accuracy"]["name"] == f"accuracy [{low:.3f}, {high:.3f}]"
    assert "license" not in metadata(card(job()))


def test_an_undefined_metric_is_left_out_of_the_metadata(job: Make) -> None:
    found = metadata(card(job(cells=("f", "m"), empty=("m",))))
    types = {one["type"] for one in found["model-index"][0]["results"][0]["metrics"]}
    assert "demographic_parity_difference" not in types
    assert {"accuracy", "worst_group_accuracy"} <= types
    assert all(
        math.isfinite(one["value"]) for one in found["model-index"][0]["results"][0]["metrics"]
    )


def test_data_of_the_users_own_is_not_described_by_the_catalogue(job: Make) -> None:
    own = {"data": {"_target_": "mine.load", "name": "arrests", "groups": ["sex"], "seed": 0}}
    text = card(job(sections=own))
    assert "pipeline_tag" not in metadata(text)
    assert metadata(text)["model-index"][0]["results"][0]["task"]["type"] == "other"
    assert "The data is the user's own" in text
    assert "Toronto" not in text
    assert "Toronto" in card(job())


def test_it_says_what_the_model_is_and_how_large(job: Make) -> None:
    text = body(card(job()))
    assert "A student of 130 parameters, distilled by a teacher on arrests." in text
    assert "| parameters | 130 | 1,300 | 10.0% |" in text
    assert "- Decides yes where its probability is at least 0.5 (evaluation.threshold)" in text
    three = card(job(classes=("a", "b", "c")))
    assert "- Decides the most likely class of a, b, c" in three


def test_results_are_the_records_with_their_intervals(job: Make) -> None:
    one = job()
    text = section(card(one), "Results on test")
    for model in ("teacher", "control", "student"):
        found = one.record.trio.evaluations[model]
        low, high = found.intervals["accuracy"]
        assert f"{found.metrics['accuracy']:.3f} [{low:.3f}, {high:.3f}]" in text
    rows = re.findall(r"^\| (f|m) \| (\d+) \| (\w+) \|", text, re.MULTILINE)
    assert [(cell, model) for cell, _, model in rows] == [
        (cell, model) for cell in "fm" for model in ("teacher", "control", "student")
    ]
    assert sum(int(n) for _, n, model in rows if model == "student") == 400


def test_changes_are_those_of_the_record(job: Make) -> None:
    one = job()
    text = section(card(one), "What distillation changed")
    changed = one.record.trio.transfers["sex"]
    name = "demographic_parity_difference_change_from_control/sex"
    low, high = changed.intervals[name]
    assert f"{changed.metrics[name]:+.3f} [{low:.3f}, {high:.3f}]" in text
    harmful = sum(changed.flips["sex"].counts["harmful_flips_from_control"])
    assert f"Of 400 rows whose sex is known, {harmful} are wrong that the control had right" in text
    assert "distillation: soft\\_targets; constraint: penalty" in text
    nothing = {"distillation": {"terms": {}}, "constraint": {"terms": {}}}
    undistilled = card(job(sections=nothing))
    assert "trained without: nothing." in section(undistilled, "What changed")
    assert "trained without distillation on arrests" in undistilled


def test_a_further_model_is_compared_with_the_student(job: Make) -> None:
    text = card(job(further=("pruned",)))
    assert "The card is of what was made of the student at last: student, pruned" in text
    assert "distilled by a teacher on arrests, then pruned." in text
    changed = section(text, "What distillation changed")
    assert "| student's change | minus the teacher | minus the control |" in changed
    assert "### From the student to the pruned model" in changed
    assert "| pruned's change | minus the student | minus the teacher |" in changed
    assert "| size | pruned | student | teacher | of the teacher's |" in text


def test_limits_name_small_and_undefined_groups(job: Make) -> None:
    text = section(card(job(cells=("f", "m", "x"), empty=("x",), rows=150)), "Limits")
    assert re.search(r"Few test rows \(below 100\) .*: f \d\d, m \d\d, x 0$", text, re.MULTILINE)
    undefined = re.search(r"^- Undefined on test.*$", text, re.MULTILINE)
    assert undefined is not None
    assert "sex.x (accuracy, selection rate, true positive rate" in undefined[0]
    assert "sex.f" not in undefined[0]
    whole = section(card(job(rows=2000)), "Limits")
    assert "Few test rows" not in whole
    assert "Undefined" not in whole


@pytest.mark.parametrize(("threshold", "verdict"), [(0.9, "holds"), (0.001, "does NOT hold")])
def test_bounds(job: Make, threshold: float, verdict: str) -> None:
    text = section(card(job(threshold=threshold)), "Limits")
    assert f"the bound of {threshold:g} {verdict} there" in text
    assert "- Nothing is certified: no rows were kept to certify a bound" in text


def test_no_bound_is_said(job: Make) -> None:
    assert "- No bound above 0 was asked of any gap" in card(job(threshold=0.0))
    assert "No bound above 0" not in card(job(threshold=0.1))


def test_whether_groups_are_inputs_is_said_where_it_is_known(job: Make) -> None:
    data = job().configuration["data"]
    for used, words in ((True, "are among"), (False, "are not among")):
        sections = {"data": {**data, "use_groups_as_features": used}}
        assert f"The columns of these groups {words} the model's" in card(job(sections=sections))
    assert "the model's inputs" not in card(job())


def test_the_command_is_of_any_machine(job: Make) -> None:
    words = ["experiment=debug", "data.path=/home/me", "tracking.uri=x", "force=all", "a=b c"]
    text = section(card(job(), words=words), "How it was made")
    line = "python -m fairkd experiment=debug data.path=FOLDER 'a=b c'"
    assert f"```sh\n{line}\n```" in text
    assert "/home/me" not in text
    assert "The command was not kept" in card(job())
    assert "Trained with: fairkd 0.1.0, torch 2.13.0, Python 3.11" in text


def test_privacy_is_shown_where_it_was_looked_at(job: Make) -> None:
    assert "A first look at privacy" not in card(job())
    assert "- whether losses tell which rows trained it" in card(job())
    one = job()
    metrics = {"membership_auc": 0.6, "membership_auc/sex.f": 0.7, "membership_auc/sex.m": 0.5}
    counts = {"members/sex.f": 11, "members/sex.m": 12, "others/sex.f": 1, "others/sex.m": 2}
    found = Evaluation(
        {**metrics, **counts},
        {name: (value - 0.1, value + 0.1) for name, value in metrics.items()},
        {"sex": Layout(("f", "m"), ("members", "others", "membership_auc"))},
    )
    record = replace(one.record, membership=dict.fromkeys(("teacher", "control", "student"), found))
    text = card(replace(one, record=record))
    assert "| f | 0.700 \\[0.600, 0.800\\] |" in section(text, "A first look at privacy")
    assert "Training rows by sex, as training was told: f 11, m 12" in text
    assert "whether losses tell" not in text


def test_names_from_data_stay_text(job: Make) -> None:
    cells = ("<script>alert(1)</script>", "a|b` *c* [d](http://e.f) \n---\n$x$", "n" * 200)
    name = "---\nlicense: none\n# <img src=x>"
    text = card(job(cells=cells, name=name, rows=600))
    assert metadata(text)["model-index"][0]["name"] == "--- license: none # <img src=x>"
    assert "license" not in metadata(text)
    page = html(text)
    assert "<script" not in page
    assert "<img" not in page
    assert "<a " not in page
    assert page.count("<h1>") == 1
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "a|b` *c* [d](http://e.f) --- $x$" in page
    assert "n" * 200 in page
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    columns = [len(re.findall(r"(?<!\\)\|", line)) for line in lines]
    tables = re.findall(r"(?:^\|.*\n?)+", text, re.MULTILINE)
    assert sum(columns) == sum(
        len(re.findall(r"(?<!\\)\|", table.splitlines()[0])) * len(table.splitlines())
        for table in tables
    )


def test_of_a_sweep_one_job_is_chosen_on_validation(job: Make) -> None:
    jobs = [job(seed, weight) for weight in (0.0, 1.0) for seed in (0, 1)]
    # Records of equal seeds are equal, so both configurations are: the first is taken.
    gaps = [one.record.disparity("student", "validation") for one in jobs[:2]]
    accuracies = [one.record.trio.validation["student"]["accuracy"] for one in jobs[:2]]
    assert max(gaps) < 0.05  # the bound of the jobs
    found, choice = chosen(jobs)
    best = max((0, 1), key=accuracies.__getitem__)
    assert found.run.run_id == f"run0{best}"
    assert choice.repetitions == 2
    text = card(found, choice=choice)
    assert "Chosen on validation among 4 jobs of 2 configurations: the most accurate" in text
    assert "gap is within 0.05 (w=0). The threshold of 0.05 is the one of" in choice.sentence
    assert "It is one of 2 repetitions (data split, teacher and student vary together)" in text
    assert "how results vary over seeds" not in text
    assert "how results vary over seeds" in card(found)
    found, choice = chosen(jobs, max(gaps))
    assert found.run.run_id == f"run0{max((0, 1), key=accuracies.__getitem__)}"
    assert f"the most accurate whose gap is within {max(gaps):g} (w=0)" in choice.sentence


def test_a_choice_of_one_configuration_without_repetitions(job: Make) -> None:
    found, choice = chosen([job(threshold=0.9)])
    assert (found.run.run_id, choice.repetitions) == ("run0.50", 1)
    assert choice == Choice(
        "Chosen on validation among 1 jobs of 1 configurations: the most accurate whose gap is "
        "within 0.9. The threshold of 0.9 is the one of the jobs' bounds.",
        1,
    )
