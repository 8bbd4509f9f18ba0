"""What is asked of several back ends at once: every question by source, and a colour for each.

No two sources' buckets are ever added up: each has edges of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from llmdash.dashboards.layer_page import LayerPage
from llmdash.dashboards.panels import Query, TimeSeries
from llmdash.dashboards.style import source_colors
from llmdash.layer import Layer
from llmdash.promql.expressions import first_of, total
from llmdash.promql.nodes import Expr
from llmdash.signals import signal
from llmdash.sources.source import Role

BY = ("source",)


@dataclass(frozen=True)
class Comparison:
    """Asks the recordings of engines by source, of what the reader has chosen."""

    layer: Layer

    @property
    def asked(self) -> LayerPage:
        """The engines' recordings."""
        return LayerPage(self.layer)

    @property
    def names(self) -> tuple[str, ...]:
        """The sources that are compared, in the order of their colours."""
        return tuple(source.name for source in self.layer.sources if source.role is Role.ENGINE)

    def per_request(self) -> Expr:
        """Return tokens that a request gets each second while it is in the engine.

        All requests together spend as many seconds each second as there are of them (Little's
        law), so this is tokens per second per request, also where nobody counts running ones, and
        where requests are over before a scrape sees them running.
        """
        tokens = self.asked.counter("generation_tokens", BY)
        return tokens / self.asked.seconds("end_to_end_latency", BY)

    def per_engine(self) -> Expr:
        """Return tokens each second for each engine; targets stand in where nobody counts these."""
        up = total(self.asked.of_source(self.asked.layer.gauge("up", "sum")), BY)
        engines: Expr = up
        if self.asked.has("requests_running"):
            counted = total(self.asked.gauge("requests_running", "count"), BY)
            engines = first_of(counted, up)
        return self.asked.counter("generation_tokens", BY) / engines

    def _length(self, name: str, tokens: str) -> Expr | None:
        """Return a mean length; tokens over requests where a source counts no lengths."""
        found: list[Expr] = []
        if self.asked.has(name):
            found.append(self.asked.mean(name, BY))
        if self.asked.has(tokens):
            found.append(self.asked.counter(tokens, BY) / self.asked.counter("requests", BY))
        return first_of(*found) if found else None

    def lengths(self) -> Iterator[tuple[str, str, Expr]]:
        """Yield the mean length of prompts and of answers: its key, its title, and itself."""
        for key, name, tokens in (
            ("prompt-length", "prompt_length", "prompt_tokens"),
            ("generation-length", "generation_length", "generation_tokens"),
        ):
            length = self._length(name, tokens)
            if length is not None:
                yield key, f"{signal(name).title}, mean", length

    def lines(
        self,
        key: str,
        title: str,
        description: str,
        expr: Expr,
        *,
        width: int = 12,
    ) -> TimeSeries:
        """Return a panel with a line for each source, in its colour."""
        return TimeSeries(
            key=key,
            title=title,
            description=description,
            queries=(Query("by-source", expr, "{{source}}"),),
            colors=source_colors(self.names),
            width=width,
        )
