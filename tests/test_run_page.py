"""What a run's page shows first is made of the record alone."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

from fairkd.data.batch import Batch
from fairkd.run_page import Page, method, tables
from fairkd.serving.description import Description


def test_the_table_of_a_block_has_every_model_beside_every_group(measured) -> None:
    record = measured(cells=("f", "m", "none"), empty=("none",), further=("pruned",))
    (block,) = found = tables(record)
    assert block == "sex"
    table = found["sex"]
    models = ("teacher", "control", "student", "pruned")
    assert list(table.columns[:2]) == ["group", "model"]
    expected = [(cell, model) for model in models for cell in ("f", "m", "none")]
    assert list(zip(table["group"], table["model"], strict=True)) == expected
    for model in models:
        own = record.trio.evaluations[model].tables["sex"].round(4)  # the CSV has all digits
        mine = table[table["model"] == model].set_index("group").drop(columns="model")
        pd.testing.assert_frame_equal(mine, own, check_names=False)
    assert np.isnan(table["accuracy"]).sum() == len(models)


class Logged:
    """A run that keeps what its model and its note are."""

    run_id = "abc"

    def log_model(self, folder: str, description: Description, example, numbers) -> None:
        self.served, self.numbers = description.serves, numbers

    def __getattr__(self, name: str):
        return lambda *_: None


def test_a_models_numbers_are_those_of_what_is_served(measured, monkeypatch, tmp_path) -> None:
    """With a baseline, the job is for the baseline, and the student is served."""
    record = measured(further=("baseline",))
    monkeypatch.setattr("fairkd.run_page.write_run", lambda *_: None)
    Description({"_target_": "own.Net"}, (2,), ("no", "yes"), 0.5, ()).save(tmp_path)
    split = Batch(torch.zeros(3, 2), *map(torch.zeros, (3, 3, 3, 3)))
    dataset = SimpleNamespace(raw={}, splits={"train": split})
    told: list[str] = []
    page = Page(lambda _: {}, lambda _, run_id, figures, serves: told.append(serves) or "")
    run = Logged()
    page.write(run, SimpleNamespace(output=tmp_path, dataset=dataset), record)
    assert (run.served, told) == ("student", ["student"])
    student, other = (record.trio.evaluations[name].metrics for name in ("student", "baseline"))
    gap = "demographic_parity_difference/sex"
    assert student["accuracy"] != other["accuracy"]
    assert run.numbers == {
        "test/accuracy": student["accuracy"],
        "test/disparity": student[gap],
        "test/disparity_change": student[gap] - record.trio.evaluations["control"].metrics[gap],
        "test/holds": float(student[gap] <= 0.05),
    }


def job(**terms: list[str]) -> SimpleNamespace:
    sections = ("distillation", "constraint", "mitigation")
    config = {name: {"terms": {key: {} for key in terms.get(name, [])}} for name in sections}
    return SimpleNamespace(
        config=config, compression=dict.fromkeys(terms.get("compression", [])), baseline=None
    )


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (job(), "labels alone"),
        (job(distillation=["soft_targets"]), "soft_targets"),
        (
            job(
                distillation=["soft_targets", "hint"],
                constraint=["penalty"],
                mitigation=["reweighing"],
                compression=["pruned"],
            ),
            "soft_targets + hint + penalty + reweighing + pruned",
        ),
    ],
)
def test_a_method_is_all_that_makes_the_student(given, expected: str) -> None:
    assert method(given) == expected


def test_a_baseline_is_part_of_the_method() -> None:
    given = job(distillation=["soft_targets"])
    given.baseline = SimpleNamespace(rows=("unadjusted", "threshold_optimizer"))
    assert method(given) == "soft_targets + threshold_optimizer"
