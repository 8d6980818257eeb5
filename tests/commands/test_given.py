"""Values of a teacher that only answers, checked before anything heavy is loaded."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from fairkd.commands.checking.given import check_given
from fairkd.errors import ConfigError

_PLACE = "fairkd.models.given."
KINDS: Mapping[str, Mapping[str, Any]] = {
    "recorded_outputs.RecordedOutputs": {"key": None, "columns": None, "holds": "probabilities"},
    "onnx_file.OnnxFile": {"output": None, "holds": None},
    "estimator_file.EstimatorFile": {"allow_pickle": False},
}


def _check(kind: str, **values: Any) -> None:
    (name,) = (name for name in KINDS if name.startswith(kind))
    teacher = {"weights": None, "path": None, "given": {"_target_": _PLACE + name}, **KINDS[name]}
    check_given("teacher", {**teacher, **values})


@pytest.fixture(autouse=True)
def _files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("probs.csv", "net.onnx", "clf.skops", "clf.PKL"):
        Path(name).touch()


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("recorded", {"path": "probs.csv"}),
        ("recorded", {"path": "probs.csv", "key": "id", "columns": ["a", "b"], "holds": "logits"}),
        ("recorded", {"columns": ["p"]}),
        ("onnx", {"path": "net.onnx", "holds": "logits"}),
        ("estimator", {"path": "clf.skops"}),
        ("estimator", {"path": "clf.PKL", "allow_pickle": True}),
    ],
)
def test_what_can_work_passes(kind, values):
    _check(kind, **values)


@pytest.mark.parametrize(
    ("kind", "values", "sentence"),
    [
        (
            "recorded",
            {"path": "probs.csv", "weights": "w.pt"},
            "teacher.weights=w.pt gives weights to a teacher that only answers; leave it null, or "
            "choose the teacher that they belong to.",
        ),
        (
            "recorded",
            {},
            "teacher=outputs needs outputs; give teacher.path=FILE, or teacher.columns=[...] for "
            "columns of the data.",
        ),
        (
            "recorded",
            {"path": "none.csv"},
            "teacher.path=none.csv is no file; give one that is here.",
        ),
        (
            "recorded",
            {"path": "probs.csv", "holds": "scores"},
            "teacher.holds=scores is not known; accepted: probabilities, logits.",
        ),
        (
            "recorded",
            {"columns": "p"},
            "teacher.columns=p is no list of columns; accepted: one for each class, in their "
            "order, as in teacher.columns=[p_no,p_yes], or the positive class's alone.",
        ),
        (
            "recorded",
            {"columns": ["p"], "key": "id"},
            "teacher.key=id has no effect without teacher.path: the columns are the data's own; "
            "leave it null.",
        ),
        (
            "onnx",
            {"path": "clf.skops"},
            "teacher.path=clf.skops is no ONNX model; accepted: a file .onnx.",
        ),
        ("onnx", {}, "teacher.path is null; give the file of a model (.onnx)."),
        (
            "estimator",
            {},
            "teacher.path is null; give the file of a fitted classifier (.skops, .pkl).",
        ),
        (
            "estimator",
            {"path": "clf.skops", "allow_pickle": 1},
            "teacher.allow_pickle=1 is not known; accepted: true, false.",
        ),
        (
            "estimator",
            {"path": "clf.PKL"},
            "teacher.path=clf.PKL is a pickle, and reading one runs whatever code is in it, with "
            "your rights; set teacher.allow_pickle=true if you trust everybody who could have "
            "changed it, or save the classifier with skops (skops.io.dump), which runs nothing.",
        ),
        (
            "estimator",
            {"path": "probs.csv"},
            "teacher.path=probs.csv is of no kind that holds a classifier; accepted: .skops, "
            ".pkl, .pickle, .joblib.",
        ),
    ],
)
def test_what_cannot_work_is_refused(kind, values, sentence):
    with pytest.raises(ConfigError) as refused:
        _check(kind, **values)
    assert str(refused.value) == sentence
