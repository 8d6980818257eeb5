"""What a baseline decided comes back from the store bit for bit."""

import numpy as np
import pytest

from fairkd.baselines.baseline import MEASURED
from fairkd.baselines.exponentiated_gradient import ExponentiatedGradient
from fairkd.baselines.rows_kept import from_entry, to_content
from fairkd.baselines.threshold_optimizer import ThresholdOptimizer
from fairkd.store import Store


@pytest.mark.filterwarnings("ignore:Setting a")
@pytest.mark.parametrize(
    "baseline", [ThresholdOptimizer("sex"), ExponentiatedGradient("sex", max_iter=6)], ids=repr
)
def test_a_fit_comes_back(make, tmp_path, baseline, given):
    fit = baseline.fit(given(make()))
    entry, _ = Store(tmp_path).get_or_make("baseline", "k", lambda: to_content(fit))
    again = from_entry(entry)
    assert (list(again.rows), again.facts, again.seconds) == (
        list(baseline.rows),
        fit.facts,
        fit.seconds,
    )
    for name, row in fit.rows.items():
        kept = again.rows[name]
        assert (kept.cost, kept.adjusts) == (row.cost, row.adjusts)
        for split in MEASURED:
            for kind in ("probabilities", "decisions"):
                before, after = getattr(row, kind)[split], getattr(kept, kind)[split]
                assert before.dtype == after.dtype
                np.testing.assert_array_equal(before, after)
    assert not list(tmp_path.rglob("*.pkl"))
    assert {file.suffix for file in tmp_path.rglob("*") if file.is_file()} <= {
        ".json", ".safetensors", ".lock", ""
    }  # fmt: skip
