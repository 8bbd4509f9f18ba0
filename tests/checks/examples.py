"""Small builds made by hand, for checks to find something in, or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llmdash.build import Build
from llmdash.intervals import Intervals
from llmdash.pack import Pack
from llmdash.promql.windows import Duration
from llmdash.sources.source import Source

RULES = "rules/inn.yaml"
PAGE = "dashboards/Inn/inn.json"


def pack(*sources: Source, **lengths: str) -> Pack:
    """Return a pack without pages, of these sources and intervals."""
    intervals = Intervals(**{name: Duration.parse(text) for name, text in lengths.items()})  # type: ignore[arg-type]
    return Pack(sources=sources, shared_pages=(), source_pages={}, intervals=intervals)


def rule(expr: str, record: str = "llm:guests:sum", **labels: str) -> dict[str, Any]:
    """Return a recording rule as plain data."""
    return {"record": record, "expr": expr, "labels": labels}


def panel(*expressions: str, title: str = "Guests") -> dict[str, Any]:
    """Return a panel with these targets as plain data."""
    targets = [{"refId": chr(65 + place), "expr": expr} for place, expr in enumerate(expressions)]
    return {"type": "timeseries", "title": title, "targets": targets}


def build(
    *rules: dict[str, Any],
    panels: tuple[dict[str, Any], ...] = (),
    annotations: Mapping[str, str] | None = None,
    of: Pack | None = None,
) -> Build:
    """Return a build of one group of rules and one page."""
    events = [{"name": name, "expr": expr} for name, expr in (annotations or {}).items()]
    page = {"panels": list(panels), "annotations": {"list": [{"name": "built in"}, *events]}}
    groups = {"groups": [{"name": "llmdash-inn", "rules": list(rules)}]}
    return Build(of or pack(), (), {PAGE: page}, {RULES: groups})
