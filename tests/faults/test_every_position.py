"""Every request of a push of thirty dashboards, cut in every way on three releases, and killed."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from llmdash.testing.grafana import GRAFANA_11, Profile
from llmdash.testing.grafana.server import When
from tests.grafana.faults import TRIED, breaks_off, is_killed, undisturbed


@pytest.mark.parametrize("profile", TRIED, ids=lambda profile: profile.release)
@pytest.mark.parametrize("how", ["before", "after", "dead"])
def test_every_cut_is_mended(
    profile: Profile, how: str, record_property: Callable[[str, object], None]
) -> None:
    """Before a request is carried out, after it, and from there on for good."""
    _, _, count = undisturbed(profile)
    for number in range(count):
        breaks_off(profile, number, how)
    record_property("cases", count)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_killed_process_leaves_nothing_undone(
    when: When, record_property: Callable[[str, object], None]
) -> None:
    """At each request the process is killed before it knows the answer."""
    _, _, count = undisturbed(GRAFANA_11)
    for number in range(count):
        is_killed(GRAFANA_11, number, when)
    record_property("cases", count)
