"""The rules that sloth and pyrra make of our two example promises, written as data.

Names, windows, factors, waits and labels are those that sloth v0.16.0 and pyrra (August 2026) print
for a promise of 99.9 % and one of 95 % over 30 days, with what each asks an author to write filled
in. Only the selectors are ours, so that all three read the same series. Severities that page are
sloth's `page` and pyrra's `critical`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Rule = dict[str, Any]
Group = dict[str, Any]

SERVICE = "vllm"


@dataclass(frozen=True)
class Promise:
    """A promise as both tools see it: how many of a total are errors, and what they print of it."""

    #: The name that a person gives it.
    name: str
    #: The objective and the budget as Go prints them.
    objective: str
    budget: str
    #: The objective as pyrra prints it, and as a person writes it in sloth.
    target: str
    percent: str
    #: The errors and all events of a window, as an author writes them for sloth.
    errors: Callable[[str], str]
    total: Callable[[str], str]
    #: pyrra's name of the metric, its static labels and its rules over the whole period.
    metric: str
    labels: dict[str, str]
    increases: tuple[tuple[str, dict[str, str]], ...]
    availability: str
    #: What must not be absent, and for how long.
    selectors: tuple[str, ...]
    absent_for: str


_REQUESTS = 'gateway_requests_total{job="gateway"}'
_ERRORS = 'gateway_requests_total{job="gateway", outcome="error"}'
_COUNT = 'vllm:time_to_first_token_seconds_count{job="vllm"}'
_BUCKET = 'vllm:time_to_first_token_seconds_bucket{job="vllm", le="2.5"}'

AVAILABILITY = Promise(
    name="requests-availability",
    objective="0.9990000000000001",
    budget="0.0009999999999999432",
    target="0.999",
    percent="99.9",
    errors=lambda window: f"sum(rate({_ERRORS}[{window}]))",
    total=lambda window: f"sum(rate({_REQUESTS}[{window}]))",
    metric="gateway_requests",
    labels={"job": "gateway", "slo": "requests-availability"},
    increases=((f"sum by (outcome) (increase({_REQUESTS}[30d]))", {}),),
    availability=(
        '1 - sum(gateway_requests:increase30d{job="gateway", slo="requests-availability", '
        'outcome="error"} or vector(0)) '
        '/ sum(gateway_requests:increase30d{job="gateway", slo="requests-availability"})'
    ),
    selectors=(_REQUESTS,),
    absent_for="3m",
)

FIRST_TOKEN = Promise(
    name="ttft",
    objective="0.95",
    budget="0.05",
    target="0.95",
    percent="95",
    errors=lambda window: f"sum(rate({_COUNT}[{window}])) - sum(rate({_BUCKET}[{window}]))",
    total=lambda window: f"sum(rate({_COUNT}[{window}]))",
    metric="vllm:time_to_first_token_seconds",
    labels={"job": "vllm", "slo": "ttft"},
    increases=(
        (f"sum(increase({_COUNT}[30d]))", {}),
        (f"sum(increase({_BUCKET}[30d]))", {"le": "2.5"}),
    ),
    availability=(
        'sum(vllm:time_to_first_token_seconds:increase30d{job="vllm", le="2.5", slo="ttft"} '
        "or vector(0)) "
        '/ sum(vllm:time_to_first_token_seconds:increase30d{job="vllm", le="", slo="ttft"})'
    ),
    selectors=(_COUNT, _BUCKET),
    absent_for="47m",
)

SLOTH_WINDOWS = ("5m", "30m", "1h", "2h", "6h", "1d", "3d")
#: Severity, then twice: factor, short window, long window.
SLOTH_ALERTS = (
    ("page", (14.4, "5m", "1h"), (6, "30m", "6h")),
    ("ticket", (3, "2h", "1d"), (1, "6h", "3d")),
)

PYRRA_WINDOWS = ("5m", "32m", "1h4m", "2h9m", "6h26m", "1d1h43m", "4d6h51m")
#: Factor, short window, long window, wait, severity, how long the budget lasts.
PYRRA_ALERTS = (
    (14, "5m", "1h4m", "2m", "critical", "2d3h25m42s"),
    (7, "32m", "6h26m", "16m", "critical", "4d6h51m25s"),
    (2, "2h9m", "1d1h43m", "1h4m", "warning", "15d"),
    (1, "6h26m", "4d6h51m", "3h13m", "warning", "30d"),
)


def sloth(promise: Promise) -> list[Group]:
    """Return the 17 rules of a promise in their three groups."""
    identity = f"{SERVICE}-{promise.name}"
    labels = {"sloth_id": identity, "sloth_service": SERVICE, "sloth_slo": promise.name}
    own = ", ".join(f'{name}="{value}"' for name, value in labels.items())

    def ratio(window: str) -> str:
        return f"slo:sli_error:ratio_rate{window}"

    def burning(window: str, factor: float) -> str:
        limit = f"({factor:g} * {promise.budget})"
        return f"max({ratio(window)}{{{own}}} > {limit}) without (sloth_window)"

    indicators = [
        _recorded(
            ratio(window),
            f"({promise.errors(window)}) / ({promise.total(window)})",
            labels | {"sloth_window": window},
        )
        for window in SLOTH_WINDOWS
    ]
    of_month = f"{ratio('5m')}{{{own}}}[30d]"
    averaged = f"sum_over_time({of_month}) / ignoring (sloth_window) count_over_time({of_month})"
    indicators.append(_recorded(ratio("30d"), averaged, labels | {"sloth_window": "30d"}))
    over_budget = (
        f"/ on (sloth_id, sloth_slo, sloth_service) group_left () slo:error_budget:ratio{{{own}}}"
    )
    about = {
        "sloth_mode": "cli-gen-prom",
        "sloth_objective": promise.percent,
        "sloth_spec": "prometheus/v1",
        "sloth_version": "v0.16.0",
    }
    facts = [
        _recorded("slo:objective:ratio", f"vector({promise.objective})", labels),
        _recorded("slo:error_budget:ratio", f"vector(1 - {promise.objective})", labels),
        _recorded("slo:time_period:days", "vector(30)", labels),
        _recorded("slo:current_burn_rate:ratio", f"{ratio('5m')}{{{own}}} {over_budget}", labels),
        _recorded("slo:period_burn_rate:ratio", f"{ratio('30d')}{{{own}}} {over_budget}", labels),
        _recorded(
            "slo:period_error_budget_remaining:ratio",
            f"1 - slo:period_burn_rate:ratio{{{own}}}",
            labels,
        ),
        _recorded("sloth_slo_info", "vector(1)", labels | about),
    ]
    alerts = []
    for severity, *tiers in SLOTH_ALERTS:
        both = [f"({burning(s, f)} and {burning(long, f)})" for f, s, long in tiers]
        alerts.append(
            {
                "alert": "SlothBurn",
                "expr": " or ".join(both),
                "labels": {"sloth_severity": severity},
            }
        )
    return [
        {"name": f"sloth-slo-sli-recordings-{identity}", "rules": indicators},
        {"name": f"sloth-slo-meta-recordings-{identity}", "rules": facts},
        {"name": f"sloth-slo-alerts-{identity}", "rules": alerts},
    ]


def pyrra(promise: Promise) -> list[Group]:
    """Return the rules of a promise in their three groups, those of its flag included."""
    own = ", ".join(f'{name}="{value}"' for name, value in promise.labels.items())

    def burn(window: str) -> str:
        return f"{promise.metric}:burnrate{window}"

    period = [
        _recorded(f"{promise.metric}:increase30d", expr, promise.labels | more)
        for expr, more in promise.increases
    ]
    absent = [
        {
            "alert": "SLOMetricAbsent",
            "expr": f"absent({selector}) == 1",
            "for": promise.absent_for,
            "labels": promise.labels | {"severity": "critical"},
        }
        for selector in promise.selectors
    ]
    burns = [
        _recorded(
            burn(window), f"({promise.errors(window)}) / {promise.total(window)}", promise.labels
        )
        for window in PYRRA_WINDOWS
    ]
    alerts = []
    for factor, short, long, wait, severity, exhaustion in PYRRA_ALERTS:
        limit = f"({factor} * (1 - {promise.target}))"
        about = {"short": short, "long": long, "severity": severity, "exhaustion": exhaustion}
        alerts.append(
            {
                "alert": "ErrorBudgetBurn",
                "expr": f"{burn(short)}{{{own}}} > {limit} and {burn(long)}{{{own}}} > {limit}",
                "for": wait,
                "labels": promise.labels | about,
            }
        )
    errors, total = promise.errors("5m"), promise.total("5m")
    generic = [
        _recorded("pyrra_objective", f"vector({promise.target})", promise.labels),
        _recorded("pyrra_window", "vector(2592000)", promise.labels),
        _recorded("pyrra_availability", promise.availability, promise.labels),
        _recorded("pyrra_requests:rate5m", total, promise.labels),
        _recorded("pyrra_errors:rate5m", f"{errors} or vector(0)", promise.labels),
    ]
    return [
        {"name": f"{promise.name}-increase", "interval": "2m30s", "rules": [*period, *absent]},
        {"name": promise.name, "interval": "30s", "rules": [*burns, *alerts]},
        {"name": f"{promise.name}-generic", "interval": "30s", "rules": generic},
    ]


def _recorded(name: str, expr: str, labels: dict[str, str]) -> Rule:
    return {"record": name, "expr": expr, "labels": dict(labels)}
