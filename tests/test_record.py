import json
import math
from pathlib import Path

import torch
from safetensors.torch import load_file

from fairkd.data.arrests import load_arrests
from fairkd.evaluation.evaluation import Evaluation
from fairkd.evaluation.trio import MODELS, Trio
from fairkd.record import Headline, JobRecord, weights_file, write_student
from fairkd.serving.description import Description


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


def test_what_a_killed_process_left_in_a_jobs_folder_goes_when_the_job_is_done_again(
    tmp_path: Path,
):
    (tmp_path / ".partial-abc").mkdir()
    (tmp_path / ".partial-abc" / weights_file("student")).write_bytes(b"half")
    weights = {"student": {"weight": torch.arange(3.0)}, "pruned": {"weight": torch.zeros(2)}}
    dataset = load_arrests(seed=0)
    described = Description.of({"_target_": "own.Net"}, dataset, 0.5, weights)
    write_student(tmp_path, weights, dataset, described)
    assert not list(tmp_path.glob(".partial-*"))
    assert load_file(tmp_path / "student.safetensors")["weight"].tolist() == [0.0, 1.0, 2.0]
    assert load_file(tmp_path / "pruned.safetensors")["weight"].tolist() == [0.0, 0.0]
