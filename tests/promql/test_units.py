"""Units multiply, divide, convert, and say their names."""

from __future__ import annotations

import pytest

from llmdash.errors import PromqlError
from llmdash.promql.units import (
    BYTES,
    CELSIUS,
    COUNT,
    HERTZ,
    HOURS,
    JOULES,
    KILOWATT_HOURS,
    MEBIBYTES,
    MEGAHERTZ,
    MICROSECONDS,
    MILLIJOULES,
    MILLISECONDS,
    MONEY,
    MONEY_PER_HOUR,
    MONEY_PER_MILLION_TOKENS,
    NANOSECONDS,
    OBSERVATIONS,
    PERCENT,
    RATIO,
    REQUESTS,
    SECONDS,
    STATE,
    TIMESTAMP,
    TOKENS,
    WATTS,
    Unit,
    base,
)

COMPUTED = (
    (SECONDS * RATIO, SECONDS),
    (SECONDS / SECONDS, RATIO),
    (JOULES.per_second, WATTS),
    (WATTS * SECONDS, JOULES),
    (SECONDS.per_second, RATIO),
    (TOKENS / TOKENS, RATIO),
    # Per event a quantity is a mean of that quantity.
    (SECONDS / REQUESTS, SECONDS),
    (SECONDS.per_second / OBSERVATIONS.per_second, SECONDS),
    (TOKENS.per_second / REQUESTS.per_second, TOKENS),
    # Mean latency times arrivals is what is on the way.
    (SECONDS * REQUESTS.per_second, REQUESTS),
    (BYTES.per_second * SECONDS, BYTES),
    (MICROSECONDS / MICROSECONDS, RATIO),
    (MICROSECONDS * Unit((), 1e6), SECONDS),
    # Throttled nanoseconds per second, and a counter of millijoules, as shares and as power.
    (NANOSECONDS.per_second, Unit(RATIO.factors, 1e-9)),
    (MILLIJOULES.per_second, Unit(WATTS.factors, 1e-3)),
    (HERTZ * SECONDS, RATIO),
    # Power at a price for energy, GPUs at a price for each, tokens at a price for a million.
    (KILOWATT_HOURS / HOURS, Unit(WATTS.factors, 1e3)),
    (COUNT * (MONEY_PER_HOUR / COUNT), MONEY_PER_HOUR),
    (MONEY_PER_MILLION_TOKENS * Unit(TOKENS.factors, 1e6), MONEY),
)


@pytest.mark.parametrize(("computed", "expected"), COMPUTED)
def test_units_multiply_and_divide(computed: Unit, expected: Unit) -> None:
    """A unit is a product of dimensions, so rates and means need no table."""

    assert expected == computed


NAMES = (
    (RATIO, "ratio"),
    (SECONDS, "seconds"),
    (MILLISECONDS, "milliseconds"),
    (MICROSECONDS, "microseconds"),
    (NANOSECONDS, "nanoseconds"),
    (PERCENT, "percent"),
    (MEGAHERTZ, "megahertz"),
    (MEBIBYTES, "mebibytes"),
    (MILLIJOULES, "millijoules"),
    (TOKENS, "tokens"),
    (REQUESTS, "requests"),
    (BYTES, "bytes"),
    (WATTS, "watts"),
    (JOULES, "joules"),
    (CELSIUS, "celsius"),
    (COUNT, "count"),
    (STATE, "state"),
    (TIMESTAMP, "unix seconds"),
    (HOURS, "hours"),
    (KILOWATT_HOURS, "kilowatt-hours"),
    (MONEY_PER_HOUR, "money per hour"),
    (MONEY_PER_MILLION_TOKENS, "money per million tokens"),
    (TOKENS.per_second, "tokens/s"),
    (REQUESTS.per_second, "requests/s"),
    (BYTES.per_second, "bytes/s"),
    (RATIO.per_second, "1/s"),
    (SECONDS * SECONDS, "s^2"),
    (base("blocks").per_second, "blocks/s"),
    (Unit(BYTES.factors, 1024.0), "1024 bytes"),
    (Unit(TOKENS.per_second.factors, 1000.0), "1000 tokens/s"),
)


@pytest.mark.parametrize(("unit", "name"), NAMES)
def test_units_have_names(unit: Unit, name: str) -> None:
    """A unit is said the way an operator says it."""

    assert name == str(unit)


FACTORS = (
    (MICROSECONDS, SECONDS, 1e-6),
    (SECONDS, MILLISECONDS, 1000),
    (MICROSECONDS.per_second, SECONDS.per_second, 1e-6),
    (Unit(BYTES.factors, 1024.0), BYTES, 1024),
    (WATTS, WATTS, 1),
    (NANOSECONDS, SECONDS, 1e-9),
    (PERCENT, RATIO, 0.01),
    (RATIO, PERCENT, 100),
    (MEGAHERTZ, HERTZ, 1_000_000),
    (MEBIBYTES, BYTES, 1_048_576),
    (MILLIJOULES, JOULES, 0.001),
    (WATTS * (MONEY / KILOWATT_HOURS), MONEY_PER_HOUR, 0.001),
    (MONEY_PER_HOUR / TOKENS.per_second, MONEY_PER_MILLION_TOKENS, 277.777777778),
)


@pytest.mark.parametrize(("unit", "other", "factor"), FACTORS)
def test_like_units_convert(unit: Unit, other: Unit, factor: float) -> None:
    """Units of one quantity differ by a factor, without the noise of floats."""

    assert factor == unit.factor_to(other)


@pytest.mark.parametrize(
    ("unit", "other"), [(SECONDS, TOKENS), (WATTS, JOULES), (TIMESTAMP, SECONDS)]
)
def test_unlike_units_do_not_convert(unit: Unit, other: Unit) -> None:
    """There is no factor between unlike quantities."""
    with pytest.raises(PromqlError) as caught:
        unit.factor_to(other)

    assert f"expected a unit convertible to {other} in a conversion of units, got {unit}" == str(
        caught.value
    )
