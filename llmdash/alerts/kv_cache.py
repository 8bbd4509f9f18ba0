"""The KV cache: nearly full, full, and what an engine does then."""

from __future__ import annotations

from collections.abc import Iterator

from llmdash.alerts.alert import Alert, Shown
from llmdash.alerts.questions import ENGINE, Questions, above
from llmdash.levels import Level
from llmdash.promql.windows import Duration
from llmdash.slos.tiers import Severity

_PANEL = Shown("llm-fleet", "kv-cache", ("source", "model"))


def kv_cache_alerts(asked: Questions) -> Iterator[Alert]:
    """Yield what a full KV cache is told by; nothing where no source knows how full one is."""
    if asked.has("kv_cache_use"):
        yield from _full(asked)


def _full(asked: Questions) -> Iterator[Alert]:
    use = asked.layer.gauge("kv_cache_use", level=Level.INSTANCE)
    yield Alert(
        name="KvCacheNearlyFull",
        expr=above(use, asked.limits.kv_cache_nearly_full),
        wait=Duration.parse("2m"),
        severity=Severity.TICKET,
        summary=f"KV cache of {ENGINE} is {{{{ $value | humanizePercentage }}}} full",
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
        summary=f"KV cache of {ENGINE} is full ({{{{ $value | humanizePercentage }}}})",
        description="The engine has no room for another request: new ones wait, running ones are "
        "preempted and begin anew. First tokens are late until load falls or replicas are added.",
        panel=_PANEL,
    )
