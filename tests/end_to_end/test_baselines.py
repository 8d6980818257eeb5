"""Fairlearn's baselines as further rows beside teacher, control and student."""

import pytest
import torch
from safetensors.torch import load_file

from fairkd.data.arrests import load_arrests

QUICK = ("constraint=none",)
FREE = (*QUICK, "trainer.max_epochs=6", "teacher.trainer.max_epochs=6")
CHOICES = {
    "threshold_optimizer": ("baseline=threshold_optimizer", "baseline.grid_size=200"),
    "exponentiated_gradient": ("baseline=exponentiated_gradient", "baseline.max_iter=6"),
    "grid_search": ("baseline=grid_search", "baseline.grid_size=7"),
}
ROWS = {name: (name,) for name in CHOICES} | {
    "threshold_optimizer": ("threshold_optimizer_teacher", "threshold_optimizer")
}
RULES = ("equal_selection_rate/", "equal_accuracy/")


def all_kept_decisions(place) -> list[dict[str, torch.Tensor]]:
    """What the store has of each baseline, by row and split."""
    entries = list(place.store.entries("baseline"))
    assert all(set(entry.files) == {"record.json", "tensors.safetensors"} for entry in entries)
    return [load_file(entry.file("tensors.safetensors")) for entry in entries]


def kept_decisions(place) -> dict[str, torch.Tensor]:
    """The same of the only baseline."""
    (found,) = all_kept_decisions(place)
    return found


@pytest.mark.parametrize("name", CHOICES)
def test_its_run_is_an_ordinary_one_and_its_rows(once, name) -> None:
    _, without = once(*FREE)
    ended, with_it = once(*FREE, *CHOICES[name])
    assert "student: reused from the store" in ended.err
    assert f"{name}: fitted in" in ended.err
    plain, run = without.lasting(), with_it.lasting()
    own = {f"test/{row}/" for row in ROWS[name]}
    further = {metric for metric in run if metric.startswith(tuple(own))}
    assert set(run) - further == {*plain, "test/holds"}  # the plain job has no bound
    # Every row has what a model has, but a threshold to move, a divergence that is not finite, and
    # rows that trained it.
    of_student = {m.removeprefix("test/student/") for m in plain if m.startswith("test/student/")}
    expected = {m for m in of_student if not m.startswith((*RULES, "membership_auc"))}
    for row in ROWS[name]:
        found = {m.removeprefix(f"test/{row}/") for m in further if m.startswith(f"test/{row}/")}
        assert {m for m in found if not m.startswith("transfer/")} == expected
        changes = {m for m in found if m.startswith("transfer/")}
        assert "transfer/demographic_parity_difference_change_from_student/colour" in changes
        assert ("transfer/kl_from_teacher" in changes) == (name == "grid_search")
    same = [m for m in plain if m.startswith(("test/teacher/", "test/control/", "test/student/"))]
    assert {m: run[m] for m in same} == {m: plain[m] for m in same}
    assert run["test/accuracy"] == run[f"test/{name}/accuracy"]
    assert run["test/disparity"] == run[f"test/{name}/demographic_parity_difference/colour"]
    assert run["test/holds"] == float(run["test/disparity"] <= 0.05)


@pytest.mark.parametrize("name", CHOICES)
def test_the_record_is_of_the_decisions_in_the_store(once, shared_place, name) -> None:
    once(*FREE)
    _, run = once(*FREE, *CHOICES[name])
    test = load_arrests(seed=0).splits["test"]
    (tensors,) = [
        kept
        for kept in all_kept_decisions(shared_place)
        if {f"{row}.test.decisions" for row in ROWS[name]} <= set(kept)
    ]
    for row in ROWS[name]:
        decided = tensors[f"{row}.test.decisions"]
        rates = [float(decided[test.group[:, cell] == 1].float().mean()) for cell in (0, 1)]
        gap = run.metrics[f"test/{row}/demographic_parity_difference/colour"]
        assert gap == pytest.approx(abs(rates[0] - rates[1]), abs=1e-6)
        right = float((decided == test.y).float().mean())
        assert run.metrics[f"test/{row}/accuracy"] == pytest.approx(right, abs=1e-6)
        table = run.table(f"groups/colour.{row}.csv")
        assert table["selection_rate"].tolist() == pytest.approx(rates, abs=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("name", CHOICES)
def test_another_way_to_measure_fits_nothing_again(fairkd, place, name) -> None:
    words = (*FREE, *CHOICES[name])
    assert fairkd(*words).code == 0
    assert "everything above is from the store" in fairkd(*words).out
    before = place.written("baseline")
    other = fairkd(*words, "evaluation.seed=1")
    assert f"{name}: reused from the store" in other.err
    assert place.written("baseline") == before
    first, *_, last = (run.lasting() for run in place.runs())
    for row in ROWS[name]:
        assert first[f"test/{row}/auc"] == last[f"test/{row}/auc"]


@pytest.mark.slow
def test_learners_are_fitted_once_whatever_the_student(fairkd, place) -> None:
    words = (*FREE, *CHOICES["grid_search"])
    fairkd(*words)
    ended = fairkd(*words, "distillation.temperature=2")
    assert "grid_search: reused from the store" in ended.err
    assert len(place.kept("student")) == 2
    assert len(place.kept("baseline")) == 1


@pytest.mark.slow
def test_force_fits_it_again_to_the_same_bits(fairkd, place) -> None:
    words = (*FREE, *CHOICES["exponentiated_gradient"])
    fairkd(*words)
    before, written = kept_decisions(place), place.written("baseline")
    fairkd(*words, "force=student")
    assert place.written("baseline") != written
    after = kept_decisions(place)
    assert before.keys() == after.keys()
    assert all(torch.equal(before[key], after[key]) for key in before)


def test_a_sweep_over_thresholds_trains_one_of_each(fairkd, place) -> None:
    words = ("-m", *QUICK, *CHOICES["threshold_optimizer"])
    ended = fairkd(*words, "baseline.threshold=0.0,0.05")
    assert ended.code == 0, ended.err
    for kind in ("teacher", "control", "student"):
        assert len(place.kept(kind)) == 1
    assert len(place.kept("baseline")) == 2
    assert len(place.runs("FINISHED")) == 2
    assert "Threshold_optimizer models on test" in ended.out
    assert "threshold" in ended.out


def test_with_compression_what_came_last_is_adjusted(fairkd, place) -> None:
    ended = fairkd(
        *QUICK, *CHOICES["threshold_optimizer"], "compression=prune", "compression.epochs=1"
    )
    assert ended.code == 0, ended.err
    found = place.run().metrics
    for cost in ("nonzero", "bytes", "latency_ms_batch_1"):
        assert found[f"test/threshold_optimizer/{cost}"] == found[f"test/pruned/{cost}"]
        teachers = found[f"test/threshold_optimizer_teacher/{cost}"]
        assert teachers == found[f"test/teacher/{cost}"]
    assert found["test/pruned/nonzero"] < found["test/student/nonzero"]
    assert found["test/accuracy"] == found["test/threshold_optimizer/accuracy"]


def test_the_headline_is_what_the_baseline_bounds(fairkd, place) -> None:
    words = ("baseline.by=sex", "baseline.statistic=true_positive_rate")
    assert fairkd(*QUICK, *CHOICES["exponentiated_gradient"], *words).code == 0
    found = place.run().metrics
    name = "test/exponentiated_gradient/equal_opportunity_difference/sex"
    assert found["test/disparity"] == found[name]


def test_a_dry_run_says_what_would_be_fitted(fairkd, place) -> None:
    words = (*QUICK, *CHOICES["threshold_optimizer"])
    shown = fairkd(*words, "dry_run=true").out
    assert "threshold_optimizer_teacher and threshold_optimizer: would be fitted (" in shown
    assert not place.kept("baseline")
    fairkd(*words)
    shown = fairkd(*words, "evaluation.seed=1", "dry_run=true").out
    assert "threshold_optimizer_teacher and threshold_optimizer: would be reused (" in shown


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            ("baseline.threshold=0.1",),
            "baseline.threshold=0.1 has no effect with baseline=none; choose a baseline, or leave",
        ),
        (
            ("+baseline.seed=1",),
            "baseline.seed=1 has no effect with baseline=none; choose a baseline, or leave the",
        ),
        (
            ("baseline=grid_search", "baseline.statistic=accuracy"),
            "baseline.statistic=accuracy is not known; accepted: selection_rate, "
            "true_positive_rate, false_positive_rate, equalized_odds.",
        ),
        (
            ("baseline=grid_search", "baseline.by=age"),
            "Unknown group block in baseline.by 'age'. Accepted: colour, sex. The data's blocks",
        ),
        (
            ("baseline=threshold_optimizer", "baseline.threshold=2"),
            "baseline.threshold=2 is out of range; accepted: a number from 0 to 1.",
        ),
        (
            ("baseline=threshold_optimizer", "baseline.statistic=equalized_odds"),
            "baseline.threshold=0.05 cannot be kept for equalized_odds: Fairlearn's",
        ),
        (
            ("baseline=threshold_optimizer", "baseline.max_iter=5"),
            "Unknown key 'baseline.max_iter'. Keys of baseline: by, statistic, threshold,",
        ),
        (
            ("baseline=exponentiated_gradient", "baseline.max_iter=0"),
            "baseline.max_iter=0 is out of range",
        ),
        (
            (
                "baseline=exponentiated_gradient",
                "baseline.estimator={_target_: sklearn.neighbors.KNeighborsClassifier}",
                "~baseline.estimator.C",
                "~baseline.estimator.solver",
                "~baseline.estimator.max_iter",
            ),
            "baseline.estimator=KNeighborsClassifier cannot be trained under a constraint",
        ),
        (
            ("+baseline._target_=torch.nn.Identity",),
            "baseline._target_=torch.nn.Identity is no baseline; it needs the methods of",
        ),
        (
            ("data=iris", "baseline=grid_search"),
            "baseline: Fairlearn's baselines decide between two classes, and iris has 3",
        ),
        (
            (
                "baseline=threshold_optimizer",
                "compression=prune",
                "+compression.steps.threshold_optimizer._target_=fairkd.training.compress.Prune",
                "+compression.steps.threshold_optimizer.sparsity=0.5",
            ),
            "baseline reports a row 'threshold_optimizer', and this job has a model of that name",
        ),
    ],
)
def test_refused_before_anything_is_trained(fairkd, place, words, sentence) -> None:
    ended = fairkd("constraint=none", *words)
    assert ended.code == 1
    assert sentence in ended.err
    assert not place.kept("teacher")


OWN = """
import numpy as np
from fairkd.baselines.baseline import Fit, decided


class Nobody:
    rows = ("nobody",)

    def __init__(self, by, statistic, threshold):
        self.by, self.statistic = by, statistic

    def check(self, dataset):
        pass

    def fit(self, given):
        def decide(split):
            rows = given.dataset.splits[split].size
            return np.zeros(rows), np.zeros(rows, dtype=np.int64)

        return Fit({"nobody": decided(decide, adjusts="control")}, {}, 0.0)
"""


def test_a_baseline_of_ones_own(fairkd, place, monkeypatch) -> None:
    (place.folder / "own_baseline.py").write_text(OWN)
    monkeypatch.syspath_prepend(place.folder)
    ended = fairkd(*QUICK, "+baseline._target_=own_baseline.Nobody")
    assert ended.code == 0, ended.err
    found = place.run().metrics
    assert found["test/nobody/demographic_parity_difference/colour"] == 0.0
    assert found["test/nobody/parameters"] == found["test/control/parameters"]
    assert "the nobody model decides all rows alike" in ended.out
