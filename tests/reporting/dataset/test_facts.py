from collections.abc import Callable

import numpy as np
import pytest

from fairkd.data.dataset import Dataset
from fairkd.data.inspection import Column
from fairkd.data.tinted import load_tinted
from fairkd.evaluation.bound import Bound
from fairkd.reporting.dataset.facts import facts_of

Build = Callable[..., Dataset]


def test_rows_shares_and_columns(dataset: Build) -> None:
    facts = facts_of(dataset(), 0.2)
    assert facts.rows == {"train": 225, "validation": 75, "test": 100}
    assert facts.shares == {"no": 232 / 400, "yes": 168 / 400}
    roles = {column.name: (column.kind, column.missing, column.role) for column in facts.columns}
    assert roles == {
        "sex": ("category", 4, "group"),
        "pay": ("number", 30, "feature"),
        "id": ("number", 0, "left out"),
        "hired": ("boolean", 0, "label"),
    }
    table = facts.columns_table().set_index("column")
    assert table.loc["pay", "missing_share"] == 30 / 400


def test_missing_values_by_group(dataset: Build) -> None:
    facts = facts_of(dataset(), 0.2)
    assert list(facts.missing.index) == ["pay"]
    row = facts.missing.loc["pay"]
    assert row.to_dict() == {"all rows": 30 / 400, "sex=f": 0.3, "sex=m": 0.0}


def test_what_is_known_of_columns_is_not_found_again(dataset: Build) -> None:
    from dataclasses import replace

    known = (Column("sex", "category", 2, 4, "group"),)
    assert facts_of(replace(dataset(), columns=known), 0.2).columns == known


def test_as_many_rows_as_would_certify(dataset: Build) -> None:
    data = dataset()
    found = {each.statistic: each for each in facts_of(data, 0.2).certifiable}
    assert {each.rows for each in found.values()} == {60}
    bound = Bound("selection_rate", "largest_difference", data.blocks["sex"], 0.0)
    expected = bound.smallest(data.splits["validation"], 2, 0.95, 60)
    assert found["selection_rate"].bound == expected < 1


def test_the_rows_that_certify(dataset: Build) -> None:
    data = dataset(certify_fraction=0.3)
    found = facts_of(data, 0.2).certifiable
    assert {each.rows for each in found} == {data.splits["certify"].size} == {90}


def test_images_have_no_columns() -> None:
    facts = facts_of(
        load_tinted(name="tinted_digits", source="digits", groups=["tint"], seed=0), 0.2
    )
    assert facts.columns == ()
    assert facts.missing.empty
    assert sum(facts.rows.values()) == 1_797
    assert facts.label is None


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_rows_without_a_known_group_in_training(dataset: Build, share: float) -> None:
    data = dataset(imperfect={"known_groups": 1 - share})
    groups = facts_of(data, 0.2).groups["sex"]
    unknown = int(groups.counts["train"][-1].sum())
    assert unknown == pytest.approx(225 * share, abs=4)
    assert np.sum(groups.counts["test"]) == 100
