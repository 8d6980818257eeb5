import json
import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairkd.errors import StoreError
from fairkd.store import records


def bits(value: float) -> bytes:
    return struct.pack("<d", math.nan if math.isnan(value) else value)


def refuse(constant: str) -> object:
    raise AssertionError(f"{constant} is not standard JSON")


@given(st.lists(st.floats()))
def test_floats_come_back_bit_for_bit_through_standard_json(values: list[float]) -> None:
    text = records.encode({"values": values})
    json.loads(text, parse_constant=refuse)
    back = records.decode(text)["values"]
    assert [bits(value) for value in back] == [bits(value) for value in values]
    assert all(isinstance(value, float) for value in back)


def test_types_and_nesting_are_kept() -> None:
    record = {"n": 1, "x": 1.0, "on": True, "none": None, "é": ["a", {"deep": math.inf}], "": {}}
    back = records.decode(records.encode(record))
    assert back == record
    assert [type(value) for value in back.values()] == [type(value) for value in record.values()]


def test_what_json_lacks_is_refused_with_its_place() -> None:
    with pytest.raises(StoreError, match=r"record\.a\[1\] is a set"):
        records.encode({"a": [1, {2}]})
    with pytest.raises(StoreError, match=r"record\.a has the key 3"):
        records.encode({"a": {3: 1}})
    with pytest.raises(StoreError, match=r"other than '\$float'"):
        records.encode({"$float": "nan"})


@pytest.mark.parametrize("text", [b"[1]", b'{"a": NaN}', b'{"a": {"$float": "1.5"}}', b"{"])
def test_foreign_text_is_not_a_record(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        records.decode(text)
