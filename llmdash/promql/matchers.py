"""Conditions on labels: what a matcher may say, and which bucket edges one on `le` leaves."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from llmdash.errors import PromqlError
from llmdash.promql.edges import Edges, check_spellings, edges_named
from llmdash.promql.labels import is_label_name

MatchOperator = Literal["=", "!=", "=~", "!~"]


@dataclass(frozen=True)
class Variable:
    """A dashboard variable as a matcher's value; `single` if it holds one value at a time."""

    name: str
    single: bool = False


@dataclass(frozen=True)
class Matcher:
    """One condition on a label."""

    label: str
    operator: MatchOperator
    value: str | Variable

    @property
    def pins(self) -> bool:
        """Tell whether the label holds one value in all series that match."""
        if isinstance(self.value, Variable):
            return self.value.single and self.operator in ("=", "=~")
        return self.operator == "="

    @property
    def pinned_value(self) -> str:
        """The value of a label that is pinned; a variable's name begins with a dollar."""
        return f"${self.value.name}" if isinstance(self.value, Variable) else self.value

    def accepts(self, value: str) -> bool:
        """Tell whether a label of this value matches; a variable may stand for anything."""
        if isinstance(self.value, Variable):
            return True
        if self.operator in ("=", "!="):
            return (self.value == value) == (self.operator == "=")
        found = check_pattern(self.value, self.label).fullmatch(value) is not None
        return found == (self.operator == "=~")

    def __str__(self) -> str:
        """Say the condition as PromQL does, with a variable's name for its value."""
        return f'{self.label}{self.operator}"{self.pinned_value}"'


# RE2 promises linear time, so it has no lookaround and no back references.
_NOT_IN_RE2 = re.compile(r"\((?:\?(?!:|P<|[ims]+[:)]))|\\[1-9Z]|\\[NuU]")
_ESCAPED_BACKSLASH = re.compile(r"\\\\")
_REPEAT = re.compile(r"\{(?:\d*,)?(\d+),?\}", re.ASCII)
#: RE2 repeats no part of a pattern more often.
_MOST_REPEATS = 1000


def check_pattern(pattern: str, place: str) -> re.Pattern[str]:
    """Return a regular expression that Prometheus understands too, or raise a PromqlError."""
    bare = _ESCAPED_BACKSLASH.sub("", pattern)
    repeats = [int(count) for count in _REPEAT.findall(bare)]
    try:
        compiled = re.compile(pattern, re.DOTALL)
    except (re.error, OverflowError):
        compiled = None
    if compiled is None or _NOT_IN_RE2.search(bare) or max(repeats, default=0) > _MOST_REPEATS:
        raise PromqlError("a regular expression of RE2", place, pattern)
    return compiled


def check_matcher(matcher: Matcher, allowed: Sequence[str] | None, place: str) -> None:
    """Raise a PromqlError for a matcher that PromQL cannot spell, or that no series can satisfy."""
    if not is_label_name(matcher.label):
        raise PromqlError("a label name", place, repr(matcher.label))
    if isinstance(matcher.value, Variable):
        return
    if matcher.value.startswith("$"):
        name = matcher.value.strip("${}")
        raise PromqlError("a value", place, matcher.value, f'say Variable("{name}")')
    is_pattern = matcher.operator in ("=~", "!~")
    if is_pattern:
        check_pattern(matcher.value, place)
    if allowed is None or matcher.value == "":
        return
    # What a negation excludes must be possible too, or it excludes nothing.
    positive = Matcher(matcher.label, "=~" if is_pattern else "=", matcher.value)
    if not any(positive.accepts(value) for value in allowed):
        of = f"one of {', '.join(allowed)}"
        expected = f"a pattern that matches {of}" if is_pattern else f"{matcher.label} {of}"
        raise PromqlError(expected, place, matcher.value)


def check_together(matchers: Sequence[Matcher], place: str) -> None:
    """Raise a PromqlError for matchers of which no series can satisfy all."""
    for chosen in matchers:
        if chosen.operator != "=" or isinstance(chosen.value, Variable):
            continue
        for other in matchers:
            if other.label == chosen.label and not other.accepts(chosen.value):
                raise PromqlError("matchers that hold together", place, f"{chosen} and {other}")


def edges_left(edges: Edges, matchers: Iterable[Matcher], place: str) -> Edges | None:
    """Return the edges that matchers leave; None once a single bucket is chosen."""
    of_le = []
    for matcher in matchers:
        if matcher.label == "le":
            of_le.append(matcher)
        elif matcher.label == "source" and matcher.pins and isinstance(matcher.value, str):
            edges = edges.pinned(matcher.value)
        elif matcher.label == "source" and isinstance(matcher.value, str):
            edges = edges.among(matcher.accepts)
        elif matcher.label in edges.varies_by and matcher.pins:
            edges = replace(edges, varies_by=edges.varies_by - {matcher.label})
    for matcher in of_le:
        left = _edges_chosen(edges, matcher, place)
        if left is None:
            return None
        edges = left
    return edges


def _edges_chosen(edges: Edges, matcher: Matcher, place: str) -> Edges | None:
    if isinstance(matcher.value, Variable) or matcher.operator not in ("=", "=~"):
        raise PromqlError("edges", place, str(matcher), "say at_most or at_edges")
    chosen = edges_named(matcher.value)
    finite = tuple(edge for edge in chosen if not math.isinf(edge))
    for edge in finite:
        edges.require(edge, place)
    check_spellings(matcher.value, place)
    if len(chosen) == 1:
        return None
    if len(chosen) == len(finite):
        # Without it a quantile is not a number.
        raise PromqlError("+Inf among the edges", place, str(matcher), "say at_edges")
    return Edges(finite, edges.unit, edges.varies_by - {"source"})
