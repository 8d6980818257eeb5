import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairkd.data.bins import binned, features_of
from fairkd.errors import ConfigError, DataError


def ages(values: object) -> pd.DataFrame:
    return pd.DataFrame({"age": values})


def test_an_edge_belongs_to_the_range_above_it() -> None:
    found = binned(ages([24, 25, 44.9, 45, 64, 65, np.nan]), {"age": [25, 45, 65]})
    assert [None if pd.isna(x) else x for x in found["age"]] == [
        "<25", "25-45", "25-45", "45-65", "45-65", ">=65", None,
    ]  # fmt: skip
    assert list(found["age"].cat.categories) == ["<25", "25-45", "45-65", ">=65"]
    np.testing.assert_array_equal(found["age_number"], [24, 25, 44.9, 45, 64, 65, np.nan])


def test_edges_below_0_and_with_fractions() -> None:
    found = binned(ages([-3, 0, 2]), {"age": [-1.5, 0.1]})
    assert list(found["age"].cat.categories) == ["<-1.5", "-1.5 to 0.1", ">=0.1"]


@given(st.lists(st.integers(0, 10**6), min_size=8, max_size=60, unique=True), st.integers(2, 4))
def test_quantiles_make_groups_of_nearly_equal_size(values: list[int], count: int) -> None:
    sizes = binned(ages(values), {"age": count})["age"].value_counts()
    assert len(sizes) == count
    assert sizes.max() - sizes.min() <= 2


def test_equal_numbers_that_allow_fewer_groups_are_told() -> None:
    hours = [40] * 8 + [60, 70]
    with pytest.raises(ConfigError, match="only 1 such group can be told apart; accepted: edges"):
        binned(ages(hours), {"age": 4})
    with pytest.raises(ConfigError, match=r"only 2 such groups .* at most 2, or edges"):
        binned(ages([1, 1, 1, 1, 2, 2, 2, 2]), {"age": 4})


@pytest.mark.parametrize(
    ("bins", "sentence"),
    [
        ({"ag": [1]}, "Unknown column in data.bins 'ag'; did you mean 'age'"),
        ({"age": [2, 1]}, r"data\.bins\.age=\[2,1\] is not ascending"),
        ({"age": [1, 1]}, "is not ascending"),
        ({"age": []}, r"data\.bins\.age=\[\] is not known; accepted: ascending numbers"),
        ({"age": "25"}, "data.bins.age=25 is not known"),
        ({"age": True}, "data.bins.age=true is not known"),
        ({"age": 1}, "data.bins.age=1 is out of range"),
    ],
)
def test_bins_that_cannot_be_are_refused(bins: dict[str, object], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        binned(ages([1.0, 2.0, 3.0]), bins)  # type: ignore[arg-type]


def test_columns_that_cannot_be_binned_are_refused() -> None:
    with pytest.raises(ConfigError, match="'age' holds text"):
        binned(ages(["a", "b"]), {"age": 2})
    with pytest.raises(DataError, match=r"'age' in data\.bins has no number in any row"):
        binned(ages([np.nan, np.nan]), {"age": 2})
    with pytest.raises(ConfigError, match="'age_number', and there is such a column already"):
        binned(ages([1, 2]).assign(age_number=0), {"age": 2})


def test_the_number_is_a_feature_where_groups_are() -> None:
    features, bins = ("age", "pay"), {"age": 2}
    assert features_of(features, bins, use_groups_as_features=True) == ("age_number", "pay")
    assert features_of(features, bins, use_groups_as_features=False) == ("pay",)
