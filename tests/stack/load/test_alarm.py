"""An alarm rings at its time, once or again and again, with Linux's timers and without."""

from __future__ import annotations

import asyncio
from time import monotonic

import pytest

from llmstack.load import alarm
from llmstack.load.alarm import Alarm


@pytest.fixture(params=["timerfd", "asyncio"])
def _timers(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "asyncio":
        monkeypatch.setattr(alarm, "_new_timer", lambda: -1)


def rung(
    *, every: float, times: int, begin: float = 0.01, after: float = 0.0
) -> tuple[float, list[float]]:
    """When it was to ring first, and when it rang; it is closed after so many, and some time left."""

    async def run() -> tuple[float, list[float]]:
        seen: list[float] = []
        enough = asyncio.Event()

        def ring() -> None:
            seen.append(monotonic())
            if len(seen) >= times:
                enough.set()

        made = Alarm(ring)
        due = monotonic() + begin
        made.set(due, every)
        await asyncio.wait_for(enough.wait(), 30)
        if not every:
            await asyncio.sleep(after)
        made.close()
        await asyncio.sleep(after)
        return due, seen

    return asyncio.run(run())


@pytest.mark.usefixtures("_timers")
def test_it_rings_once() -> None:
    """At its time, and not again."""
    due, seen = rung(every=0.0, times=1, after=0.05)

    assert 1 == len(seen)
    assert due <= seen[0]


@pytest.mark.usefixtures("_timers")
def test_it_rings_again_and_again() -> None:
    """Never before its next time, and not after it is closed."""
    due, seen = rung(every=0.005, times=4, after=0.05)

    assert 4 == len(seen)
    assert all(due + 0.005 * number <= at for number, at in enumerate(seen))


@pytest.mark.usefixtures("_timers")
def test_what_is_missed_is_not_made_up_for() -> None:
    """Of three times that are over it rings once, and then at the next."""

    async def run() -> int:
        rings = 0

        def ring() -> None:
            nonlocal rings
            rings += 1

        made = Alarm(ring)
        made.set(monotonic() - 120.0, 50.0)
        await asyncio.sleep(0.05)
        made.close()
        return rings

    assert 1 == asyncio.run(run())


@pytest.mark.usefixtures("_timers")
def test_a_time_that_is_over_rings_at_once() -> None:
    """Not a round of the clock later."""
    due, seen = rung(every=0.0, times=1, begin=-1.0)

    assert [True] == [due < at for at in seen]
