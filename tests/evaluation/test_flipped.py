import json

import numpy as np
import pandas as pd
import pytest

from fairkd.data.blocks import Blocks
from fairkd.evaluation.flipped import MOST_ROWS, Flipped
from fairkd.evaluation.predictions import Predictions
from fairkd.evaluation.settings import EvaluationSettings
from fairkd.evaluation.transfer import transfer
from fairkd.evaluation.truth import Truth

TRUTH = Truth(
    np.array([1, 1, 1, 0, 0]),
    {"sex": np.array([0, 1, 0, -1, 1])},
    Blocks.of({"sex": ["f", "m"]}),
    ("no", "yes"),
)


def _says(*positive, truth=TRUTH):
    p = np.array(positive)
    return Predictions(np.stack([1 - p, p], axis=1), truth)


TEST = {
    "teacher": _says(0.9, 0.6, 0.2, 0.7, 0.1),
    "control": _says(0.6, 0.9, 0.4, 0.3, 0.2),
    "student": _says(0.1, 0.4, 0.8, 0.2, 0.3),
}


def test_harmful_rows_come_first_and_the_largest_change_of_the_true_label_before_others():
    table = Flipped.of(TEST, "student", 0.5).table()
    listed = table[["kind", "reference", "row"]].apply(tuple, axis=1).tolist()
    assert listed == [
        ("harmful", "control", 0),  # 0.6 to 0.1
        ("harmful", "control", 1),  # 0.9 to 0.4, as much: the first row first
        ("harmful", "teacher", 0),
        ("harmful", "teacher", 1),
        ("beneficial", "control", 2),
        ("beneficial", "teacher", 2),  # 0.2 to 0.8
        ("beneficial", "teacher", 3),  # of label no: 0.3 to 0.8
    ]
    first = table.iloc[-1]
    assert first["label"] == "no"
    assert (first["teacher_decision"], first["student_decision"]) == ("yes", "no")
    assert (first["teacher_probability"], first["student_probability"]) == (0.3, 0.8)
    assert table["group:sex"].tolist() == ["f", "m", "f", "m", "f", "f", ""]


def test_raw_rows_stand_beside_under_names_of_their_own():
    raw = pd.DataFrame({"age": [30, 31, 32, 33, 34], "kind": list("abcde"), "raw:kind": range(5)})
    table = Flipped.of(TEST, "student", 0.5).table(raw)
    assert table["age"].tolist() == [30, 31, 30, 31, 32, 32, 33]
    assert table["raw:kind"].tolist() == list("ababccd")
    assert table["raw:raw:kind"].tolist() == [0, 1, 0, 1, 2, 2, 3]
    assert table["kind"].tolist()[0] == "harmful"


def test_a_final_model_with_decisions_of_its_own_is_compared_beside_the_student():
    decides = np.array([1, 1, 1, 1, 1])
    adjusted = Predictions(_says(0.1, 0.4, 0.8, 0.2, 0.3).probabilities, TRUTH, decides)
    found = Flipped.of({**TEST, "adjusted": adjusted}, "adjusted", 0.5)
    table = found.table()
    assert found.final == "adjusted"
    assert "student_decision" in table
    harmful = table[(table["kind"] == "harmful") & (table["reference"] == "control")]
    assert set(harmful["row"]) == {3, 4}
    assert set(harmful["adjusted_decision"]) == {"yes"}


def test_no_more_rows_than_a_person_reads_and_as_many_flips_as_are_counted(make):
    models = dict(zip(TEST, (make(n=3000, seed=seed) for seed in range(3)), strict=True))
    truth = models["student"].truth
    models = {name: Predictions(of.probabilities, truth) for name, of in models.items()}
    found = Flipped.of(models, "student", 0.5)
    assert {len(rows) for by in found.listed.values() for rows in by.values()} == {MOST_ROWS}
    few = np.arange(300)
    small = {name: of.rows(few) for name, of in models.items()}
    settings = EvaluationSettings(draws=10)
    counted = transfer(small["student"], small["teacher"], small["control"], "sex", settings)
    flips = counted.flips["sex"].counts
    table = Flipped.of(small, "student", 0.5).table()
    known = table[table["group:sex"] != ""]
    for kind in ("harmful", "beneficial"):
        for reference in ("teacher", "control"):
            of = known[(known["kind"] == kind) & (known["reference"] == reference)]
            assert len(of) == sum(flips[f"{kind}_flips_from_{reference}"]) < MOST_ROWS


@pytest.mark.parametrize("test", [TEST, dict.fromkeys(TEST, TEST["student"])])
def test_a_record_keeps_every_bit(test):
    found = Flipped.of(test, "student", 0.5)
    again = Flipped.from_json(json.loads(json.dumps(found.to_json(), allow_nan=False)))
    assert again == found
    assert len(again.table()) == (7 if test is TEST else 0)
