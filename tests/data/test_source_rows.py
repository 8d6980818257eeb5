import numpy as np
import pandas as pd

from fairkd.data.source_rows import SourceRows


def test_rows_are_taken_in_the_splits_order_and_counted_from_zero() -> None:
    frame = pd.DataFrame({"a": [10, 11, 12, 13, 14], "b": list("uvwxy")})
    raw = SourceRows(frame, {"train": np.array([0, 2, 4]), "test": np.array([3, 1])})
    assert list(raw) == ["train", "test"]
    pd.testing.assert_frame_equal(raw["test"], pd.DataFrame({"a": [13, 11], "b": ["x", "v"]}))
    few = raw.some("train", slice(1, None))
    pd.testing.assert_frame_equal(few, pd.DataFrame({"a": [12, 14], "b": ["w", "y"]}))
    few.loc[0, "a"] = 0
    assert frame["a"].tolist() == [10, 11, 12, 13, 14]
    assert not SourceRows.none()


def test_packed_rows_are_the_same_in_less_memory() -> None:
    text = pd.Series(["west", None, "east", "west  ", ""] * 40, dtype="str")
    frame = pd.DataFrame(
        {
            "region": text,
            "name": pd.Series([f"person {n}" for n in range(200)], dtype="str"),
            "number": np.arange(200.0),
            "range": pd.Categorical(["low", "high"] * 100, ["low", "high"], ordered=True),
            "mixed": pd.Series(["a", 1] * 100, dtype=object),
        }
    )
    rows = {"train": np.arange(0, 200, 2), "test": np.array([7, 3, 1])}
    whole, packed = SourceRows(frame, rows), SourceRows(frame, rows).packed()
    for split in rows:
        pd.testing.assert_frame_equal(packed[split], whole[split])
    pd.testing.assert_frame_equal(packed.some("test", slice(0)), whole.some("test", slice(0)))
    before, held = (rows._frame.memory_usage(deep=True) for rows in (whole, packed))
    assert held["region"] < before["region"] / 3
    assert held["name"] == before["name"]
