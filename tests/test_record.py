import json
import math
from dataclasses import replace
from pathlib import Path

import torch
from safetensors.torch import load_file

from fairkd.data.arrests import load_arrests
from fairkd.evaluation.compression import Cost
from fairkd.evaluation.evaluation import Evaluation
from fairkd.evaluation.trio import MODELS, Trio
from fairkd.record import (
    GROUP_METRICS_LIMIT,
    Headline,
    JobRecord,
    weights_file,
    write_figures,
    write_student,
)


def _record(rows):
    one = Evaluation({"accuracy": 1.0}, {}, {})
    trio = Trio(
        dict.fromkeys(MODELS, one), {}, {}, {}, {}, {name: {"accuracy": 1.0} for name in MODELS}
    )
    return JobRecord(trio, {"student": rows}, {"student": 1}, {"student": 0.1}, Headline("a", "b"))


def test_histories_keep_every_bit_and_every_gap():
    rows = [
        {"epoch": 0, "val/loss": 0.1 + 0.2, "val/gap": math.nan},
        {"epoch": 1, "val/loss": math.inf},
        {"epoch": 2, "val/loss": -0.0, "val/gap": 1 / 3, "late": -math.inf},
    ]
    text = json.dumps(_record(rows).to_json()["histories"], allow_nan=False)
    plain = {**_record(rows).to_json(), "histories": json.loads(text)}
    found = JobRecord.from_json(plain).histories["student"]
    assert repr(found) == repr(rows)  # tells -0.0 from 0.0 and 1 from 1.0, and NaN equals NaN


def test_a_record_without_epochs_is_a_record():
    assert JobRecord.from_json(_record([]).to_json()).histories == {"student": []}


def _with_membership(groups):
    names = [f"membership_auc/b.{number}" for number in range(groups)]
    values = dict.fromkeys(["membership_auc", *names], 0.5)
    counts = {f"members/b.{number}": 7.0 for number in range(groups)}
    told = Evaluation(values | counts, dict.fromkeys(values, (0.4, 0.6)), {})
    bare = _record([])
    trio = replace(bare.trio, costs=dict.fromkeys(MODELS, Cost(1, 1, 4, 1, 0.1, 0.2, ())))
    trio = replace(trio, validation={name: {"accuracy": 1.0, "a/b": 0.0} for name in MODELS})
    one = Evaluation({"accuracy": 1.0, "a/b": 0.0}, {}, {})
    trio = replace(trio, evaluations=dict.fromkeys(MODELS, one), transfers={"b": one})
    return replace(bare, trio=trio, membership={"teacher": told})


def test_what_losses_tell_is_among_a_models_metrics_without_its_counts():
    found = _with_membership(3).metrics()
    assert found["test/teacher/membership_auc"] == 0.5
    assert found["test/teacher/membership_auc/b.2"] == 0.5
    assert not [name for name in found if "members" in name.split("/")[2:3]]
    assert "test/student/membership_auc" not in found


def test_above_the_limit_of_values_by_group_the_tables_alone_hold_them():
    found = _with_membership(GROUP_METRICS_LIMIT + 1).metrics()
    assert found["test/teacher/membership_auc"] == 0.5
    assert "test/teacher/membership_auc/b.2" not in found
    assert "test/teacher/membership_auc/b.2" in _with_membership(GROUP_METRICS_LIMIT).metrics()


def test_what_losses_tell_is_kept_with_every_bit():
    record = _with_membership(3)
    plain = json.loads(json.dumps(record.to_json(), allow_nan=False))
    assert JobRecord.from_json(plain).metrics() == record.metrics()


def test_pictures_take_the_place_of_those_that_a_folder_had(tmp_path: Path):
    write_figures(tmp_path, {"a.png": b"old", "b.png": b"old"})
    write_figures(tmp_path, {"a.png": b"new"})
    assert {file.name: file.read_bytes() for file in tmp_path.glob("*/*")} == {"a.png": b"new"}
    write_figures(tmp_path, {})
    assert not list(tmp_path.iterdir())


def test_what_a_killed_process_left_in_a_jobs_folder_goes_when_the_job_is_done_again(
    tmp_path: Path,
):
    (tmp_path / ".partial-abc").mkdir()
    (tmp_path / ".partial-abc" / weights_file("student")).write_bytes(b"half")
    weights = {"student": {"weight": torch.arange(3.0)}, "pruned": {"weight": torch.zeros(2)}}
    write_student(tmp_path, weights, load_arrests(seed=0))
    assert not list(tmp_path.glob(".partial-*"))
    assert load_file(tmp_path / "student.safetensors")["weight"].tolist() == [0.0, 1.0, 2.0]
    assert load_file(tmp_path / "pruned.safetensors")["weight"].tolist() == [0.0, 0.0]
