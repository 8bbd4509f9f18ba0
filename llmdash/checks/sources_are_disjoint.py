"""No series answers for two sources of a pack: it would be counted twice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

from llmdash.build import Build
from llmdash.problems import Problem
from llmdash.promql.nodes import Matcher
from llmdash.sources.source import Source


def sources_are_disjoint(build: Build) -> Iterator[Problem]:
    """Yield a problem for each two sources that read a name with matchers that can both hold."""
    for one, other in combinations(build.pack.sources, 2):
        shared = sorted(one.series_names() & other.series_names())
        both = [name for name in shared if _can_hold_together(one, other, name)]
        if both:
            more = f" and {len(both) - 1} more" if len(both) > 1 else ""
            message = (
                f"{both[0]}{more} can answer for both; give each a job matcher, "
                "or matchers that cannot hold together"
            )
            place = f"sources {one.name} and {other.name}"
            yield Problem(place, message, "sources_are_disjoint")


def _can_hold_together(one: Source, other: Source, name: str) -> bool:
    return any(
        not _exclude(mine, theirs)
        for mine in _matchers(one, name)
        for theirs in _matchers(other, name)
    )


def _matchers(source: Source, name: str) -> list[tuple[Matcher, ...]]:
    return [selector.matchers for selector in source.selectors() if selector.series.name == name]


def _exclude(mine: Sequence[Matcher], theirs: Sequence[Matcher]) -> bool:
    """Tell whether no series can satisfy both."""
    for one in mine:
        for other in theirs:
            if one.label != other.label:
                continue
            operators, values = {one.operator, other.operator}, (one.value, other.value)
            if operators == {"="} and values[0] != values[1]:
                return True
            if operators == {"=", "!="} and values[0] == values[1]:
                return True
    return False
