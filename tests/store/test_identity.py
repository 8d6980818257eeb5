import hashlib
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairkd.errors import ConfigError
from fairkd.store import canonical, content_key

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
configurations = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def same(a: object, b: object) -> bool:
    """Equal as Python sees it, except that a boolean equals only booleans."""
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b


def respelled(value: object) -> object:
    """An equal configuration in other types and another order of keys."""
    if isinstance(value, dict):
        return {key: respelled(item) for key, item in reversed(value.items())}
    if isinstance(value, list):
        return tuple(map(respelled, value))
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53:
        return float(value)
    return value


@given(configurations)
def test_equal_configurations_have_equal_texts(value: object) -> None:
    assert canonical(respelled(value)) == canonical(value)


@given(configurations, configurations)
def test_different_configurations_have_different_texts(a: object, b: object) -> None:
    assert (canonical(a) == canonical(b)) == same(a, b)


@given(configurations)
def test_the_text_is_json_of_an_equal_configuration(value: object) -> None:
    assert same(json.loads(canonical(value)), value)


def test_known_texts() -> None:
    value = {"b": 1.0, "a": [True, None, -0.0, 0.1, "é"], "c": {"y": 1e16, "x": (1, 2)}}
    assert canonical(value) == (
        '{"a":[true,null,0,0.1,"\\u00e9"],"b":1,"c":{"x":[1,2],"y":10000000000000000}}'
    )
    assert canonical(1) != canonical(True)
    assert canonical(0) != canonical(False)
    assert canonical("1") != canonical(1)
    assert canonical(2**53 + 1) != canonical(float(2**53))


def test_a_key_is_the_hash_of_the_text() -> None:
    digest = hashlib.sha256(b'{"seed":1,"teacher":"mlp"}').hexdigest()
    assert content_key({"teacher": "mlp", "seed": 1.0}) == digest[:32]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_not_finite_are_refused_by_their_key(value: float) -> None:
    with pytest.raises(ConfigError, match=r"trainer\.rates\.1=-?(nan|inf) is not a finite number"):
        canonical({"trainer": {"rates": [0.1, value]}})


def test_other_types_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"data\.path holds a set"):
        canonical({"data": {"path": {1}}})
    with pytest.raises(ConfigError, match="holds a bytes"):
        canonical(b"text")
    with pytest.raises(ConfigError, match="the key 1, which is not text"):
        canonical({1: "x"})
