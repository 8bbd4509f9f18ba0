"""The panels of built pages, and what they ask: whether each has data is asked until it has."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llmstack.errors import ConfigurationError

#: What Grafana puts in place of these, with some scrapes of 15 s in each.
_INTERVALS = {"$__rate_interval": "1m", "$__range": "5m", "$__interval": "15s"}
#: Every variable of the pages is about labels, and is asked for all of them.
_VARIABLE = re.compile(r"\$\{?[a-z_]+\}?")


@dataclass(frozen=True)
class Panel:
    """One panel, and the queries of which one at least must have data."""

    page: str
    title: str
    queries: tuple[str, ...]


def read_panels(generated: Path, sources: frozenset[str]) -> tuple[Panel, ...]:
    """Return the panels of pages over all sources, and of those of some.

    Args:
        generated: what `llmdash build` wrote.
        sources: those that are there; the pages of others are left out.

    Raises:
        ConfigurationError: there are none, or one cannot be read.
    """
    found = [
        panel
        for path in sorted(generated.glob("dashboards/*/*.json"))
        for panel in _panels(_read(path), sources)
    ]
    if not found:
        raise ConfigurationError(f"{generated}: no dashboards; run llmdash build")
    return tuple(found)


def _read(path: Path) -> dict[str, Any]:
    try:
        page = json.loads(path.read_text())
    except ValueError as error:
        raise ConfigurationError(f"{path}: no JSON: {error}; run llmdash build") from error
    if not isinstance(page, dict) or not isinstance(page.get("uid"), str):
        raise ConfigurationError(f"{path}: no dashboard; run llmdash build")
    return page


def _panels(page: dict[str, Any], sources: frozenset[str]) -> Iterator[Panel]:
    # Uids are llm-<source>-<page>, or llm-<page> over all sources.
    parts = page["uid"].removeprefix("llm-").rpartition("-")
    if parts[0] and parts[0] not in sources:
        return
    for panel in _flat(page.get("panels", [])):
        queries = tuple(
            asked(target["expr"]) for target in panel.get("targets", []) if target.get("expr")
        )
        if queries:
            yield Panel(page["title"], panel.get("title", ""), queries)


def _flat(panels: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for panel in panels:
        yield panel
        # A closed row holds its own.
        yield from _flat(panel.get("panels", []))


def asked(expression: str) -> str:
    """Return a panel's query as it is asked without Grafana: over all, and lately."""
    for name, interval in _INTERVALS.items():
        expression = expression.replace(name, interval)
    return _VARIABLE.sub(".*", expression)
