"""Numbers in pictures are written as Grafana writes them."""

from __future__ import annotations

import math

import pytest

from tests.pictures.value_text import value_text


@pytest.mark.parametrize(
    ("value", "unit", "decimals", "expected"),
    [
        (0.0123, "s", None, "12.3 ms"),
        (75.0, "s", None, "1.25 min"),
        (7200.0, "s", None, "2 hours"),
        (350.0, "ms", None, "350 ms"),
        (0.0, "s", None, "0 s"),
        (0.9731, "percentunit", None, "97.3%"),
        (0.5, "percentunit", 1, "50.0%"),
        (2**30 * 73.4, "bytes", None, "73.4 GiB"),
        (12_200.0, "watt", None, "12.2 kW"),
        (84.0, "celsius", None, "84 °C"),
        (21_540.0, "count:tok/s", None, "21.5K tok/s"),
        (62.84, "reqps", None, "62.8 req/s"),
        (0.561, "suffix: J/tok", None, "0.561 J/tok"),
        (1.98e9, "hertz", None, "1.98 GHz"),
        (10.9, "kwatth", None, "10.9 kWh"),
        (1_234_000.0, "short", None, "1.23 Mil"),
        (math.inf, "short", None, "+Inf"),
    ],
)
def test_a_value_carries_its_unit_and_three_digits(
    value: float, unit: str, decimals: int | None, expected: str
) -> None:
    """A value is scaled to its unit and keeps three digits, or as many as the panel asks for."""
    text = value_text(value, unit, decimals)

    assert expected == text
