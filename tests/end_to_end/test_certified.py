"""A bound with a confidence, from configuration to a tracked run."""

import json

import pytest
import torch

WORDS = ("constraint=lagrangian", "constraint.confidence=0.9", "constraint.by=sex")


def test_a_certificate_is_in_record_run_and_on_the_terminal(fairkd, place) -> None:
    ended = fairkd(*WORDS, "constraint.threshold=0.3")
    assert ended.code == 0, ended.err
    run = place.run()
    found = run.lasting()
    assert found["certify/certified"] == 1
    assert found["certify/rows"] == 784  # a fifth of the rows that are not test rows
    assert found["certify/upper/lagrangian"] <= 0.3
    assert found["test/holds"] == float(found["test/disparity"] <= 0.3)
    assert run.tags["fairkd.certified"] == "yes"
    assert run.params["data.certify_fraction"] == "0.2"
    words = " ".join((ended.out + ended.err).split())
    assert "784 rows are kept to certify: a largest difference of selection rate by sex" in words
    assert "certified at confidence 0.9 on 784 rows that neither trained nor selected" in words
    assert "the bound of 0.3 holds there" in words
    again = fairkd(*WORDS, "constraint.threshold=0.3")  # from the store
    assert "certified at confidence 0.9 on 784 rows" in " ".join(again.out.split())


def test_what_cannot_be_certified_is_said_plainly(fairkd, place) -> None:
    ended = fairkd(*WORDS, "constraint.threshold=0.01")
    assert ended.code == 0, ended.err
    assert place.run().lasting()["certify/certified"] == 0
    assert place.run().tags["fairkd.certified"] == "no"
    words = " ".join((ended.out + ended.err).split())
    assert "so 0.01 will hardly be certified of any student" in words
    assert "NOT certified at confidence 0.9 on 784 rows" in words
    assert "these rows can hardly certify largest difference of selection rate by sex" in words


def test_the_control_and_the_teacher_train_on_what_is_left(fairkd, place) -> None:
    fairkd(*WORDS, "constraint.threshold=0.3")
    fairkd("constraint=lagrangian", "constraint.by=sex", "data.certify_fraction=0.2")
    certified, plain = place.runs()
    for model in ("teacher", "control"):
        assert (
            certified.lasting()[f"test/{model}/accuracy"]
            == plain.lasting()[f"test/{model}/accuracy"]
        )
    assert certified.tags["fairkd.teacher_key"] == plain.tags["fairkd.teacher_key"]
    assert "certify/rows" not in plain.lasting()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            ("constraint.confidence=0.95", "constraint=none"),
            "constraint.confidence=0.95 has nothing to certify without a bound; choose a "
            "constraint that has one (constraint=lagrangian) or leave the confidence null.",
        ),
        (
            ("constraint.confidence=1.5",),
            "constraint.confidence=1.5 is out of range; accepted: a number from 0.5 to 0.999.",
        ),
        (
            ("constraint.tighten=1",),
            "constraint.tighten=1 has no effect without constraint.confidence; give a confidence "
            "(0.95), or leave the key out.",
        ),
        (
            ("constraint.confidence=0.95", "constraint.statistic=f1"),
            "constraint.confidence=0.95 cannot certify constraint.terms.penalty with statistic=f1: "
            "counts bound selection_rate, true_positive_rate, false_positive_rate, equalized_odds, "
            "accuracy, positive_predictive_value, false_omission_rate alone; choose one of these "
            "or leave the confidence null.",
        ),
        (
            ("constraint.confidence=0.95", "data.certify_fraction=null"),
            "constraint.confidence=0.95 needs rows that neither train nor select, and data=arrests "
            "keeps none apart; set data.certify_fraction (0.2), or leave the confidence null.",
        ),
        (
            ("constraint.confidence=0.95", "compression=prune"),
            "constraint.confidence certifies the student, and compression puts another model into "
            "its place, of which nothing would be certified; leave one of the two out.",
        ),
        (
            ("data.certify_fraction=0.8",),
            "data.validation_fraction=0.25 and data.certify_fraction=0.8 leave too few rows to "
            "train on; accepted: at most 0.9 together.",
        ),
    ],
)
def test_refused(fairkd, place, words, sentence) -> None:
    ended = fairkd(*words)
    assert (ended.code, ended.err.splitlines()[-1]) == (1, sentence)
    assert place.runs() == []


@pytest.mark.slow
def test_a_sweep_certifies_what_single_jobs_do(fairkd, place) -> None:
    ended = fairkd("-m", *WORDS, "constraint.threshold=0.02,0.1,0.3")
    assert ended.code == 0, ended.err
    for run in place.runs():
        threshold = run.params["constraint.threshold"]
        fairkd(*WORDS, f"constraint.threshold={threshold}", "paths.store=other")
        alone = place.runs()[-1]
        weights = alone.weights()
        assert all(torch.equal(weights[name], value) for name, value in run.weights().items())
        assert json.dumps(alone.lasting()["certify/exceeds"]) == json.dumps(
            run.lasting()["certify/exceeds"]
        )
