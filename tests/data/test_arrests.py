import sys

import pytest

from fairkd.data.arrests import load_arrests
from fairkd.errors import ConfigError, DataError


def test_the_facts_of_the_table() -> None:
    data = load_arrests(groups=["colour", "sex", "citizen", "employed", "colour+sex"], seed=0)
    batches = list(data.splits.values())
    assert sum(batch.size for batch in batches) == 5_226
    assert sum(int(batch.y.sum()) for batch in batches) == 4_334
    totals = sum(batch.group.sum(dim=0) for batch in batches)
    assert data.blocks["colour"].of(totals).tolist() == [1_288, 3_938]
    assert data.blocks["sex"].of(totals).tolist() == [443, 4_783]
    assert data.blocks["colour+sex"].cells == (
        "black+female",
        "black+male",
        "white+female",
        "white+male",
    )
    assert data.preparation is not None
    assert data.preparation.columns == ("year", "age", "checks")


def test_scikit_lego_is_not_imported() -> None:
    sys.modules.pop("sklego", None)
    load_arrests(seed=0)
    assert "sklego" not in sys.modules


def test_without_scikit_lego(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklego", None)
    with pytest.raises(DataError, match="pip install scikit-lego"):
        load_arrests(seed=0)


def test_age_is_too_fine_for_groups() -> None:
    with pytest.raises(ConfigError, match="53 distinct values"):
        load_arrests(groups=["age"], seed=0)
