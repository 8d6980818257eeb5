"""Multipliers, from configuration to a tracked run."""

import pytest
import torch

DUALS = ("lagrangian", "nupi", "augmented_lagrangian")


@pytest.mark.parametrize("method", DUALS)
def test_a_bound_with_multipliers_is_trained_and_tracked(once, method) -> None:
    words = ("constraint.statistic=true_positive_rate", "constraint.by=sex")
    _, run = once(f"constraint={method}", *words)
    assert run.params["constraint.threshold"] == "0.05"
    assert f"train/{method}" in run.metrics
    found = run.lasting()
    assert found["test/disparity"] == found["test/student/equal_opportunity_difference/sex"]
    checkpoint = torch.load(run.output / "student.ckpt", weights_only=False)
    assert f"objective.constraints.{method}.multipliers" in checkpoint["state_dict"]


@pytest.mark.slow
def test_a_reference_is_the_largest_cell_of_training_unless_it_is_named(fairkd, place) -> None:
    words = ("constraint=lagrangian", "constraint.disparity=average_difference")
    assert fairkd(*words).code == 0
    named = fairkd(*words, "constraint.terms.lagrangian.reference=white", "constraint.by=colour")
    assert named.code == 0, named.err
    unknown = fairkd(*words, "constraint.terms.lagrangian.reference=green")
    assert unknown.code == 1
    assert "Unknown cell of colour in reference 'green'. Accepted: black, white." in unknown.err


@pytest.mark.slow
def test_a_sweep_over_bounds_is_the_jobs_one_by_one(fairkd, place) -> None:
    ended = fairkd("-m", "constraint=lagrangian", "constraint.threshold=0.02,0.1,0.3")
    assert ended.code == 0, ended.err
    weights = {run.params["constraint.threshold"]: run.weights() for run in place.runs()}
    for threshold, stacked in weights.items():
        fairkd("constraint=lagrangian", f"constraint.threshold={threshold}", "paths.store=other")
        alone = place.runs()[-1].weights()
        assert all(torch.equal(alone[name], stacked[name]) for name in alone)
