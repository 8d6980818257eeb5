import numpy as np
import pandas as pd

from fairkd.data.missing import without_cells

FRAMES = {
    name: pd.DataFrame(
        {
            "age": range(rows),
            "paid": [True, False] * (rows // 2),
            "job": ["cook", "nurse"] * (rows // 2),
            "sex": ["f", "m"] * (rows // 2),
        }
    )
    for name, rows in (("train", 200), ("test", 100))
}
COLUMNS = ["age", "paid", "job"]


def deleted(share: float) -> dict[str, pd.DataFrame]:
    return without_cells(FRAMES, COLUMNS, share, np.random.default_rng(0))


def test_the_share_is_missing_in_every_split_and_nothing_else_changes() -> None:
    found = deleted(0.25)
    for name, frame in found.items():
        gone = frame.isna()
        assert gone[COLUMNS].to_numpy().sum() == 0.25 * 3 * len(frame)
        assert (gone[COLUMNS].sum() > 0.15 * len(frame)).all()
        assert list(frame["sex"]) == list(FRAMES[name]["sex"])
        left = ~gone
        for column in COLUMNS:
            kept = left[column]
            assert list(frame.loc[kept, column]) == list(FRAMES[name].loc[kept, column])
        assert not FRAMES[name].isna().to_numpy().any()


def test_a_larger_share_deletes_the_same_and_more() -> None:
    few, many = deleted(0.1)["train"].isna(), deleted(0.5)["train"].isna()
    assert many.to_numpy()[few.to_numpy()].all()
