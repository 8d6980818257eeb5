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
