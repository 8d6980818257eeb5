import pytest

from fairkd.evaluation.compression import Cost
from fairkd.evaluation.evaluation import Evaluation
from fairkd.evaluation.trio import Trio
from fairkd.record import Headline, JobRecord, parameters
from fairkd.sweeps.outcome import outcome_of, varied_keys
from fairkd.tracking.slug import metric_name


def configuration(**overrides):
    """A job's flat parameters as the shared knobs and their copies in the terms make them."""
    temperature, alpha, weight = (
        overrides.pop(name, value)
        for name, value in {"temperature": 4.0, "alpha": 0.9, "weight": 0.5}.items()
    )
    flat = parameters(
        {
            "seed": 0,
            "replicate": 0,
            "data": {"seed": 0, "groups": ["sex"]},
            "teacher": {"seed": 0, "trainer": {"precision": "32-true", "max_epochs": 20}},
            "student": {"_target_": "fairkd.models.mlp.MLP", "hidden": [64]},
            "distillation": {
                "alpha": alpha,
                "temperature": temperature,
                "terms": {
                    "soft_targets": {
                        "_target_": "fairkd.distillation.response.SoftTargets",
                        "weight": alpha,
                        "temperature": temperature,
                    }
                },
            },
            "constraint": {"weight": weight, "terms": {"penalty": {"weight": weight}}},
            "trainer": {"precision": "32-true", "max_epochs": 20},
            "paths": {"store": "store"},
        }
    )
    return {**flat, **overrides}


def test_a_knob_and_its_copies_are_listed_once_in_the_configurations_order():
    configs = [
        configuration(weight=w, temperature=t, alpha=a, seed=s, replicate=s)
        for w in (0, 0.5)
        for t in (1, 2)
        for a in (0.5, 0.9)
        for s in (0, 1)
    ]
    expected = ["distillation.alpha", "distillation.temperature", "constraint.weight"]
    assert varied_keys(configs) == expected


def test_a_terms_own_value_is_no_copy():
    own = "distillation.terms.soft_targets.temperature"
    configs = [configuration(temperature=t, **{own: o}) for t in (1, 2) for o in (1, 2)]
    assert varied_keys(configs) == ["distillation.temperature", own]


def test_a_copy_under_another_section_is_listed_once():
    key, copy = "trainer.precision", "teacher.trainer.precision"
    both = [configuration(**{key: p, copy: p}) for p in ("32-true", "64-true")]
    assert varied_keys(both) == [key]
    own = [configuration(**{copy: p}) for p in ("32-true", "64-true")]
    assert varied_keys(own) == [copy]
    grid = [configuration(**{key: p, copy: q}) for p in (16, 32) for q in (16, 32)]
    assert varied_keys(grid) == [copy, key]


def test_an_augmentation_is_listed_once_though_both_trainers_follow_it():
    def augmented(chosen, teachers=None):
        flat = {
            "augmentation": chosen,
            "trainer": {"augmentation": chosen},
            "teacher": {"trainer": {"augmentation": chosen if teachers is None else teachers}},
        }
        return {**configuration(), **parameters(flat)}

    def shift(pixels):
        return {"shift": {"_target_": "fairkd.data.augmentation.Shift", "pixels": pixels}}

    assert varied_keys([augmented({}), augmented(shift(1))]) == ["augmentation.shift._target_"]
    assert varied_keys([augmented(shift(1)), augmented(shift(2))]) == ["augmentation.shift.pixels"]
    assert varied_keys([augmented({}), augmented({}, shift(1))]) == [
        "teacher.trainer.augmentation.shift._target_"
    ]


def test_seeds_are_not_varied_but_the_bootstraps_is():
    seeds = ("seed", "replicate", "data.seed", "teacher.seed", "evaluation.seed")
    assert varied_keys([configuration(**dict.fromkeys(seeds, s)) for s in (0, 1)]) == [
        "evaluation.seed"
    ]


@pytest.mark.parametrize(
    ("one", "other", "differ"),
    [
        (1, 1.0, False),
        (True, 1, True),
        (0, None, True),
        ({}, None, False),
        (float("nan"), float("nan"), False),
        ("1", 1, True),
        ([1, 2], [1.0, 2], False),
    ],
)
def test_what_counts_as_different(one, other, differ):
    assert (varied_keys([{"a.b": one}, {"a.b": other}]) == ["a.b"]) is differ
    assert varied_keys([{"a.b": None}, {}]) == []


def test_what_a_choice_brings_along_is_left_out():
    linear = configuration(**{"student._target_": "fairkd.models.linear.Linear"})
    del linear["student.hidden"]
    wide = configuration(**{"student.hidden": "[128]"})
    assert varied_keys([configuration(), linear]) == ["student._target_"]
    assert varied_keys([configuration(), linear, wide]) == ["student._target_", "student.hidden"]


def test_a_choice_brings_along_the_choices_below_it():
    kind, learner = "baseline._target_", "baseline.estimator._target_"
    jobs = [{kind: None}, {kind: "a.Optimiser"}, {kind: "a.Search", learner: "b.Regression"}]
    assert varied_keys(jobs) == [kind]
    assert varied_keys([*jobs, {kind: "a.Search", learner: "b.Trees"}]) == [kind, learner]


def test_a_baselines_seed_that_follows_the_students_is_a_seed():
    jobs = [{"seed": s, "baseline.seed": s} for s in (0, 1)]
    assert varied_keys(jobs) == []
    assert varied_keys([*jobs, {"seed": 0}]) == []
    assert varied_keys([{"seed": 0, "baseline.seed": s} for s in (0, 1)]) == ["baseline.seed"]


def test_a_term_that_some_jobs_lack():
    prefix = "distillation.terms.soft_targets"
    none = {k: v for k, v in configuration().items() if not k.startswith(prefix)}
    none |= {"distillation.terms": {}, "distillation.alpha": None, "distillation.temperature": None}
    both = [configuration(temperature=t) for t in (1, 2)]
    assert varied_keys([*both, none]) == ["distillation.temperature", f"{prefix}._target_"]


def test_a_knob_of_a_step_that_follows_the_shared_one_is_no_second_column():
    configs = [
        {"compression.sparsity": share, "compression.steps.pruned.sparsity": share}
        for share in (0.5, 0.9)
    ]
    assert varied_keys(configs) == ["compression.sparsity"]


def test_a_chain_that_only_some_teachers_have_follows_from_the_teacher():
    plain = {"teacher.model.hidden": "[8]", "teacher.seed": 0}
    chain = {**plain, "teacher.teacher.seed": 0, "teacher.teacher.model.hidden": "[9]"}
    chain |= {"teacher.model.hidden": "[7]", "teacher.distillation.label_weight": 0.1}
    assert varied_keys([plain, chain]) == ["teacher.model.hidden"]
    other = {**chain, "teacher.teacher.model.hidden": "[3]", "teacher.teacher.seed": 5}
    assert varied_keys([chain, other]) == ["teacher.teacher.model.hidden"]


def test_one_job_varies_nothing():
    assert varied_keys([configuration()]) == []
    assert varied_keys([]) == []


@pytest.mark.parametrize("block", ["sex", "sex+race"])
def test_an_outcome_finds_every_models_numbers_in_a_record(block):
    headline = Headline("equal_opportunity_difference", block)
    models = ("teacher", "control", "student")
    numbers = {model: (0.7 + place / 100, place / 10) for place, model in enumerate(models)}
    measured = {m: {"accuracy": a, headline.name: g} for m, (a, g) in numbers.items()}
    costs = dict.fromkeys(models, Cost(1, 1, 1, 1, 1.0, 1.0, ()))
    trio = Trio(
        evaluations={m: Evaluation(v, {}, {}) for m, v in measured.items()},
        validation={m: {n: v + 1 for n, v in values.items()} for m, values in measured.items()},
        transfers={block: Evaluation({}, {}, {})},
        further={},
        matched={},
        costs=costs,
    )
    record = JobRecord(trio, {}, {}, {}, headline)
    found = outcome_of(3, "name", "key", {"a": 1}, {"seed": 2}, record, "run", reused=True)
    assert (found.number, found.run_id, found.reused, found.headline) == (3, "run", True, headline)
    for model, (accuracy, gap) in numbers.items():
        assert found.value(model, "test", "accuracy") == accuracy
        assert found.value(model, "test", "disparity") == gap
        assert found.value(model, "validation", "accuracy") == accuracy + 1
        assert found.value(model, "validation", "disparity") == gap + 1
    assert metric_name("test", "control", *headline.name.split("/")) in found.metrics
