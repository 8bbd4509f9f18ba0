"""What Grafana calls our units; a unit that is not here cannot be shown."""

from __future__ import annotations

from llmdash.errors import DashboardError
from llmdash.promql.expressions import convert
from llmdash.promql.nodes import Expr
from llmdash.promql.units import (
    BYTES,
    CELSIUS,
    COUNT,
    JOULES,
    KILOWATT_HOURS,
    MICROSECONDS,
    MILLISECONDS,
    MONEY_PER_HOUR,
    MONEY_PER_MILLION_TOKENS,
    OBSERVATIONS,
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

#: Grafana counts time since 1970 in milliseconds; `shown` converts.
_MOMENT = Unit(TIMESTAMP.factors, 1e-3)
#: How long a thousand tokens take.
PER_THOUSAND_TOKENS = SECONDS / Unit(TOKENS.factors, 1e3)

GRAFANA_UNITS: dict[Unit, str] = {
    RATIO: "percentunit",
    RATIO.per_second: "hertz",
    SECONDS: "s",
    MILLISECONDS: "ms",
    MICROSECONDS: "µs",
    _MOMENT: "dateTimeAsIso",
    BYTES: "bytes",
    BYTES.per_second: "Bps",
    WATTS: "watt",
    JOULES: "joule",
    KILOWATT_HOURS: "kwatth",
    JOULES / TOKENS: "suffix: J/tok",
    TOKENS / JOULES: "suffix: tok/J",
    # Scaled like a duration (85 ms); the title says that it is for a thousand tokens.
    PER_THOUSAND_TOKENS: "s",
    base("flops").per_second: "flops",
    base("flops") / BYTES: "suffix: FLOP/B",
    TOKENS / base("drafts"): "suffix: tok/draft",
    TOKENS / base("steps"): "suffix: tok/step",
    CELSIUS: "celsius",
    # Titles name the currency, which is the pack's.
    MONEY_PER_HOUR: "suffix: /h",
    MONEY_PER_MILLION_TOKENS: "suffix: /Mtok",
    COUNT: "short",
    COUNT.per_second: "cps",
    STATE: "short",
    # `count:` shortens to K, M, B as `reqps` does; `suffix:` would print every digit.
    TOKENS: "count:tok",
    TOKENS.per_second: "count:tok/s",
    # Titles say of what: of an engine, of a GPU.
    TOKENS.per_second / COUNT: "count:tok/s",
    REQUESTS: "count:req",
    REQUESTS.per_second: "reqps",
    OBSERVATIONS: "short",
    OBSERVATIONS.per_second: "ops",
}

_NOT_COUNTED = frozenset({"seconds", "timestamp", "bytes", "watts", "celsius", "state", "money"})


def grafana_unit(unit: Unit) -> str:
    """Return Grafana's id of a unit; things counted one by one need no entry of their own.

    A title says what is counted; an axis that repeats it at each line takes the room of the graph.

    Raises:
        DashboardError: Grafana has no such unit and the table no way round it.
    """
    known = GRAFANA_UNITS.get(unit)
    if known is not None:
        return known
    counted = unit * SECONDS
    for candidate, known_as in ((unit, "short"), (counted, "count:/s")):
        if candidate.scale == 1 and len(candidate.factors) == 1:
            ((name, power),) = candidate.factors
            if power == 1 and name not in _NOT_COUNTED:
                return known_as
    hint = "add it to GRAFANA_UNITS, or convert the expression"
    raise DashboardError("grafana units", "a unit that Grafana can show", str(unit), hint)


def shown_as(unit: Unit) -> Unit:
    """Return the unit in which values are sent to Grafana: a moment is told in milliseconds."""
    return _MOMENT if unit == TIMESTAMP else unit


def shown(expression: Expr) -> Expr:
    """Return the expression in the unit that Grafana expects."""
    return (
        convert(expression, shown_as(expression.unit))
        if expression.unit == TIMESTAMP
        else expression
    )
