"""Numbers in few characters: of one width at most, and no digit that misleads."""

from __future__ import annotations

from collections.abc import Callable
from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmstack.top.numbers import quantity, seconds, share


@pytest.mark.parametrize(
    ("tell", "value", "expected"),
    [
        (seconds, 0, "0.00ms"),
        (seconds, 0.00123, "1.23ms"),
        (seconds, 0.0456, "45.6ms"),
        (seconds, 0.2425, "242ms"),
        (seconds, 0.9994, "999ms"),
        (seconds, 0.9996, "1.00s"),
        (seconds, 9.754, "9.75s"),
        (seconds, 9.996, "10.0s"),
        (seconds, 99.96, "100s"),
        (seconds, 7680, "7680s"),
        (seconds, 86_400, "86.4ks"),
        (quantity, 0, "0"),
        (quantity, 0.5, "0.50"),
        (quantity, 12, "12"),
        (quantity, 87.35, "87.3"),
        (quantity, 123.4, "123"),
        (quantity, 9999, "9999"),
        (quantity, 9999.6, "10.0k"),
        (quantity, 12_345.6, "12.3k"),
        (quantity, 1_234_567, "1235k"),
        (quantity, 12_345_678, "12.3M"),
        (share, 0.934, "93%"),
        (share, 1, "100%"),
        (seconds, None, "–"),
        (quantity, None, "–"),
        (share, None, "–"),
        (seconds, nan, "·"),
        (quantity, nan, "·"),
        (share, nan, "·"),
        (seconds, inf, "∞"),
    ],
)
def test_a_number(tell: Callable[[float | None], str], value: float | None, expected: str) -> None:
    """What is absent, what has had no traffic, and what is zero look unlike each other."""
    assert expected == tell(value)


@given(st.floats(0, 1e15))
def test_none_is_wider_than_its_column(value: float) -> None:
    """Up to a million times what any server does."""
    assert len(quantity(value)) <= 6
    if value <= 1e9:
        assert len(seconds(value)) <= 6
