"""A push that breaks off loses nothing, and the next one completes it: a sample of all positions.

`make faults` tries every one.
"""

from __future__ import annotations

import pytest

from llmdash.testing.grafana import GRAFANA_11, Profile
from llmdash.testing.grafana.server import When
from tests.grafana.faults import (
    CHANGED,
    GONE,
    PAGES,
    SAME,
    TRIED,
    breaks_off,
    is_killed,
    undisturbed,
)


@pytest.mark.parametrize("profile", TRIED, ids=lambda profile: profile.release)
def test_a_push_makes_all_that_it_may(profile: Profile) -> None:
    """The push that is broken off does everything: create, update, leave, refuse, prune."""
    before, after, count = undisturbed(profile)

    assert 2 == after.versions[CHANGED[0]] == after.versions[CHANGED[1]]
    assert 1 == after.versions[SAME[0]] == after.versions["llm-29"]
    assert GONE in before.contents
    assert GONE not in after.contents
    assert {f"llm-{n:02}" for n in range(PAGES)} <= set(after.contents)
    assert count > PAGES


@pytest.mark.parametrize("profile", TRIED, ids=lambda profile: profile.release)
@pytest.mark.parametrize("how", ["before", "after", "dead"])
def test_a_cut_is_mended(profile: Profile, how: str) -> None:
    """One request in eleven, another set for each way of breaking off."""
    _, _, count = undisturbed(profile)
    for number in range(len(how), count, 11):
        breaks_off(profile, number, how)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_killed_process_leaves_nothing_undone(when: When) -> None:
    """Killed at the first page that is written, and at the last request."""
    _, _, count = undisturbed(GRAFANA_11)
    for number in (PAGES + 8, count - 1):
        is_killed(GRAFANA_11, number, when)
