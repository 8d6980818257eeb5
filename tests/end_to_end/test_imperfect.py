"""Imperfect information, from configuration to a tracked run."""

import pytest
import torch

GROUPS = ("data.imperfect.flipped_groups=0.2", "data.imperfect.group_flip_rate=0.2")
LABELS = ("data.imperfect.flipped_labels=0.2", "data.imperfect.label_flip_rate=0.2")


def test_groups_are_wrong_in_training_and_right_in_the_record(fairkd, place) -> None:
    assert fairkd("constraint=lagrangian").code == 0
    ended = fairkd("constraint=lagrangian", *GROUPS)
    assert ended.code == 0, ended.err
    clean, flawed = place.runs()
    assert flawed.params["data.imperfect.flipped_groups"] == "0.2"
    assert flawed.tags["fairkd.job_key"] != clean.tags["fairkd.job_key"]
    # Teacher and control read no groups: measured on the same rows and groups, they are the same.
    for model in ("teacher", "control"):
        of_model = {
            name: value
            for name, value in clean.lasting().items()
            if name.startswith(f"test/{model}/")
            and not name.endswith("seconds")
            and not name.startswith(f"test/{model}/membership_auc/")  # of training rows' groups
        }
        assert len(of_model) > 20
        assert of_model == {name: flawed.metrics[name] for name in of_model}
    assert any(not torch.equal(a, clean.weights()[n]) for n, a in flawed.weights().items())


@pytest.mark.slow
def test_teacher_and_control_learn_from_the_same_labels(fairkd, place) -> None:
    assert fairkd("constraint=none").code == 0
    ended = fairkd("constraint=none", *LABELS)
    assert ended.code == 0, ended.err
    clean, flawed = place.runs()
    for model in ("teacher", "control", "student"):
        name = f"test/{model}/log_loss"
        assert clean.metrics[name] != flawed.metrics[name]
    for kind in ("teacher", "control", "student"):
        assert len(place.kept(kind)) == 2


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        ("data.imperfect.known_groups=0.1", "data.imperfect.proxy=logistic_regression"),
        ("data.imperfect.missing_features=0.3", "data.imperfect.label_smoothing=0.1"),
        ("data=iris", "data.imperfect.missing_features=0.2", *LABELS),
    ],
)
def test_it_composes_with_a_constraint(fairkd, place, words: tuple[str, ...]) -> None:
    ended = fairkd("constraint=lagrangian", *words)
    assert ended.code == 0, ended.err
    assert place.run().status == "FINISHED"


def test_a_proxy_without_a_task_is_told_before_anything_trains(fairkd, place) -> None:
    ended = fairkd("data.imperfect.proxy=logistic_regression")
    assert ended.code == 1
    assert ended.err.splitlines()[-1].endswith("or set the proxy to null.")
    assert not place.kept("teacher")


@pytest.mark.slow
def test_a_sweep_is_the_jobs_one_by_one(fairkd, place) -> None:
    words = ("constraint=lagrangian", *GROUPS, *LABELS)
    ended = fairkd("-m", *words, "replicate=0,1,2")
    assert ended.code == 0, ended.err
    for run in place.runs():
        replicate = f"replicate={run.params['replicate']}"
        assert fairkd(*words, replicate, "paths.store=other").code == 0
        alone = place.runs()[-1].weights()
        assert all(torch.equal(alone[name], run.weights()[name]) for name in alone)
