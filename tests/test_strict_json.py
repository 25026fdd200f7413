"""JSON of the strict kind."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authkit_asgi.strict_json import parse

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
white_space = st.text(alphabet=" \t\n\r", max_size=3)


@given(json_values, white_space, white_space)
def test_parse_reads_any_value_between_white_space(value, before, after):
    assert parse(before + json.dumps(value) + after) == value


@pytest.mark.parametrize(
    "text",
    ["", " ", "{} {}", "1 2", "{}x", "{},", "[1]]", "\N{NO-BREAK SPACE}1", "1\f", "\ufeff1", "nul"],
)
def test_parse_refuses_what_is_not_one_value(text):
    with pytest.raises(ValueError, match="value"):
        parse(text)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400", "-1e400"])
def test_parse_refuses_what_is_no_number(number):
    with pytest.raises(ValueError, match="number"):
        parse(f'{{"a": [{number}]}}')
