import json
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairkd.data.group_spec import RareGroups
from fairkd.data.groups import GroupEncoder
from fairkd.errors import DataError

KEEP = RareGroups()


def people(*rows: tuple[str | None, str | None]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["sex", "race"])


TRAIN = people(
    ("Male", "White"),
    ("Female", "Black"),
    ("Female", "White"),
    (None, "White"),
    ("Male", None),
    ("Female", "White"),
)


def test_blocks_stand_side_by_side() -> None:
    encoder = GroupEncoder.fit(TRAIN, ["sex", "sex+race"], KEEP)
    assert encoder.blocks.cells() == {
        "sex": ["female", "male"],
        "sex+race": ["female+black", "female+white", "male+white"],
    }
    np.testing.assert_array_equal(
        encoder.encode(TRAIN),
        [
            [0, 1, 0, 0, 1],
            [1, 0, 1, 0, 0],
            [1, 0, 0, 1, 0],
            [0, 0, 0, 0, 0],
            [0, 1, 0, 0, 0],
            [1, 0, 0, 1, 0],
        ],
    )
    assert encoder.encode(TRAIN).dtype == np.float32
    assert encoder.columns == ("sex", "race")


def test_one_row_and_no_row() -> None:
    encoder = GroupEncoder.fit(TRAIN, ["sex"], KEEP)
    np.testing.assert_array_equal(encoder.encode(people(("Male", None))), [[0, 1]])
    assert encoder.encode(TRAIN.iloc[:0]).shape == (0, 2)


def test_a_value_never_seen_is_named() -> None:
    encoder = GroupEncoder.fit(TRAIN, ["sex"], KEEP)
    with pytest.raises(DataError, match=r"'Unknown' of the group block 'sex'.*cells: female, male"):
        encoder.encode(people(("Unknown", "White")))


def test_a_combination_never_seen_is_named() -> None:
    encoder = GroupEncoder.fit(TRAIN, ["sex+race"], KEEP)
    with pytest.raises(DataError, match=r"'Male\+Black' of the group block 'sex\+race'"):
        encoder.encode(people(("Male", "Black")))


def test_rare_cells_by_rows_merge_into_other_and_take_the_unseen() -> None:
    frame = pd.DataFrame({"race": ["a"] * 5 + ["b"] * 3 + ["c"] * 2 + ["d"] * 2 + [None] * 8})
    encoder = GroupEncoder.fit(frame, ["race"], RareGroups("merge_below_rows", 3))
    assert encoder.blocks["race"].cells == ("a", "b", "other")
    np.testing.assert_array_equal(encoder.encode(frame).sum(axis=0), [5, 3, 4])
    np.testing.assert_array_equal(encoder.encode(pd.DataFrame({"race": ["new"]})), [[0, 0, 1]])


def test_rare_cells_by_fraction_count_known_rows_only() -> None:
    # b is 2 of the 10 known rows, but 2 of 20 rows in all
    frame = pd.DataFrame({"race": ["a"] * 7 + ["b"] * 2 + ["c"] + [None] * 10})
    encoder = GroupEncoder.fit(frame, ["race"], RareGroups("merge_below_fraction", 0.2))
    assert encoder.blocks["race"].cells == ("a", "b", "other")


def test_one_rare_cell_alone_becomes_other() -> None:
    frame = pd.DataFrame({"race": ["a", "a", "b", "b", "c"]})
    encoder = GroupEncoder.fit(frame, ["race"], RareGroups("merge_below_rows", 2))
    assert encoder.blocks["race"].cells == ("a", "b", "other")


def test_a_group_called_other_is_not_mixed_with_the_merged() -> None:
    frame = pd.DataFrame({"race": ["Other", "Other", "White", "White", "Black"]})
    encoder = GroupEncoder.fit(frame, ["race"], RareGroups("merge_below_rows", 2))
    assert encoder.blocks["race"].cells == ("other", "white", "other_merged")


def test_a_rare_group_called_other_joins_the_merged() -> None:
    frame = pd.DataFrame({"race": ["Other", "White", "White", "Asian", "Asian", "Black"]})
    encoder = GroupEncoder.fit(frame, ["race"], RareGroups("merge_below_rows", 2))
    assert encoder.blocks["race"].cells == ("asian", "white", "other")


@pytest.mark.parametrize(
    ("values", "rare", "sentence"),
    [
        (["a", "a", "b"], RareGroups("merge_below_rows", 5), "only the cell 'other'"),
        (["a", "a", None], KEEP, "only the cell 'a'"),
        ([None, None], KEEP, "no cell"),
    ],
)
def test_a_block_without_two_cells_is_refused(
    values: list[str | None], rare: RareGroups, sentence: str
) -> None:
    with pytest.raises(DataError, match=sentence):
        GroupEncoder.fit(pd.DataFrame({"race": values}), ["race"], rare)


def test_spellings_that_differ_in_case_are_refused() -> None:
    with pytest.raises(DataError, match=r"'Yes' and 'yes'.*cell 'yes'"):
        GroupEncoder.fit(pd.DataFrame({"citizen": ["yes", "Yes", "no"]}), ["citizen"], KEEP)


def test_numbers_keep_their_cells_when_a_missing_value_makes_them_floats() -> None:
    encoder = GroupEncoder.fit(pd.DataFrame({"ward": [1, 2, 1]}), ["ward"], KEEP)
    np.testing.assert_array_equal(
        encoder.encode(pd.DataFrame({"ward": [2.0, np.nan, 1.0]})), [[0, 1], [0, 0], [1, 0]]
    )


def test_a_missing_group_column_is_named() -> None:
    encoder = GroupEncoder.fit(TRAIN, ["sex+race"], KEEP)
    with pytest.raises(DataError, match="no column 'race'"):
        encoder.encode(TRAIN[["sex"]])


@pytest.mark.parametrize("rare", [KEEP, RareGroups("merge_below_rows", 2)])
def test_state_survives_json(rare: RareGroups) -> None:
    encoder = GroupEncoder.fit(TRAIN, ["sex", "sex+race"], rare)
    again = GroupEncoder.from_json(json.loads(json.dumps(encoder.to_json())))
    assert again == encoder
    np.testing.assert_array_equal(again.encode(TRAIN), encoder.encode(TRAIN))


values = st.sampled_from(["a", "b", "c", None])


@given(st.lists(st.tuples(values, values), min_size=1), st.integers(1, 4), st.randoms())
def test_encoding_agrees_with_counting_by_hand(
    rows: Sequence[tuple[str | None, str | None]], limit: int, random: object
) -> None:
    train = [("a", "b"), ("b", "a"), ("a", "b"), ("b", "a"), ("a", "b"), ("b", "a"), *rows]
    train += [("a", "b"), ("b", "a")]  # four of each at least: two cells are never rare
    rare = RareGroups("merge_below_rows", limit)
    encoder = GroupEncoder.fit(people(*train), ["sex", "sex+race"], rare)
    encoded = encoder.encode(people(*train))
    block = encoder.blocks["sex+race"]
    for row, pair in enumerate(train):
        of_block = encoded[row, block.columns]
        if None in pair:
            assert not of_block.any()
            continue
        name = f"{pair[0]}+{pair[1]}" if train.count(pair) >= limit else "other"
        assert block.cells[int(of_block.argmax())] == name
        assert of_block.sum() == 1
    shuffled = [*train]
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis' own Random
    assert GroupEncoder.fit(people(*shuffled), ["sex", "sex+race"], rare).blocks == encoder.blocks


def test_cells_of_ordered_categories_stand_in_their_order() -> None:
    ages = pd.Categorical([">=65", "<25", "25-65"], ["<25", "25-65", ">=65"], ordered=True)
    frame = pd.DataFrame({"age": ages, "sex": ["m", "f", "m"]})
    encoder = GroupEncoder.fit(frame, ["age", "sex+age"], RareGroups())
    assert encoder.blocks["age"].cells == ("<25", "25-65", ">=65")
    assert encoder.blocks["sex+age"].cells == ("f+<25", "m+25-65", "m+>=65")
