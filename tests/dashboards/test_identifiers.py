"""A panel's number follows from its key and from nothing else."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

import llmdash.dashboards.identifiers as identifiers
from llmdash.dashboards.identifiers import collisions, identifier


def test_numbers_do_not_change() -> None:
    """Links in runbooks and alerts hold these numbers, so they are the same in every release."""
    assert 1991058223 == identifier("time-to-first-token")
    assert 1550869535 == identifier("first", "row")


# No deadline: the time of one case says nothing on a busy machine.
@settings(deadline=None)
@given(st.text(), st.sampled_from(["panel", "row"]))
def test_a_number_fits_everywhere(key: str, kind: identifiers.Kind) -> None:
    """Numbers are positive and below 2^31, for JavaScript and for Grafana's database."""
    assert 0 < identifier(key, kind) < 2**31


def test_a_row_and_a_panel_may_share_a_key() -> None:
    """The kind is part of what is counted."""
    assert () == collisions([("row", "latency"), ("panel", "latency")])


def test_a_collision_is_reported() -> None:
    """Two keys of one number are named, the same key twice is not a collision."""
    seen: dict[int, str] = {}
    keys = (f"k{number}" for number in range(10**6))
    one, other = next(
        (seen[found], key) for key in keys if seen.setdefault(found := identifier(key), key) != key
    )

    assert ((one, other),) == collisions([("panel", one), ("panel", one), ("panel", other)])
