"""Teachers beyond one network trained on labels, through the command line."""

import pytest
import torch

BALANCED = ("teacher.balance.by=sex", "teacher.balance.rows=validation")


@pytest.mark.slow
def test_a_balanced_teacher_is_the_same_from_a_stack_or_alone(fairkd, place) -> None:
    assert fairkd("-m", *BALANCED, "teacher.seed=0,1,2").code == 0
    stacked = {entry.key: entry.tensors() for entry in place.store.entries("teacher")}
    entries = list(place.store.entries("teacher"))
    assert [entry.about["together"] for entry in entries] == [3, 3, 3]
    histories = {entry.key: entry.record for entry in entries}
    for seed in range(3):
        ended = fairkd(*BALANCED, f"teacher.seed={seed}", "force=all")
        assert ended.code == 0, ended.err
    alone = list(place.store.entries("teacher"))
    assert {entry.key for entry in alone} == set(stacked)
    for entry in alone:
        assert entry.about["together"] == 1
        assert entry.record == histories[entry.key]
        assert entry.record["history"][-1]["retrained_epoch"] < 2
        for name, value in entry.tensors().items():
            assert torch.equal(value, stacked[entry.key][name]), name


@pytest.mark.slow
def test_a_log_and_the_store_tell_that_the_last_layer_was_retrained(fairkd, place) -> None:
    fairkd()
    fairkd(*BALANCED)
    plain, balanced = place.runs()
    assert plain.tags["fairkd.teacher_key"] != balanced.tags["fairkd.teacher_key"]
    assert balanced.params["teacher.balance.by"] == "sex"
    log = (balanced.output / "fairkd.log").read_text()
    assert "of 2, its last layer retrained." in log
    assert "retrained" not in (plain.output / "fairkd.log").read_text()


def test_members_of_an_ensemble_are_balanced_by_name(fairkd, place) -> None:
    words = ("teacher=ensemble", "distillation=gradient_aware", "teacher.trainer.max_epochs=1")
    for more in ((), (*BALANCED, "teacher.balance.members=[a,b]")):
        ended = fairkd(*words, *more)
        assert ended.code == 0, ended.err
    keys = [run.tags["fairkd.teacher_key"] for run in place.runs()]
    plain, balanced = (place.store.get("teacher", key).tensors() for key in keys)
    differ = {name for name, value in plain.items() if not torch.equal(value, balanced[name])}
    assert differ == {f"members.{m}.head.{part}" for m in "ab" for part in ("weight", "bias")}


@pytest.mark.slow
def test_an_ensembles_learned_weights_are_kept_with_it(fairkd, place) -> None:
    fourth = "+teacher.model.members.d={_target_:fairkd.models.linear.Linear,_partial_:true}"
    words = ("teacher=ensemble", fourth, "teacher.balance.by=sex")
    assert fairkd(*words).code == 0
    ended = fairkd(*words, "teacher.model.weights=learned", "distillation.temperature=2")
    assert ended.code == 0, ended.err
    alike, learned = (
        place.store.get("teacher", run.tags["fairkd.teacher_key"]) for run in place.runs()
    )
    assert alike is not None
    assert learned is not None
    weights = learned.tensors()["weights"]
    assert float(weights.sum()) == pytest.approx(1)
    assert not torch.equal(weights, alike.tensors()["weights"])
    (row,), (of_alike,) = learned.record["history"], alike.record["history"]
    assert row["val/loss"] <= of_alike["val/loss"]
    log = (place.runs()[1].output / "fairkd.log").read_text()
    told = ", ".join(f"{name} {w:.3f}" for name, w in zip("abcd", weights.tolist(), strict=True))
    assert f"weights: {told}." in log
