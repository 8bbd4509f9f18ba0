"""The KV cache: nearly full, full, and what an engine does then."""

from __future__ import annotations

from collections.abc import Iterator

from llmdash.alerts.alert import Alert
from llmdash.alerts.questions import MODEL, Questions, above, engine_called, more_than, on_fleet
from llmdash.levels import BY_MODEL, Level
from llmdash.promql.expressions import counted_as, joined, total
from llmdash.promql.nodes import Binary
from llmdash.promql.windows import Duration
from llmdash.slos.tiers import Severity

_PANEL = on_fleet("kv-cache")


def kv_cache_alerts(asked: Questions) -> Iterator[Alert]:
    """Yield what a full KV cache is told by; nothing where no source knows how full one is."""
    if asked.has("kv_cache_use"):
        yield from _full(asked)
    if asked.has("preemptions", "requests"):
        yield _preempted(asked)
    if asked.has("requests_swapped"):
        yield _swapped(asked)


def _full(asked: Questions) -> Iterator[Alert]:
    use = asked.layer.gauge("kv_cache_use", level=Level.INSTANCE)
    engine = engine_called(use)
    yield Alert(
        name="KvCacheNearlyFull",
        expr=above(use, asked.limits.kv_cache_nearly_full),
        wait=Duration.parse("2m"),
        severity=Severity.TICKET,
        summary=f"KV cache of {engine} is {{{{ $value | humanizePercentage }}}} full",
        description="Live requests hold nearly all of the engine's KV cache. When it is full, new "
        "requests wait and running ones are preempted, and their work is done twice.",
        panel=_PANEL,
    )
    yield Alert(
        name="KvCacheFull",
        expr=above(use, asked.limits.kv_cache_full),
        wait=Duration.parse("30s"),
        # An engine at the edge preempts, and is below it for a moment.
        keep_firing=Duration.parse("2m"),
        severity=Severity.PAGE,
        summary=f"KV cache of {engine} is full ({{{{ $value | humanizePercentage }}}})",
        description="The engine has no room for another request: new ones wait, running ones are "
        "preempted and begin anew. First tokens are late until load falls or replicas are added.",
        panel=_PANEL,
    )


def _preempted(asked: Questions) -> Alert:
    preempted = total(asked.layer.counter("preemptions"), BY_MODEL)
    # Up to so many of those that end, each once.
    as_many = counted_as(
        total(asked.layer.counter("requests"), BY_MODEL) * asked.limits.preemptions_per_request,
        preempted.unit,
    )
    window = asked.layer.intervals.rate_window
    return Alert(
        name="PreemptionStorm",
        # Compared and not divided: where requests end no more at all, there is no share of them.
        expr=joined(
            Binary(">", preempted, as_many),
            "and",
            more_than(preempted, asked.limits.preemptions_fewest, window),
        ),
        wait=Duration.parse("5m"),
        severity=Severity.TICKET,
        summary=f"{{{{ $value | humanize }}}} requests to {MODEL} are preempted each second, over "
        f"{asked.limits.preemptions_per_request:g} for each that ends",
        description="The engines take on more requests than their KV cache holds, and throw them "
        "out again: their work is done twice, and streams stand still meanwhile.",
        panel=on_fleet("preemptions"),
    )


def _swapped(asked: Questions) -> Alert:
    return Alert(
        name="RequestsSwapped",
        expr=above(total(asked.layer.gauge("requests_swapped"), BY_MODEL), 0),
        wait=Duration.parse("1m"),
        severity=Severity.TICKET,
        summary=f"{{{{ $value }}}} requests to {MODEL} are swapped out to CPU memory",
        description="The KV cache had no room for them: they stand still until their blocks are "
        "copied back. Engines of today preempt instead and have no such requests.",
        panel=_PANEL,
    )
