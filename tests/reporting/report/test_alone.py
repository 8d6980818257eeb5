import pytest

from fairkd.reporting.report.alone import is_distillation_alone

SOFT = {"distillation.terms.soft_targets._target_": "fairkd.distillation.response.SoftTargets"}
PENALTY = "constraint.terms.penalty"
WITH_PENALTY = {**SOFT, f"{PENALTY}._target_": "fairkd.fairness.penalty.Penalty"}

EARLY, ALPHA = "distillation.terms.readout._target_", "distillation.terms.readout.alpha"
FAIR, BY = "distillation.terms.fair._target_", "distillation.terms.fair.by"


@pytest.mark.parametrize(
    ("params", "alone"),
    [
        (SOFT, True),
        ({}, False),
        ({**WITH_PENALTY, f"{PENALTY}.weight": 0}, True),
        ({**WITH_PENALTY, f"{PENALTY}.weight": 0.0}, True),
        ({**WITH_PENALTY, f"{PENALTY}.weight": 0.1}, False),
        # Multipliers move, wherever they start.
        (
            {
                **SOFT,
                "constraint.terms.lagrangian._target_": "fairkd.fairness.dual.Lagrangian",
                "constraint.terms.lagrangian.weight": 0,
            },
            False,
        ),
        ({**SOFT, "mitigation.terms.reweighing._target_": "fairkd.fairness.reweighing.R"}, False),
        ({**SOFT, "compression.steps.pruned._target_": "fairkd.training.compress.Prune"}, False),
        ({**SOFT, "baseline._target_": "fairkd.baselines.grid_search.GridSearch"}, False),
        # Labels alone.
        ({**SOFT, "distillation.alpha": 0.0, "distillation.terms.soft_targets.weight": 0.0}, False),
        ({EARLY: "fairkd.distillation.debiased.EarlyReadout", ALPHA: 0}, False),
        ({EARLY: "fairkd.distillation.debiased.EarlyReadout", ALPHA: 0.9}, True),
        # Groups are looked at.
        ({**SOFT, FAIR: "fairkd.distillation.fair_features.FairFeatures", BY: None}, False),
        ({**SOFT, "teacher.balance.by": "sex"}, False),
        ({**SOFT, "teacher.balance.by": None}, True),
        # A term's own parts are no terms.
        ({"distillation.terms.hint.projection._target_": "torch.nn.Linear"}, False),
    ],
)
def test_nothing_but_the_teacher_is_asked_of_the_student(params, alone):
    assert is_distillation_alone(params) is alone
