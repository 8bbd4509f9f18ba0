"""For tests of packs and of what is built on llmdash: a Grafana to push to, as a pytest fixture.

It needs pytest, which llmdash itself does not: `from llmdash.testing import fake_grafana` in a
`conftest.py`.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from llmdash.testing.grafana import PROFILES, FakeGrafana, Profile


@pytest.fixture(params=PROFILES, ids=lambda profile: f"grafana-{profile.release}")
def fake_grafana(request: pytest.FixtureRequest) -> Iterator[FakeGrafana]:
    """A fake Grafana: a test that takes it runs on each release that there is a profile of."""
    profile: Profile = request.param
    with FakeGrafana(profile) as fake:
        yield fake


__all__ = ["PROFILES", "FakeGrafana", "Profile", "fake_grafana"]
