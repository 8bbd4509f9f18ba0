"""Rules of promises evaluated in plain Python, minute by minute, to compare with the closed form.

One model on one source is simulated, so a vector is a list of values without labels: the series of
one name is one value, and what `or` joins here differs by a label and is kept side by side.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Sequence

from llmdash.alerts.alert import Alert
from llmdash.promql.nodes import Aggregate, Binary, Call, Expr, Number, Selector
from llmdash.recordings import Recording

TILE_MINUTES = 5

_ARITHMETIC: dict[str, Callable[[float, float], float]] = {"-": operator.sub, "*": operator.mul}


class Simulation:
    """The history of every series, one value a minute."""

    def __init__(self, windows: Sequence[Recording], alerts: Sequence[Alert]) -> None:
        self._windows, self._alerts = windows, alerts
        #: Until which minute an alert fires on.
        self._until: dict[int, int] = {}
        self._events: list[dict[str, float]] = []
        self._series: list[dict[str, float]] = []

    def minute(self, **events: float) -> list[Alert]:
        """Let a minute pass with so many events of each kind; return the alerts that fire then."""
        self._events.append(events)
        recent = self._events[-TILE_MINUTES:]
        tiles = {
            f"llm:slo_{kind}:increase5m": sum(minute[kind] for minute in recent) for kind in events
        }
        self._series.append(tiles)
        for recording in self._windows:
            (tiles[recording.name],) = self._value(recording.expr)
        minute = len(self._series)
        for alert in self._alerts:
            if self._value(alert.expr):
                lingers = 0 if alert.keep_firing is None else round(alert.keep_firing.seconds / 60)
                self._until[id(alert)] = minute + lingers
        return [alert for alert in self._alerts if self._until.get(id(alert), -1) >= minute]

    def _value(self, expr: Expr) -> list[float]:
        match expr:
            case Number(value=value):
                return [value]
            case Selector():
                return self._of_series(expr)
            case Call(function="label_replace", arguments=(of, *_)):
                return self._value(of)
            case Aggregate(operator="sum", of=of):
                return _summed(self._value(of))
            case Binary(operator="or", left=left, right=right):
                return self._value(left) + self._value(right)
            case Binary(operator="and", left=left, right=right):
                return self._value(left) if self._value(right) else []
            case Binary(operator=">", left=left, right=right):
                return [a for a, b in self._pairs(left, right) if a > b]
            case Binary(operator=sign, left=left, right=right) if sign in _ARITHMETIC:
                return [_ARITHMETIC[sign](a, b) for a, b in self._pairs(left, right)]
        raise AssertionError(f"not simulated: {expr}")

    def _pairs(self, left: Expr, right: Expr) -> Iterable[tuple[float, float]]:
        return zip(self._value(left), self._value(right), strict=False)

    def _of_series(self, selector: Selector) -> list[float]:
        ago = round(selector.ago.seconds / 60) if selector.ago is not None else 0
        if ago >= len(self._series):
            return []
        values = self._series[-1 - ago]
        name = selector.series.name
        # A name that nobody records is a mistake of the rules, and no gap.
        assert name in values, f"{name} is not recorded"
        return [values[name]]


def _summed(values: Sequence[float]) -> list[float]:
    return [sum(values)] if values else []
