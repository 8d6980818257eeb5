"""Measures of dependence, from configuration to a tracked run."""

import pytest


def test_they_compose_with_a_constraint_on_a_block_of_its_own(fairkd, place) -> None:
    ended = fairkd(
        "constraint=[wasserstein,fair_mixup,equal_opportunity]",
        "constraint.terms.fair_mixup.by=sex",
        "constraint.terms.wasserstein.weight=0.25",
    )
    assert ended.code == 0, ended.err
    run = place.run()
    assert run.params["constraint.terms.wasserstein.weight"] == "0.25"
    for name in ("wasserstein", "fair_mixup", "equal_opportunity"):
        assert {f"train/{name}", f"val/{name}"} <= set(run.metrics)
    found = run.lasting()
    assert found["test/disparity"] == found["test/student/equal_opportunity_difference/colour"]


@pytest.mark.parametrize(
    ("words", "recorded"),
    [
        (("constraint=mmd",), "demographic_parity_difference/sex"),
        (("constraint=mmd", "constraint.terms.mmd.given=label"), "equalized_odds_difference/sex"),
    ],
)
def test_the_disparity_of_the_record_is_the_one_that_the_term_is_about(
    fairkd, place, words, recorded
) -> None:
    ended = fairkd(*words, "constraint.by=sex")
    assert ended.code == 0, ended.err
    found = place.run().lasting()
    assert found["test/disparity"] == found[f"test/student/{recorded}"]
