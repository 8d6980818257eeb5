"""What would misread rows with weights, or with soft labels, is refused."""

from typing import Any

import pytest

from fairkd.commands.checking.data import check_readers
from fairkd.errors import ConfigError

PLAIN: dict[str, Any] = {
    "data": {"weights": None, "soft_labels": []},
    "teacher": {"model": {"_target_": "fairkd.models.mlp.MLP"}, "weights": None},
    "distillation": {"terms": {}},
    "constraint": {"terms": {}},
    "mitigation": {"terms": {}},
    "baseline": {},
}
SOFT = {"weights": None, "soft_labels": ["p_no", "p_yes"]}
WEIGHTED = {"weights": "w", "soft_labels": []}
PARITY = {"statistic": "selection_rate"}
OPPORTUNITY = {"statistic": "true_positive_rate"}


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"data": WEIGHTED, "constraint": {"terms": {"penalty": OPPORTUNITY}}},
        {"data": SOFT, "constraint": {"terms": {"penalty": PARITY}}},
        {"data": {}, "constraint": {"terms": {"penalty": OPPORTUNITY}}},
    ],
)
def test_what_reads_them_rightly_is_accepted(changed: dict[str, Any]) -> None:
    check_readers({**PLAIN, **changed})


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        (
            {"data": SOFT, "constraint": {"terms": {"penalty": OPPORTUNITY}}},
            "data.soft_labels=[p_no,p_yes] spreads labels over classes, and "
            "constraint.terms.penalty would take true_positive_rate of that; set "
            "data.soft_labels=[], or choose selection_rate.",
        ),
        (
            {
                "data": SOFT,
                "teacher": {"model": {"_target_": "fairkd.models.classifier.Classifier"}},
            },
            "data.soft_labels=[p_no,p_yes] makes labels soft, and teacher is a classifier of "
            "scikit-learn, which learns from classes alone; choose another teacher, or set "
            "data.soft_labels=[].",
        ),
        (
            {
                "data": WEIGHTED,
                "baseline": {"_target_": "fairkd.baselines.grid_search.GridSearch"},
            },
            "data.weights=w weighs training rows in a way that Fairlearn's reductions cannot use; "
            "choose baseline=threshold_optimizer, or set data.weights=null.",
        ),
    ],
)
def test_what_misreads_them_is_refused(changed: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError) as refused:
        check_readers({**PLAIN, **changed})
    assert str(refused.value) == sentence
