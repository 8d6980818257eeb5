import json
import math
from dataclasses import replace

from fairkd.evaluation.compression import Cost
from fairkd.evaluation.evaluation import Evaluation
from fairkd.evaluation.held import Held
from fairkd.evaluation.trio import MODELS, Trio
from fairkd.record import (
    GROUP_METRICS_LIMIT,
    Headline,
    JobRecord,
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


def test_a_headline_that_is_recorded_with_a_bound_alone_is_read_from_there():
    def bound(metric: str, block: str, value: float) -> Held:
        values = {split: {"student": value} for split in ("validation", "test")}
        ends = {"student": (value - 0.1, value + 0.1)}
        return Held("selection_rate", metric, block, 0.05, values, ends)

    others = {"of a": bound("smallest_ratio", "a", 0.4), "gap": bound("largest_gap", "b", 0.2)}
    found = bound("smallest_ratio", "b", 0.7)
    bare = _with_membership(0)
    headline = Headline("smallest_ratio_of_selection_rate", "b")
    record = replace(bare, headline=headline, bounds=others | {"found": found})
    assert record.headline_bounds == [found]
    assert record.disparity("student", "test") == 0.7
    assert record.disparity_interval("student") == found.intervals["student"]
    assert replace(record, bounds=others).headline_bounds == []
