"""The scale benchmark's arithmetic, and the table that it writes."""

from pathlib import Path

import pandas as pd
from bench_scale import MIB, Cost, told_millions, told_quickstarts, write_synthetic


def test_a_row_is_what_more_rows_take() -> None:
    small = Cost(rows=1_000, seconds=10.0, processor=8.0, peak=500 * MIB)
    large = Cost(rows=3_000, seconds=14.0, processor=9.0, peak=500 * MIB + 400_000)
    assert large.a_row_beyond(small) == (0.002, 0.0005, 200.0)


def test_limits_are_of_time_and_of_memory(capsys) -> None:
    small = Cost(5_226, 10.0, 10.0, 500 * MIB)
    adult = Cost(5_226 + 40_000, 14.0, 14.0, 600 * MIB)
    heritage = Cost(5_226 + 160_000, 58.0, 58.0, 2_000 * MIB)
    costs = {"arrests": small, "adult": adult, "heritage": heritage}
    assert told_quickstarts(costs)
    assert "takes 3.00 times as long as one of Adult" in capsys.readouterr().out
    slow = Cost(heritage.rows, 59.0, 59.0, heritage.peak)
    assert not told_quickstarts({**costs, "heritage": slow})
    wide = Cost(heritage.rows, 58.0, 58.0, 2_049 * MIB)
    assert not told_quickstarts({**costs, "heritage": wide})


def test_the_peak_is_compared_with_the_table(capsys) -> None:
    small, held = Cost(1_000, 1.0, 1.0, 0), {"table": 100.0, "tensors": 92.0}
    assert told_millions(small, Cost(2_000, 2.0, 2.0, 300_000), held)
    assert "the peak is the table and 2.00 copies of it" in capsys.readouterr().out
    assert not told_millions(small, Cost(2_000, 2.0, 2.0, 301_000), held)


def test_the_synthetic_table(tmp_path: Path) -> None:
    held = write_synthetic(tmp_path / "table.parquet", 2_000)
    frame = pd.read_parquet(tmp_path / "table.parquet")
    assert frame.shape == (2_000, 13)
    assert frame.nunique()[["kind_5", "kind_10", "sex", "race", "label"]].tolist() == [
        5, 10, 2, 4, 2,
    ]  # fmt: skip
    assert frame["label"].eq("yes").groupby(frame["sex"]).mean().diff().abs().iloc[-1] > 0.1
    assert held["tensors"] == 136
    assert 100 < held["table"] < 200
