"""Mitigations, from configuration to a tracked run: they change the student alone."""

import pytest
import torch

from fairkd.commands.configuration import config_folder

MITIGATIONS = sorted(
    file.stem for file in (config_folder() / "mitigation").glob("*.yaml") if file.stem != "none"
)
AT_THE_STUDENTS = ("equal_accuracy", "equal_selection_rate")
PLAIN = ("constraint=none",)


@pytest.mark.parametrize("name", MITIGATIONS)
def test_only_the_student_is_mitigated(once, shared_place, name) -> None:
    _, plain = once(*PLAIN)
    kinds = ("teacher", "control", "student")
    before = {kind: shared_place.written(kind) for kind in kinds}
    _, mitigated = once(*PLAIN, f"mitigation={name}")
    for kind in ("teacher", "control"):
        assert shared_place.written(kind) == before[kind]  # neither again, nor a second one
    assert len(shared_place.written("student")) == len(before["student"]) + 1
    assert any(
        not torch.equal(value, mitigated.weights()[path]) for path, value in plain.weights().items()
    )
    for model in ("teacher", "control"):
        # What is compared at the student's own accuracy or selection rate depends on the student.
        found = {
            key: value
            for key, value in mitigated.lasting().items()
            if key.startswith(f"test/{model}/") and key.split("/")[2] not in AT_THE_STUDENTS
        }
        assert found
        assert found == {k: v for k, v in plain.lasting().items() if k in found}
    assert f"mitigation.terms.{name}._target_" in mitigated.params
    shared_place.check_store()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            "mitigation=laftr mitigation.layer=hidden7",
            "Unknown layer of the student in mitigation.terms.laftr 'hidden7'; did you mean "
            "'hidden1'? Accepted: hidden1.",
        ),
        (
            "mitigation=laftr student=linear",
            "mitigation.terms.laftr reads a layer of the student, and Linear names none; use an "
            "adversary of outputs (mitigation=adversarial) or another student.",
        ),
        (
            "mitigation=cvar_dro mitigation.terms.cvar_dro.share=0",
            "mitigation.terms.cvar_dro.share=0 is out of range; accepted: a number above 0 and of "
            "at most 1.",
        ),
        (
            "mitigation=[group_dro,chi2_dro]",
            "mitigation=[group_dro,chi2_dro] makes one number of the labels' losses in 2 ways; "
            "choose one of them.",
        ),
        (
            "mitigation=[balanced_sampling,reweighing]",
            "mitigation=[reweighing,balanced_sampling] makes group and label independent twice, as "
            "rows of equally frequent cells of colour and label are weighed anew; choose one of "
            "them, or mitigation.of=group.",
        ),
        (
            "mitigation=group_dro distillation=group_robust",
            "mitigation=group_dro is about the loss with the labels, which weighs nothing here; "
            "give distillation.label_weight above 0, or choose another distillation.",
        ),
        (
            "+mitigation.terms.mine._target_=fairkd.models.linear.Linear "
            "+mitigation.terms.mine.in_features=3",
            "mitigation.terms.mine._target_=fairkd.models.linear.Linear is no mitigation; "
            "derive it from one of the kinds in fairkd.fairness.mitigation.",
        ),
    ],
)
def test_what_cannot_work_is_refused_before_anything_trains(fairkd, place, words, sentence) -> None:
    ended = fairkd(*PLAIN, *words.split())
    assert (ended.code, ended.err.splitlines()[-1]) == (1, sentence)
    assert place.kept("teacher") == []


def test_several_compose_beside_a_constraint_and_a_smaller_student(fairkd, place) -> None:
    ended = fairkd(
        "mitigation=[reweighing,group_dro,adversarial]",
        "mitigation.of=group",
        "mitigation.by=sex",
        "constraint=lagrangian",
        "constraint.by=colour",
        "compression=prune",
        "compression.epochs=1",
    )
    assert ended.code == 0, ended.err
    run = place.run()
    assert {"train/adversarial", "val/adversarial", "train/lagrangian"} <= set(run.metrics)
    checkpoint = torch.load(run.output / "student.ckpt", weights_only=False)["state_dict"]
    shares = checkpoint["objective.mitigations.group_dro.shares"]
    assert shares.shape == (2,)
    assert float(shares[0]) != float(shares[1])
    # The adversary is trained along and stays with the objective.
    assert "objective.mitigations.adversarial.predictor.layers.0.weight" in checkpoint
    assert not any("predictor" in name for name in run.weights())


@pytest.mark.slow
def test_a_sweep_over_weights_is_the_jobs_one_by_one(fairkd, place) -> None:
    words = (*PLAIN, "mitigation=adversarial")
    ended = fairkd("-m", *words, "mitigation.weight=0,0.5,2")
    assert ended.code == 0, ended.err
    assert "3 students in 1 stack" in ended.out + ended.err
    weights = {run.params["mitigation.weight"]: run.weights() for run in place.runs()}
    for weight, stacked in weights.items():
        fairkd(*words, f"mitigation.weight={weight}", "paths.store=other")
        alone = place.runs()[-1].weights()
        assert all(torch.equal(alone[name], stacked[name]) for name in alone)
