"""The report's numbers, against Fairlearn, scikit-learn and counting by hand."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from fairlearn.metrics import (
    MetricFrame,
    demographic_parity_difference,
    demographic_parity_ratio,
    equalized_odds_difference,
    false_positive_rate,
    true_positive_rate,
)
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score

from fairkd import DemographicParity, EqualizedOdds, FairDistiller

Make = Callable[..., FairDistiller]
ROWS = ["teacher", "control", "student", "student - teacher", "student - control"]


def _decisions(distiller: FairDistiller, x: pd.DataFrame) -> dict[str, np.ndarray]:
    features = distiller.preparation_.transform(x)
    import torch

    def of(model: Any) -> np.ndarray:
        with torch.no_grad():
            return distiller.classes_[model(torch.from_numpy(features)).argmax(-1).numpy()]

    return {"teacher": of(distiller.teacher_), "control": of(distiller.control_),
            "student": distiller.predict(x)}  # fmt: skip


def test_every_number_is_what_others_make_of_the_decisions(
    quick: Make, people: Any, more_people: Any
) -> None:
    bounds = [EqualizedOdds(by="race"), DemographicParity(by="sex")]
    distiller = quick(constraint=bounds).fit(people.x, people.y, sensitive_features=people.groups)
    x, y, groups = more_people
    report = distiller.report(x, y, sensitive_features=groups)
    assert list(report.index) == ROWS
    known = groups["sex"].notna().to_numpy()
    of_sex = {"sensitive_features": groups["sex"][known]}
    decided = _decisions(distiller, x)
    for name, said in decided.items():
        row = report.loc[name]
        assert row["accuracy"] == pytest.approx(accuracy_score(y, said))
        assert row["accuracy_low"] < row["accuracy"] < row["accuracy_high"]
        yes = (said == "yes").astype(int)
        truth = (y == "yes").astype(int)
        odds = equalized_odds_difference(truth, yes, sensitive_features=groups["race"])
        assert row["equalized_odds_difference/race"] == pytest.approx(odds)
        gap = demographic_parity_difference(truth[known], yes[known], **of_sex)
        assert row["demographic_parity_difference/sex"] == pytest.approx(gap)
        rates = MetricFrame(
            metrics={
                "true_positive_rate": true_positive_rate,
                "false_positive_rate": false_positive_rate,
                "accuracy": accuracy_score,
            },
            y_true=truth,
            y_pred=yes,
            sensitive_features=groups["race"],
        ).by_group
        for cell in "abc":
            for rate in rates.columns:
                assert row[f"{rate}/race.{cell}"] == pytest.approx(rates.loc[cell, rate])
    numbers = [c for c in report if not c.endswith(("_low", "_high")) and "flips" not in c]
    for other in ("teacher", "control"):
        change = report.loc["student", numbers] - report.loc[other, numbers]
        np.testing.assert_allclose(report.loc[f"student - {other}", numbers], change, atol=1e-12)
        harmed = (decided[other] == y) & (decided["student"] != y)
        for cell, count in harmed.groupby(groups["race"]).sum().items():
            assert report.loc[f"student - {other}", f"harmful_flips/race.{cell}"] == count


def test_changes_are_paired(quick: Make, people: Any) -> None:
    """A student with alpha = 0 is its control: what changed is exactly nothing."""
    distiller = quick(alpha=0.0).fit(people.x, people.y, sensitive_features=people.groups)
    report = distiller.report(people.x, people.y, sensitive_features=people.groups)
    assert (report.loc["student - control"] == 0).all()
    assert report.loc["control", "accuracy_low"] < report.loc["control", "accuracy_high"]


def test_other_disparities_have_their_column(quick: Make, people: Any) -> None:
    x, y, groups = people
    bound = DemographicParity(by="race", disparity="smallest_ratio", method="penalty")
    distiller = quick(constraint=bound).fit(x, y, sensitive_features=groups)
    report = distiller.report(x, y, sensitive_features=groups, confidence=0.8)
    name = "smallest_ratio_of_selection_rate/race"
    said = (distiller.predict(x) == "yes").astype(int)
    ratio = demographic_parity_ratio(y == "yes", said, sensitive_features=groups["race"])
    # The bound is on how far the ratio is from 1.
    assert report.loc["student", name] == pytest.approx(1 - ratio)
    low, high = report.loc["student", [f"{name}_low", f"{name}_high"]]
    assert low < report.loc["student", name] < high


def test_without_groups_there_is_accuracy_alone(quick: Make, people: Any) -> None:
    distiller = quick().fit(people.x, people.y)
    report = distiller.report(people.x, people.y)
    assert list(report) == ["accuracy", "accuracy_low", "accuracy_high"]
    told = distiller.report(people.x, people.y, sensitive_features=people.groups)
    assert {"demographic_parity_difference/sex", "selection_rate/race.c"} <= set(told)


def test_an_intersection_is_a_block_of_its_own(quick: Make, people: Any) -> None:
    x, y, groups = people
    distiller = quick(constraint=DemographicParity(by="sex+race"))
    report = distiller.fit(x, y, sensitive_features=groups).report(x, y, sensitive_features=groups)
    cell = ((groups["sex"] == "F") & (groups["race"] == "b")).to_numpy()
    selected = (distiller.predict(x) == "yes")[cell].mean()
    assert report.loc["student", "selection_rate/sex+race.f+b"] == pytest.approx(selected)


def test_three_classes_have_a_column_each(quick: Make, people: Any) -> None:
    y = np.array(["a", "b", "c"])[np.digitize(people.x["skill"], [-0.7, 0.3])]
    teacher = LogisticRegression().fit(people.x[["skill"]], y)
    x, groups = people.x[["skill"]], people.groups["race"]
    distiller = quick(teacher=teacher, constraint=DemographicParity())
    report = distiller.fit(x, y, sensitive_features=groups).report(x, y, sensitive_features=groups)
    selected = (distiller.predict(x) == "b")[groups == "a"].mean()
    assert report.loc["student", "selection_rate[b]/race.a"] == pytest.approx(selected)
    change = "student - teacher"
    assert np.isfinite(report.loc[change, "selection_rate[c]/race.b"])


def test_a_rate_without_rows_is_undefined(quick: Make, people: Any) -> None:
    x, y, groups = people
    distiller = quick(constraint=EqualizedOdds(by="race"))
    distiller.fit(x, y, sensitive_features=groups)
    kept = ((groups["race"] != "c") | (y == "no")).to_numpy()
    report = distiller.report(x[kept], y[kept], sensitive_features=groups[kept])
    assert np.isnan(report.loc["student", "true_positive_rate/race.c"])
    assert np.isfinite(report.loc["student", "false_positive_rate/race.c"])
