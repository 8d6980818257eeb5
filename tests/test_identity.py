import copy
import importlib
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from fairkd.identity import REVISIONS, Surroundings, job_keys

AROUND = Surroundings("f00d", "cpu", "cpu")
TRAINER = {
    "_target_": "fairkd.training.fit.TrainerSettings",
    "max_epochs": 20,
    "batch_size": 256,
    "optimizer": {"_target_": "torch.optim.Adam", "_partial_": True, "lr": 1e-3},
    "monitor": "val/loss",
    "accelerator": "cpu",
    "threads": 1,
    "progress": "auto",
}
CONFIG: dict[str, Any] = {
    "data": {
        "_target_": "fairkd.data.adult.load_adult",
        "groups": ["sex", "race"],
        "seed": 0,
        "path": None,
        "cache": None,
    },
    "teacher": {
        "model": {"_target_": "fairkd.models.mlp.MLP", "hidden": [256, 256]},
        "seed": 0,
        "trainer": TRAINER,
    },
    "student": {"_target_": "fairkd.models.mlp.MLP", "hidden": [64]},
    "distillation": {
        "alpha": 0.9,
        "temperature": 4.0,
        "terms": {
            "soft_targets": {
                "_target_": "fairkd.distillation.response.SoftTargets",
                "temperature": 4.0,
            }
        },
    },
    "constraint": {
        "weight": 0.5,
        "terms": {"penalty": {"by": None, "statistic": "selection_rate", "weight": 0.5}},
    },
    "mitigation": {"by": None, "weight": None, "terms": {}},
    "trainer": TRAINER,
    "compression": {
        "sparsity": 0.8,
        "steps": {
            "pruned": {"_target_": "fairkd.training.compress.Prune", "sparsity": 0.8},
            "quantised": {"_target_": "fairkd.training.compress.Quantise", "method": "dynamic"},
        },
    },
    "baseline": {"by": None, "statistic": None, "threshold": None},
    "callbacks": {},
    "stack": {"kernels": "exact"},
    "sweep": {"id": None, "parent": None, "allow_refused": False},
    "evaluation": {"draws": 1000, "seed": 0},
    "seed": 0,
    "replicate": 0,
    "force": "none",
    "dry_run": False,
    "tracking": {"_target_": "fairkd.tracking.NoTracking"},
    "paths": {"store": "store", "data": None},
}
REWEIGHED = {"reweighing": {"_target_": "fairkd.fairness.reweighing.Reweighing", "by": None}}
SHIFT = {"shift": {"_target_": "fairkd.data.augmentation.Shift", "pixels": 1}}
SMALLER = {"pruned", "quantised"}
ALL = {"teacher", "control", "student", "job", "without_seeds"} | SMALLER
TRAINED = {"teacher", "control", "student", "job"} | SMALLER


def _with(changes: dict[str, Any]) -> dict[str, Any]:
    config = copy.deepcopy(CONFIG)
    for key, value in changes.items():
        *path, last = key.split(".")
        section = config
        for name in path:
            section = section[name]
        section[last] = value
    return config


def _changed(config: dict[str, Any], around: Surroundings = AROUND) -> set[str]:
    before, after = _keys(CONFIG, AROUND), _keys(config, around)
    return {name for name in before if before[name] != after[name]}


def _keys(config: dict[str, Any], around: Surroundings) -> dict[str, str]:
    keys = asdict(job_keys(config, around))
    smaller = keys.pop("compressed")
    assert keys.pop("above") == ()
    assert keys.pop("baseline") is None
    return {**keys, **smaller}


def test_the_keys_of_one_job_all_differ():
    keys = _keys(CONFIG, AROUND)
    assert set(keys) == ALL
    assert len(set(keys.values())) == len(ALL)


def test_equal_numbers_are_equal_and_the_order_of_keys_says_nothing():
    assert _changed(_with({"distillation.temperature": 4, "seed": 0.0})) == set()
    turned = {
        name: dict(reversed(value.items())) if isinstance(value, dict) else value
        for name, value in reversed(CONFIG.items())
    }
    assert _changed(turned) == set()
    assert _changed(_with({"data.groups": ["race", "sex"]})) == TRAINED | {"without_seeds"}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"distillation.temperature": 2.0}, {"student", "job", "without_seeds"} | SMALLER),
        (
            {"distillation.terms.soft_targets.temperature": 2.0},
            {"student", "job", "without_seeds"} | SMALLER,
        ),
        ({"constraint.terms.penalty.weight": 0.1}, {"student", "job", "without_seeds"} | SMALLER),
        ({"constraint.terms.penalty.by": "race"}, {"student", "job", "without_seeds"} | SMALLER),
        ({"mitigation.terms": REWEIGHED}, {"student", "job", "without_seeds"} | SMALLER),
        ({"teacher.seed": 1}, {"teacher", "student", "job"} | SMALLER),
        ({"seed": 1}, {"control", "student", "job"} | SMALLER),
        ({"data.seed": 1}, TRAINED),
        ({"data.seed": 1, "teacher.seed": 1, "seed": 1, "replicate": 1}, TRAINED),
        ({"data.imperfect": {"known_groups": 1.0, "proxy": None}}, set()),
        # Teacher and control learn from labels alone, whatever is known of groups.
        (
            {"data.imperfect": {"known_groups": 0.5}},
            {"student", "job", "without_seeds"} | SMALLER,
        ),
        ({"data.imperfect": {"missing_features": 0.5}}, TRAINED | {"without_seeds"}),
        ({"data.split": {"by": "stratified", "column": None, "parts": {"test": "test"}}}, set()),
        ({"data.split": {"by": "random"}}, TRAINED | {"without_seeds"}),
        ({"data.imperfect": {"label_smoothing": 0.1}}, TRAINED | {"without_seeds"}),
        ({"evaluation.draws": 10}, {"job", "without_seeds"}),
        ({"evaluation.seed": 1}, {"job", "without_seeds"}),
        (
            {"teacher.trainer": {**TRAINER, "max_epochs": 5}},
            {"teacher", "student", "job", "without_seeds"} | SMALLER,
        ),
        (
            {"teacher.model.hidden": [32]},
            {"teacher", "student", "job", "without_seeds"} | SMALLER,
        ),
        (
            {"trainer": {**TRAINER, "max_epochs": 5}},
            {"control", "student", "job", "without_seeds"} | SMALLER,
        ),
        (
            {"trainer": {**TRAINER, "threads": 2}},
            {"control", "student", "job", "without_seeds"} | SMALLER,
        ),
        ({"student.hidden": [8]}, {"control", "student", "job", "without_seeds"} | SMALLER),
        (
            {"callbacks": {"mine": {"_target_": "pytorch_lightning.callbacks.Timer"}}},
            {"control", "student", "job", "without_seeds"} | SMALLER,
        ),
        ({"data.groups": ["sex"]}, TRAINED | {"without_seeds"}),
        (
            {"compression.steps.pruned": {"_target_": "fairkd.training.compress.Prune"}},
            {"job", "without_seeds"} | SMALLER,
        ),
        (
            {"compression.steps.quantised": {"_target_": "fairkd.training.compress.Quantise"}},
            {"quantised", "job", "without_seeds"},
        ),
        (
            {"trainer": {**TRAINER, "augmentation": SHIFT}},
            {"control", "student", "job", "without_seeds"} | SMALLER,
        ),
        (
            {"teacher.trainer": {**TRAINER, "augmentation": SHIFT}},
            {"teacher", "student", "job", "without_seeds"} | SMALLER,
        ),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, dict) else None,
)
def test_a_knob_changes_exactly_what_depends_on_it(changes, expected):
    assert _changed(_with(changes)) == expected


@pytest.mark.parametrize(
    "changes",
    [
        {"trainer": {**TRAINER, "progress": "off"}},
        {"teacher.trainer": {**TRAINER, "progress": "on"}},
        {"trainer": {**TRAINER, "accelerator": "auto"}},
        {"data.cache": "elsewhere"},
        {"data.path": "a folder of one's own"},
        {"tracking": {"_target_": "fairkd.tracking.mlflow_tracking.MlflowTracking"}},
        {"paths.store": "elsewhere"},
        {"force": "all"},
        {"dry_run": True},
        {"augmentation": SHIFT},  # what no trainer refers to
        {
            "trainer": {**TRAINER, "augmentation": {}},
            "teacher.trainer": {**TRAINER, "augmentation": {}},
        },
        {"replicate": 7},
        {"constraint.terms.penalty.by": "sex"},  # the first block, which is what no block means
        {"constraint.weight": 0.1},  # what no term refers to
        {"mitigation.by": "race"},
    ],
    ids=lambda value: "+".join(value),
)
def test_what_does_not_change_results_changes_no_key(changes):
    assert _changed(_with(changes)) == set()


def test_a_mitigation_of_no_block_is_one_of_the_first():
    named = {"reweighing": {**REWEIGHED["reweighing"], "by": "sex"}}
    other = {"reweighing": {**REWEIGHED["reweighing"], "by": "race"}}
    keys = [
        _keys(_with({"mitigation.terms": terms}), AROUND) for terms in (REWEIGHED, named, other)
    ]
    assert keys[0] == keys[1]
    assert keys[0]["student"] != keys[2]["student"]


@pytest.mark.parametrize(
    "around",
    [Surroundings("beef", "cpu", "cpu"), Surroundings("f00d", "NVIDIA H200", "NVIDIA H200")],
)
def test_other_data_or_another_device_is_another_job(around):
    # How models are measured depends on neither; what was measured is named with the model's key.
    assert _changed(CONFIG, around) == ALL


@pytest.fixture
def own_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    package = tmp_path / "my_models_of_today"
    package.mkdir()
    (package / "__init__.py").write_text("")
    file = package / "nets.py"
    file.write_text("class Net:\n    width = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    yield file
    for name in [name for name in sys.modules if name.startswith("my_models_of_today")]:
        del sys.modules[name]


@pytest.mark.parametrize("imported", [False, True])
def test_a_change_in_the_users_own_module_is_another_model(own_module, imported):
    if imported:
        importlib.import_module("my_models_of_today.nets")
    config = _with({"student._target_": "my_models_of_today.nets.Net"})
    before = _keys(config, AROUND)
    assert before == _keys(config, AROUND)
    own_module.write_text("class Net:\n    width = 2\n")
    after = _keys(config, AROUND)
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"control", "student", "job", "without_seeds"} | SMALLER


def test_a_target_inside_a_class_and_in_a_list_is_found(own_module):
    config = _with({"callbacks": {"all": [{"_target_": "my_models_of_today.nets.Net.build"}]}})
    before = job_keys(config, AROUND)
    own_module.write_text("class Net:\n    width = 3\n")
    assert job_keys(config, AROUND).student != before.student


@pytest.mark.parametrize(
    "target", ["math.sqrt", "os.path.join", "json.loads", "torch.nn.Linear", "no_such_module.Net"]
)
def test_targets_that_are_not_the_users_own_have_no_source(target):
    config = _with({"student._target_": target})
    assert job_keys(config, AROUND) == job_keys(config, AROUND)
    assert job_keys(config, AROUND).student != job_keys(CONFIG, AROUND).student


def test_a_student_without_a_teacher_is_the_same_beside_every_teacher():
    alone = {"distillation": {"init": "fresh", "terms": {}}}
    before = asdict(job_keys(_with(alone), AROUND))
    after = asdict(job_keys(_with({**alone, "teacher.seed": 7}), AROUND))
    assert {name for name in before if before[name] != after[name]} == {"teacher", "job"}


@pytest.mark.parametrize(
    ("producer", "downstream"),
    [
        ("teacher", {"teacher", "student", "job"} | SMALLER),
        ("control", {"control", "job"}),
        ("student", {"student", "job"} | SMALLER),
        ("compressed", {"job"} | SMALLER),
        ("outputs", {"student", "job"} | SMALLER),
        ("evaluation", {"job"}),
        ("job", {"job"}),
    ],
)
def test_a_raised_revision_reaches_everything_downstream(monkeypatch, producer, downstream):
    before = _keys(CONFIG, AROUND)
    monkeypatch.setitem(REVISIONS, producer, REVISIONS[producer] + 1)
    after = _keys(CONFIG, AROUND)
    assert {n for n in before if before[n] != after[n]} == downstream | {"without_seeds"}


def test_the_teachers_device_is_its_own():
    around = Surroundings("f00d", "cpu", "NVIDIA H200")
    assert _changed(CONFIG, around) == {"teacher", "student", "job", "without_seeds"} | SMALLER


def test_a_class_that_its_package_only_passes_on_is_still_followed(own_module):
    (own_module.parent / "__init__.py").write_text("from my_models_of_today.nets import Net\n")
    config = _with({"student._target_": "my_models_of_today.Net"})
    before = job_keys(config, AROUND)
    own_module.write_text("class Net:\n    width = 4\n")
    assert job_keys(config, AROUND).student != before.student


def test_a_trainer_that_a_teacher_does_not_have_is_no_part_of_it():
    config = copy.deepcopy(CONFIG)
    config["teacher"]["model"] = {"_target_": "fairkd.models.classifier.Classifier"}
    other = copy.deepcopy(config)
    other["teacher"]["trainer"]["max_epochs"] = 5
    assert job_keys(config, AROUND).teacher == job_keys(other, AROUND).teacher
    other["teacher"]["seed"] = 1
    assert job_keys(config, AROUND).teacher != job_keys(other, AROUND).teacher


OFF = {"by": None, "rows": "train", "members": None, "C": 1.0}


def test_a_last_layer_that_is_not_retrained_changes_no_key():
    assert _changed(_with({"teacher.balance": OFF})) == set()


@pytest.mark.parametrize(
    "knob", [{"rows": "validation"}, {"members": ["a"]}, {"C": 0.5}, {"by": "race"}]
)
def test_a_retrained_last_layer_makes_another_teacher(knob):
    on = _with({"teacher.balance": {**OFF, "by": "sex"}})
    assert _changed(on) == {"teacher", "student", "job", "without_seeds"} | SMALLER
    other = _with({"teacher.balance": {**OFF, "by": "sex", **knob}})
    keys, others = _keys(on, AROUND), _keys(other, AROUND)
    changed = {name for name in keys if keys[name] != others[name]}
    assert changed == {"teacher", "student", "job", "without_seeds"} | SMALLER


def _chain(**above: Any) -> dict[str, Any]:
    teacher = {**CONFIG["teacher"], "weights": None}
    lesson = {"label_weight": 0.1, "terms": {"soft_targets": {"temperature": 4.0}}}
    return _with({"teacher": {**teacher, "distillation": lesson, "teacher": {**teacher, **above}}})


def test_a_chain_has_a_key_for_each_teacher_and_all_depend_on_those_above():
    here = Surroundings("f00d", "cpu", "cpu", devices_above=("cpu",))
    before = job_keys(_chain(), here)
    plain = job_keys(CONFIG, AROUND)
    assert before.above == (plain.teacher,)
    assert before.teacher != plain.teacher
    for other, around in (
        (_chain(seed=7), here),
        (_chain(), Surroundings("f00d", "cpu", "cpu", devices_above=("NVIDIA H200",))),
    ):
        after = job_keys(other, around)
        assert after.above != before.above
        assert after.teacher != before.teacher
        assert after.student != before.student


def test_given_weights_end_a_chain_and_count_by_their_content(tmp_path):
    for name, content in (("a", b"1"), ("b", b"1"), ("c", b"2")):
        (tmp_path / name).write_bytes(content)

    def keys(name: str, **changed: Any) -> Any:
        config = _chain()
        config["teacher"] |= {"weights": str(tmp_path / name), **changed}
        return job_keys(config, AROUND)

    assert keys("a").above == ()
    assert keys("a").teacher == keys("b").teacher == keys("a", seed=9).teacher
    assert keys("a").teacher != keys("c").teacher


GIVEN = {"_target_": "fairkd.models.given.onnx_file.OnnxFile", "output": None, "holds": None}


def _answering(path: Any, **changed: Any) -> dict[str, Any]:
    config = _chain()
    teacher = {name: v for name, v in config["teacher"].items() if name != "teacher"}
    source = {**GIVEN, "path": str(path), **changed.pop("given", {})}
    config["teacher"] = {**teacher, "path": str(path), "given": source, **changed}
    return config


def test_a_teacher_that_only_answers_counts_by_the_content_of_its_file(tmp_path):
    for name, content in (("a", b"1"), ("b", b"1"), ("c", b"2")):
        (tmp_path / f"{name}.onnx").write_bytes(content)

    def keys(name: str, **changed: Any) -> Any:
        return job_keys(_answering(tmp_path / f"{name}.onnx", **changed), AROUND)

    assert keys("a") == keys("b")
    assert keys("a").teacher == keys("b", seed=9).teacher
    assert keys("a").teacher != keys("c").teacher
    assert keys("a").student != keys("c").student
    assert keys("a").control == keys("c").control
    assert keys("a").teacher != keys("a", given={"holds": "logits"}).teacher
    before = keys("a").teacher
    (tmp_path / "a.onnx").touch()
    assert keys("a").teacher == before
    (tmp_path / "a.onnx.data").write_bytes(b"weights beside the graph")
    assert keys("a").teacher != before


def test_whether_a_pickle_is_allowed_is_no_part_of_what_it_says(tmp_path):
    (tmp_path / "clf.pkl").write_bytes(b"1")
    one, other = (
        job_keys(_answering(tmp_path / "clf.pkl", given={"allow_pickle": allowed}), AROUND)
        for allowed in (False, True)
    )
    assert one.teacher == other.teacher


def test_the_order_of_steps_makes_another_configuration():
    steps = CONFIG["compression"]["steps"]
    turned = _with({"compression.steps": dict(reversed(steps.items()))})
    assert _changed(turned) == {"job", "without_seeds"} | SMALLER


def test_what_compresses_models_is_part_of_their_keys(monkeypatch):
    before = _keys(CONFIG, AROUND)
    monkeypatch.setattr("fairkd.identity.keys.versions", lambda *names: {"onnxruntime": "0"})
    after = _keys(CONFIG, AROUND)
    assert {name for name in before if before[name] != after[name]} == {"job"} | SMALLER


OPTIMISER = {
    "_target_": "fairkd.baselines.threshold_optimizer.ThresholdOptimizer",
    "by": None,
    "statistic": "selection_rate",
    "threshold": 0.05,
    "seed": 0,
}
GRADIENT = {
    **OPTIMISER,
    "_target_": "fairkd.baselines.exponentiated_gradient.ExponentiatedGradient",
}
BASELINES = {"optimiser": OPTIMISER, "gradient": GRADIENT}


@pytest.mark.parametrize("baseline", BASELINES.values(), ids=BASELINES)
def test_no_model_depends_on_a_baseline(baseline: dict[str, Any]):
    plain, beside = (asdict(job_keys(_with({"baseline": b}), AROUND)) for b in (
        CONFIG["baseline"], baseline,
    ))  # fmt: skip
    differing = {name for name in plain if plain[name] != beside[name]}
    assert differing == {"baseline", "job", "without_seeds"}
    bounded = asdict(job_keys(_with({"baseline": {**baseline, "threshold": 0.1}}), AROUND))
    differing = {name for name in bounded if bounded[name] != beside[name]}
    assert differing == {"baseline", "job", "without_seeds"}


@pytest.mark.parametrize(
    ("changes", "optimiser", "gradient"),
    [
        ({"distillation.temperature": 2.0}, True, False),
        ({"teacher.seed": 1}, True, False),
        ({"compression.steps": {}}, True, False),
        ({"evaluation.threshold": 0.3}, True, False),
        ({"evaluation.draws": 10}, False, False),
        ({"data.seed": 1}, True, True),
        ({"data.path": "/elsewhere"}, False, False),
        ({"baseline.by": "sex"}, False, False),  # the data's first block, by its name
        ({"baseline.by": "race"}, True, True),
        ({"baseline.seed": 1}, True, True),
    ],
    ids=str,
)
def test_what_a_baselines_decisions_depend_on(
    changes: dict[str, Any], optimiser: bool, gradient: bool
):
    for baseline, expected in ((OPTIMISER, optimiser), (GRADIENT, gradient)):
        config = _with({"baseline": dict(baseline)} | {"evaluation.threshold": 0.5} | changes)
        before = job_keys(
            _with({"baseline": dict(baseline)} | {"evaluation.threshold": 0.5}), AROUND
        ).baseline
        assert (job_keys(config, AROUND).baseline != before) is expected


def test_fairlearns_version_is_part_of_a_baselines_key(monkeypatch):
    config = _with({"baseline": OPTIMISER})
    before = job_keys(config, AROUND)
    monkeypatch.setattr("fairkd.identity.keys.versions", lambda *names: dict.fromkeys(names, "9.9"))
    after = job_keys(config, AROUND)
    assert before.baseline != after.baseline
    assert before.student == after.student


def test_a_baselines_seed_that_follows_the_students_is_a_seed():
    def shared(seed: int, own: int) -> str:
        changes = {"baseline": {**OPTIMISER, "seed": own}, "seed": seed}
        return job_keys(_with(changes), AROUND).without_seeds

    assert shared(0, 0) == shared(1, 1)
    assert len({shared(0, 0), shared(0, 1), shared(0, 2)}) == 3


def test_a_teacher_balanced_by_groups_depends_on_what_is_known_of_them() -> None:
    balanced = {"teacher.balance": {"by": "sex", "rows": "train"}}
    known = {"data.imperfect": {"known_groups": 0.5}}
    before, after = (job_keys(_with(changes), AROUND) for changes in (balanced, balanced | known))
    assert before.teacher != after.teacher
    assert before.control == after.control
