"""Numbers as Grafana writes them: scaled by their unit, with three digits that count."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime

_SI = ("", "K", "M", "B", "T")
_METRIC = ("", "k", "M", "G", "T")
_BINARY = ("B", "KiB", "MiB", "GiB", "TiB")
#: From which size on a duration is told in what.
_TIMES = (
    *((1e-9, "ns"), (1e-6, "µs"), (1e-3, "ms"), (1.0, "s")),
    *((60.0, "min"), (3600.0, "hour"), (86_400.0, "day"), (604_800.0, "week")),
)
_IN_SECONDS = {"s": 1.0, "ms": 1e-3, "µs": 1e-6}
_COUNTED = {"reqps": "req/s", "cps": "c/s", "ops": "ops/s"}
_PREFIXED = {"watt": "W", "joule": "J", "Bps": "B/s", "hertz": "Hz", "flops": "FLOPS"}


def value_text(value: float, unit: str, decimals: int | None = None) -> str:
    """Return a value with its unit."""
    if not math.isfinite(value):
        return "+Inf" if value > 0 else str(value)
    if unit in _IN_SECONDS:
        return _duration(value * _IN_SECONDS[unit], decimals)
    if unit == "percentunit":
        return f"{_number(value * 100, decimals)}%"
    if unit == "celsius":
        return f"{_number(value, decimals)} °C"
    if unit == "bytes":
        return _scaled(value, 1024, _BINARY, decimals, " ")
    if unit == "kwatth":
        return _scaled(value * 1e3, 1000, [f"{p}Wh" for p in _METRIC], decimals, " ")
    if unit == "dateTimeAsIso":
        return datetime.fromtimestamp(value / 1e3, UTC).strftime("%Y-%m-%d %H:%M:%S")
    if unit in _PREFIXED:
        return _scaled(value, 1000, [f"{p}{_PREFIXED[unit]}" for p in _METRIC], decimals, " ")
    kind, _, name = unit.partition(":")
    if kind == "suffix":
        return f"{_number(value, decimals)} {name.strip()}"
    if unit in _COUNTED or kind == "count":
        return f"{_scaled(value, 1000, _SI, decimals)} {_COUNTED.get(unit, name)}"
    endings = ("", " K", " Mil", " Bil", " Tri")
    return _scaled(value, 1000, endings, decimals)


def _duration(seconds: float, decimals: int | None) -> str:
    if seconds == 0:
        return "0 s"
    size, name = next(
        (each for each in reversed(_TIMES) if abs(seconds) >= each[0] * (1 - 1e-9)), _TIMES[0]
    )
    text = _number(seconds / size, decimals)
    return f"{text} {name}{'s' if name in ('hour', 'day', 'week') and text != '1' else ''}"


def _scaled(
    value: float, base: float, names: Sequence[str], decimals: int | None, between: str = ""
) -> str:
    place = 0
    while abs(value) >= base and place < len(names) - 1:
        value /= base
        place += 1
    return f"{_number(value, decimals)}{between}{names[place]}"


def _number(value: float, decimals: int | None) -> str:
    if decimals is None:
        size = math.floor(math.log10(abs(value))) if value else 0
        decimals = max(0, 2 - size) if abs(value) < 1e9 else 0
        text = f"{value:.{min(decimals, 6)}f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    return f"{value:.{decimals}f}"
