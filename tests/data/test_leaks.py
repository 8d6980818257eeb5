import numpy as np
import pandas as pd

from fairkd.data.leaks import label_copies, leaks


def frame(rows: int = 2_000) -> pd.DataFrame:
    random = np.random.default_rng(0)
    y = (random.random(rows) < 0.3).astype(int)
    flipped = np.where(random.random(rows) < 0.002, 1 - y, y)
    often_flipped = np.where(random.random(rows) < 0.05, 1 - y, y)
    return pd.DataFrame(
        {
            "y": np.where(y == 1, "in", "out"),
            "copy": np.where(y == 1, 4.0, np.nan),
            "finer": np.where(y == 1, "a", random.choice(["b", "c"], rows)),
            "nearly": flipped,
            "often": often_flipped,
            "noise": random.normal(size=rows),
            "id": range(rows),
        }
    )


def test_copies_are_one_to_one_with_missing_as_a_value() -> None:
    table = frame()
    assert label_copies(table, "y", list(table.columns[1:])) == ["copy"]
    assert label_copies(table[:19], "y", ["copy"]) == []


def test_leaks_are_judged_on_rows_that_a_tree_did_not_learn() -> None:
    table = frame()
    found = leaks(table, "y", list(table.columns[1:]))
    assert [leak.column for leak in found] == ["copy", "finer", "nearly"]
    assert found[0].accuracy == 1.0
    assert 0.99 <= found[2].accuracy < 1.0
    assert abs(found[0].base - 0.7) < 0.05


def test_a_rare_class_is_no_leak_by_itself() -> None:
    random = np.random.default_rng(0)
    y = random.random(5_000) < 0.005
    table = pd.DataFrame({"y": y, "noise": random.normal(size=5_000), "told": y + 0.01})
    table.loc[0, "told"] = np.nan
    assert [leak.column for leak in leaks(table, "y", ["noise", "told"])] == ["told"]
