"""Latencies that are bad whatever was promised, and first tokens that are later than they were."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from llmdash.alerts.alert import Alert
from llmdash.alerts.questions import MODEL, Questions, above, more_than, on_fleet
from llmdash.dashboards.fleet.bucket_reach import Reach
from llmdash.dashboards.source_page import percent
from llmdash.levels import BY_MODEL
from llmdash.promql.expressions import joined, mean_of, over_time, quantile, total
from llmdash.promql.nodes import Binary, Expr, Selector
from llmdash.promql.windows import Duration
from llmdash.signals import signal
from llmdash.slos.tiers import Severity

#: Long enough that a mean is steady at a request a minute.
_WHILE = Duration.parse("30m")
_YESTERDAY = Duration.parse("1d")


@dataclass(frozen=True)
class _Slow:
    """A quantile of one latency that is too high."""

    name: str
    signal: str
    share: float
    #: In seconds.
    limit: float
    text: str


def latency_alerts(asked: Questions) -> Iterator[Alert]:
    """Yield what is told of latencies, where the buckets of some source reach beyond the limit.

    Where no last bucket edge is above it, no quantile ever is: an alert could not fire.
    """
    limits = asked.limits
    for slow in (
        _Slow(
            "FirstTokenSlow",
            "time_to_first_token",
            0.95,
            limits.first_token_p95,
            "Users look at an empty answer for that long. Either requests wait for an engine "
            "(see the queue), or prompts take long to read (see their length).",
        ),
        _Slow(
            "TokensSlow",
            "inter_token_latency",
            0.99,
            limits.inter_token_p99,
            "Streams stand still for that long between two outputs: the engine preempts, "
            "reads long prompts in between, or its GPUs are held back.",
        ),
        _Slow(
            "AnswersSlow",
            "end_to_end_latency",
            0.99,
            limits.end_to_end_p99,
            "Whole answers take that long. Long answers may be as they should; if their "
            "length has not changed, look at first tokens and at the gaps between tokens.",
        ),
    ):
        expr = _above_quantile(asked, slow)
        if expr is not None:
            yield _alert(slow, expr)
    if asked.has("time_to_first_token"):
        yield _slower_than_usual(asked)


def _alert(slow: _Slow, expr: Expr) -> Alert:
    return Alert(
        name=slow.name,
        expr=expr,
        wait=Duration.parse("5m"),
        severity=Severity.TICKET,
        summary=f"{percent(slow.share)} of {signal(slow.signal).title.lower()} is "
        f"{{{{ $value | humanizeDuration }}}} for {MODEL}",
        description=slow.text,
        panel=on_fleet(f"{slow.signal.replace('_', '-')}-by-model"),
    )


def _above_quantile(asked: Questions, slow: _Slow) -> Expr | None:
    if not asked.layer.has(slow.signal, buckets=True):
        return None
    reach = Reach(asked.layer, slow.signal)
    # A quantile is never above the last edge: of a source that ends below the limit none is told.
    if not any(max(reach.edges(source)) > slow.limit for source in reach.sources):
        return None
    buckets = total(asked.layer.buckets(slow.signal), ("le", *BY_MODEL))
    return above(quantile(slow.share, buckets), slow.limit)


def _slower_than_usual(asked: Questions) -> Alert:
    """Return first tokens that are later than a day ago, though no more is asked."""
    name, limits = "time_to_first_token", asked.limits
    now, before = (_mean(asked, name, ago) for ago in (None, _YESTERDAY))
    slower = Binary(">", now, before * limits.slower_than_usual)
    begun, begun_before = (_rate(asked, name, ago) for ago in (None, _YESTERDAY))
    expr = joined(slower, "and", Binary("<", begun, begun_before * limits.same_load), on=BY_MODEL)
    # A mean of few says little.
    for rate in (begun_before, begun):
        expr = joined(expr, "and", more_than(rate, limits.usual_fewest, _WHILE), on=BY_MODEL)
    length = "prompt_length"
    if asked.has(length):
        longer = Binary(
            ">", _mean(asked, length, None), _mean(asked, length, _YESTERDAY) * limits.same_load
        )
        expr = joined(expr, "unless", longer, on=BY_MODEL)
    return Alert(
        name="FirstTokenSlowerThanUsual",
        expr=expr,
        wait=Duration.parse("15m"),
        severity=Severity.TICKET,
        summary=f"first tokens of {MODEL} take {{{{ $value | humanizeDuration }}}} on average, "
        f"{limits.slower_than_usual:g} times of a day ago at no higher load",
        description="Neither more requests than a day ago nor, where the source tells their "
        "length, longer prompts explain it: look for what changed (image, driver, configuration, "
        "clocks of GPUs, a neighbour on the node).",
        panel=on_fleet("time-to-first-token-by-model"),
    )


def _mean(asked: Questions, name: str, ago: Duration | None) -> Expr:
    sums, counts = (
        total(over_time("sum", _at(of, ago), _WHILE), BY_MODEL)
        for of in (asked.layer.sums(name), asked.layer.counts(name))
    )
    return mean_of(sums, counts)


def _rate(asked: Questions, name: str, ago: Duration | None) -> Expr:
    return total(over_time("avg", _at(asked.layer.counts(name), ago), _WHILE), BY_MODEL)


def _at(of: Selector, ago: Duration | None) -> Selector:
    return of if ago is None else of.offset(ago)
