"""Jobs off the beaten track: other precisions, callbacks, thresholds, and classes of one's own."""

import sys
from pathlib import Path

import pytest
import torch

from fairkd.commands.configuration import config_folder

CALLBACKS = sorted(file.stem for file in (config_folder() / "callbacks").glob("*.yaml"))

NETS = """
import torch
from torch import nn


class Uncounted(nn.Module):
    def __init__(self, in_features, n_classes):
        super().__init__()
        self.w = nn.Parameter(torch.zeros(in_features, n_classes))

    def forward(self, x):
        return x @ self.w


class Tied(nn.Module):
    def __init__(self, in_features, n_classes, width=4):
        super().__init__()
        self.first = nn.Linear(in_features, width)
        self.again = nn.Linear(width, width)
        self.once_more = nn.Linear(width, width)
        self.once_more.weight = self.again.weight
        self.head = nn.Linear(width, n_classes)

    def forward(self, x):
        return self.head(self.once_more(self.again(self.first(x).relu()).relu()))


class OneLogit(nn.Module):
    def __init__(self, in_features, n_classes):
        super().__init__()
        self.head = nn.Linear(in_features, 1)

    def forward(self, x):
        return self.head(x)
"""


@pytest.fixture
def nets(place, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module of one's own in the working folder."""
    Path("nets_of_today.py").write_text(NETS)
    monkeypatch.syspath_prepend(str(place.folder))
    yield
    sys.modules.pop("nets_of_today", None)


@pytest.mark.slow
@pytest.mark.parametrize("name", CALLBACKS)
def test_every_choice_of_callbacks_runs(fairkd, place, name) -> None:
    assert fairkd(f"callbacks={name}").code == 0
    assert place.run().status == "FINISHED"


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["64-true", "bf16-mixed", "bf16-true"])
def test_other_precisions_end_in_a_record(fairkd, place, precision) -> None:
    ended = fairkd(f"trainer.precision={precision}", "distillation=[soft_targets,hint]")
    assert ended.code == 0, ended.err
    assert {value.dtype for value in place.run().weights().values()} == {torch.float32}


@pytest.mark.slow
def test_a_callback_that_changes_the_weights_at_the_end_changes_nothing(fairkd, place) -> None:
    words = ("trainer.max_epochs=4", "constraint=none", "distillation=none")
    assert fairkd(*words).code == 0
    swa = "+callbacks.swa._target_=pytorch_lightning.callbacks.StochasticWeightAveraging"
    assert fairkd(*words, swa, "+callbacks.swa.swa_lrs=0.001", "+callbacks.swa.swa_epoch_start=4") \
        .code == 0  # fmt: skip
    plain, averaged = place.runs()
    for name, value in plain.weights().items():
        assert torch.equal(value, averaged.weights()[name]), name


def test_validation_is_measured_with_the_same_threshold_as_test(once) -> None:
    _, run = once("evaluation.threshold=0.9")
    record = (run.artifacts / "record.json").read_text()
    assert '"validation"' in record
    # At 0.9 nobody is released by a model of two epochs: both splits must see that.
    assert run.metrics["test/accuracy"] < 0.5
    assert run.metrics["validation/accuracy"] < 0.5
    assert run.metrics["test/control/equal_selection_rate/accuracy"] == pytest.approx(
        run.metrics["test/control/accuracy"], abs=0.02
    )


@pytest.mark.parametrize("name", ["predictive_equality", "accuracy_parity"])
def test_every_constraint_has_its_disparity_on_validation(once, name) -> None:
    _, run = once(f"constraint={name}")
    assert {"validation/disparity", "test/disparity"} <= set(run.metrics)


def test_constraints_may_have_weights_of_their_own(once) -> None:
    words = (
        "constraint=[demographic_parity,equal_opportunity]",
        "constraint.terms.demographic_parity.weight=0.3",
        "constraint.terms.equal_opportunity.weight=1",
        "constraint.terms.equal_opportunity.by=sex",
    )
    ended, run = once(*words)
    assert "TPR gap by sex" in ended.out  # what was asked to be bounded is shown
    assert run.params["constraint.terms.equal_opportunity.weight"] == "1"


@pytest.mark.parametrize(
    "words",
    [
        ("student._target_=nets_of_today.Uncounted",),
        ("student._target_=nets_of_today.Tied", "+student.width=3"),
    ],
    ids=["layers that are not counted", "shared weights"],
)
def test_a_student_of_ones_own(fairkd, place, nets, words) -> None:
    ended = fairkd("student=own", *words)
    assert ended.code == 0, ended.err
    assert place.run().status == "FINISHED"
    assert words[0].rpartition(".")[2] in place.run().name


def test_a_student_of_the_wrong_shape_is_refused_before_anything_trains(
    fairkd, place, nets
) -> None:
    ended = fairkd("student=own", "student._target_=nets_of_today.OneLogit")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err == (
        "The student gives logits of shape [2, 1] for 2 rows; accepted: [2, 2], one logit for each "
        "class.\n"
    )
    assert place.runs() == []
    assert list(Path("outputs").glob("*/*")) == []


@pytest.mark.parametrize("columns", ["80", "100"])
def test_no_number_is_cut_on_a_narrow_terminal(fairkd, monkeypatch, columns) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    printed = fairkd().out
    assert "…" not in printed
    tables = [
        line for line in printed.splitlines() if not line.startswith(("run", "folder", "next"))
    ]
    assert max(map(len, tables)) <= int(columns)
