"""Bucket edges of histograms: which exist, how an exporter spells them, and where they differ."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from llmdash.errors import PromqlError
from llmdash.promql.units import Unit


@dataclass(frozen=True)
class Edges:
    """The finite upper edges of a histogram, ascending; `+Inf` is always there besides.

    `values` are the edges that every series has. Where series differ, `varies_by` names the labels
    that tell them apart, and `by_source` the edges of each source if the label is `source`.
    """

    values: tuple[float, ...]
    #: What the edges are measured in (the observed quantity, not the count of observations).
    unit: Unit
    varies_by: frozenset[str] = frozenset()
    by_source: tuple[tuple[str, tuple[float, ...]], ...] = ()

    def __post_init__(self) -> None:
        """Refuse edges that do not ascend, or are no finite numbers."""
        if any(not math.isfinite(edge) for edge in self.values):
            raise PromqlError("finite edges", "a histogram", str(self.values))
        if list(self.values) != sorted(set(self.values)):
            raise PromqlError("ascending edges", "a histogram", str(self.values))

    def require(self, threshold: float, place: str) -> None:
        """Raise a PromqlError naming the nearest edges when the threshold is none."""
        if threshold in self.values:
            return
        raise PromqlError("a bucket edge", place, _said(threshold), self.nearest(threshold))

    def nearest(self, threshold: float) -> str:
        """Name the edges below and above a threshold."""
        below = [edge for edge in self.values if edge < threshold]
        above = [edge for edge in self.values if edge > threshold]
        near = [_said(edge) for edge in (*below[-1:], *above[:1])]
        verb = "edges are" if len(near) > 1 else "edge is"
        return f"the nearest {verb} {' and '.join(near)}" if near else "it has no finite edge"

    @classmethod
    def of_sources(cls, by_source: Mapping[str, Edges]) -> Edges:
        """Join the edges of several sources: the values are those that all of them share."""
        units = {edges.unit for edges in by_source.values()}
        if len(units) != 1:
            got = " and ".join(sorted(str(unit) for unit in units))
            raise PromqlError("edges in one unit", "a histogram of several sources", got)
        shared = set.intersection(*(set(edges.values) for edges in by_source.values()))
        varies = frozenset[str]().union(*(edges.varies_by for edges in by_source.values()))
        if len({edges.values for edges in by_source.values()}) > 1:
            varies |= {"source"}
        each = tuple((source, edges.values) for source, edges in sorted(by_source.items()))
        return cls(tuple(sorted(shared)), units.pop(), varies, each)

    @property
    def top(self) -> float | None:
        """The greatest finite edge of any series; None where that is not known."""
        if self.varies_by - {"source"}:
            return None
        edges = {edge for _, own in self.by_source for edge in own}.union(self.values)
        return max(edges, default=None)

    def among(self, is_chosen: Callable[[str], bool]) -> Edges:
        """Return the edges of some of the sources."""
        own = [(source, values) for source, values in self.by_source if is_chosen(source)]
        if len(own) == 1:
            return self.pinned(own[0][0])
        varies = self.varies_by - {"source"}
        each = {source: Edges(values, self.unit, varies) for source, values in own}
        return Edges.of_sources(each) if each else self

    def pinned(self, source: str) -> Edges:
        """Return the edges of one source alone."""
        values = dict(self.by_source).get(source, self.values)
        return Edges(values, self.unit, self.varies_by - {"source"})


def _said(edge: float) -> str:
    # As short as it can be without making two edges look alike.
    short = f"{edge:g}"
    return short if float(short) == edge else repr(edge).removesuffix(".0")


def spellings(edge: float) -> tuple[str, ...]:
    """Return every way in which exporters and Prometheus write an edge in `le`.

    Go and Triton print `5`, Python's client `5.0`; Prometheus 3 stores `5.0`, Prometheus 2 what it
    scraped. From a million on, and below 0.0001, Go and Python use an exponent (`1e+06`, `1e-05`);
    Triton and Rust write such edges out.
    """
    if math.isinf(edge):
        return ("+Inf",)
    digits = Decimal(repr(float(edge)))
    written_out = f"{digits.normalize():f}"
    found = {written_out}
    exponent = digits.adjusted()
    if edge and not -4 <= exponent < 6:
        found.add(f"{digits.scaleb(-exponent).normalize():f}e{exponent:+03d}")
    if edge == int(edge):
        found.add(f"{written_out}.0")
    return tuple(sorted(found))


def le_pattern(edges: Iterable[float]) -> str:
    """Return the regular expression (Prometheus anchors it) for all spellings of these edges."""
    texts = [text for edge in edges for text in spellings(edge)]
    return "|".join(re.escape(text).replace("\\-", "-") for text in texts)


_PART = re.compile(r"\+Inf|[+-]?\d+(\.\d+)?(e[+-]?\d+)?", re.ASCII)


def edges_named(pattern: str) -> tuple[float, ...]:
    r"""Return the edges that a pattern for `le` names: `2\.5`, `5(\.0)?` and unions of these.

    Raises:
        PromqlError: it holds something else.
    """
    for part in _spelled(pattern):
        if _PART.fullmatch(part) is None:
            raise PromqlError("numbers joined by |", "a matcher on le", part)
    return tuple(sorted({float(part) for part in _spelled(pattern)}))


def check_spellings(pattern: str, place: str) -> None:
    """Raise a PromqlError when a pattern for `le` misses a spelling of an edge that it names."""
    for edge in edges_named(pattern):
        if not _spelled(pattern).issuperset(spellings(edge)):
            expected = f"every spelling of an edge ({', '.join(spellings(edge))})"
            raise PromqlError(expected, place, pattern, "say at_most or at_edges")


def _spelled(pattern: str) -> set[str]:
    parts = [part.replace("(\\.0)?", end) for part in pattern.split("|") for end in ("", ".0")]
    return {part.replace("\\", "") for part in parts}
