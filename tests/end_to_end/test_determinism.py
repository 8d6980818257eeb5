"""The same configuration gives the same bits, wherever and after whatever it runs."""

import pytest
import torch


def assert_equal(one, other) -> None:
    assert one.lasting() == other.lasting()
    theirs = other.weights()
    for name, value in one.weights().items():
        assert torch.equal(value, theirs[name]), name


@pytest.mark.slow
def test_again_in_this_process_after_an_unrelated_job(fairkd, place) -> None:
    fairkd()
    torch.manual_seed(99)
    fairkd("data=iris", "constraint=none", "distillation=hint", "seed=5", "paths.store=second")
    torch.rand(3)
    fairkd("paths.store=third")
    first, _, again = place.runs("FINISHED")
    assert first.params["data.name"] == again.params["data.name"] == "arrests"
    assert_equal(first, again)


@pytest.mark.slow
def test_another_seed_is_another_student(fairkd, place) -> None:
    fairkd()
    fairkd("seed=1")
    first, second = place.runs()
    assert not torch.equal(first.weights()["head.weight"], second.weights()["head.weight"])
    assert first.metrics["test/teacher/accuracy"] == second.metrics["test/teacher/accuracy"]


@pytest.mark.slow
def test_again_in_another_process(fairkd, place) -> None:
    fairkd()
    assert place.finish(place.start("paths.store=second")).code == 0
    first, second = place.runs("FINISHED")
    assert_equal(first, second)
