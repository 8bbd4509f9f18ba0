"""Units of measure: they multiply, divide and refuse to be added to unlike ones.

A unit is a product of base dimensions with a scale, so `rate()` of joules is watts without a table.
"""

from __future__ import annotations

from dataclasses import dataclass

from llmdash.errors import PromqlError


@dataclass(frozen=True)
class Unit:
    """A product of base dimensions (`factors`, sorted by name) times a scale."""

    factors: tuple[tuple[str, int], ...] = ()
    scale: float = 1.0

    def __mul__(self, other: Unit) -> Unit:
        """Multiply: seconds times seconds per second is seconds."""
        exponents = dict(self.factors)
        for name, power in other.factors:
            exponents[name] = exponents.get(name, 0) + power
        kept = tuple(sorted((name, power) for name, power in exponents.items() if power))
        return Unit(kept, _tidy(self.scale * other.scale))

    def __truediv__(self, other: Unit) -> Unit:
        """Divide: a quantity per event (request, observation) is that quantity itself."""
        inverse = Unit(tuple((name, -power) for name, power in other.factors), 1 / other.scale)
        quotient = self * inverse
        kept = tuple((n, p) for n, p in quotient.factors if not (n in EVENTS and p < 0))
        return Unit(kept, quotient.scale)

    @property
    def per_second(self) -> Unit:
        """The unit of this quantity's rate of change."""
        return self / SECONDS

    def factor_to(self, other: Unit) -> float:
        """Return the number that turns a value of this unit into one of `other`.

        Raises:
            PromqlError: the two measure different things.
        """
        if self.factors != other.factors:
            raise PromqlError(f"a unit convertible to {other}", "a conversion of units", str(self))
        return _tidy(self.scale / other.scale)

    def __str__(self) -> str:
        """Name the unit the way an operator says it."""
        if self in _NAMES:
            return _NAMES[self]
        base = Unit(self.factors)
        if self.scale != 1 and base in _NAMES:
            return f"{self.scale:g} {_NAMES[base]}"
        over = [_power(n, p) for n, p in self.factors if p > 0] or ["1"]
        under = [_power(n, -p) for n, p in self.factors if p < 0]
        text = "·".join(over) + "".join(f"/{part}" for part in under)
        return text if self.scale == 1 else f"{self.scale:g} {text}"


def _power(name: str, power: int) -> str:
    symbol = _SYMBOLS.get(name, name)
    return symbol if power == 1 else f"{symbol}^{power}"


def _tidy(scale: float) -> float:
    # Products of decimal scales drift (1e-6 * 1e6 is 1 only by luck); twelve digits are plenty.
    return float(f"{scale:.12g}")


def base(name: str) -> Unit:
    """Return the unit of a countable thing (`base("blocks")`)."""
    return Unit(((name, 1),))


#: Counting one of these in a denominator gives a mean: seconds per request are seconds.
EVENTS = frozenset({"requests", "observations"})

RATIO = Unit()
#: 0 to 100, where a ratio is 0 to 1.
PERCENT = Unit(RATIO.factors, 0.01)
SECONDS = base("seconds")
MILLISECONDS = Unit(SECONDS.factors, 1e-3)
MICROSECONDS = Unit(SECONDS.factors, 1e-6)
NANOSECONDS = Unit(SECONDS.factors, 1e-9)
HOURS = Unit(SECONDS.factors, 3600)
HERTZ = RATIO.per_second
MEGAHERTZ = Unit(HERTZ.factors, 1e6)
TOKENS = base("tokens")
REQUESTS = base("requests")
OBSERVATIONS = base("observations")
BYTES = base("bytes")
MEBIBYTES = Unit(BYTES.factors, 2.0**20)
WATTS = base("watts")
JOULES = WATTS * SECONDS
MILLIJOULES = Unit(JOULES.factors, 1e-3)
#: What electricity is sold by.
KILOWATT_HOURS = Unit(JOULES.factors, 3.6e6)
CELSIUS = base("celsius")
COUNT = base("count")
#: 0 or 1: `up`, an enum gauge's member, an info series.
STATE = base("state")
#: A moment, in seconds since 1970; the difference of two is a duration.
TIMESTAMP = base("timestamp")
#: In whichever currency the pack's prices are.
MONEY = base("money")
MONEY_PER_HOUR = MONEY / HOURS
MONEY_PER_MILLION_TOKENS = MONEY / Unit(TOKENS.factors, 1e6)

_NAMES = {
    RATIO: "ratio",
    PERCENT: "percent",
    JOULES: "joules",
    MILLIJOULES: "millijoules",
    KILOWATT_HOURS: "kilowatt-hours",
    MILLISECONDS: "milliseconds",
    MICROSECONDS: "microseconds",
    NANOSECONDS: "nanoseconds",
    HOURS: "hours",
    MEGAHERTZ: "megahertz",
    MEBIBYTES: "mebibytes",
    WATTS: "watts",
    MONEY_PER_HOUR: "money per hour",
    MONEY_PER_MILLION_TOKENS: "money per million tokens",
    SECONDS.per_second: "ratio",
}
_SYMBOLS = {"seconds": "s", "timestamp": "unix seconds"}
for _unit in (SECONDS, TOKENS, REQUESTS, OBSERVATIONS, BYTES, CELSIUS, COUNT, STATE, TIMESTAMP):
    _NAMES.setdefault(_unit, "unix seconds" if _unit == TIMESTAMP else _unit.factors[0][0])
