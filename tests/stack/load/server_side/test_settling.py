"""A server is left alone until it has nothing to do, and not for ever."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from llmstack.load.server_side.engines import ENGINES, names_of
from llmstack.load.server_side.readings import Reading
from llmstack.load.server_side.settling import settle
from llmstack.scraping.samples import samples_of


def page(running: int | None, tokens: int) -> str:
    told = "" if running is None else f"vllm:num_requests_running {running}\n"
    return f"{told}vllm:generation_tokens_total {tokens}\n"


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time passes by sleeping alone."""
    now = [100.0]

    def slept(seconds: float) -> None:
        now[0] += seconds

    monkeypatch.setattr("llmstack.load.server_side.settling.time.sleep", slept)
    monkeypatch.setattr("llmstack.load.server_side.settling.time.monotonic", lambda: now[0])


def looks(pages: Iterator[str], taken: Iterator[float]) -> Callable[[], tuple[Reading, float]]:
    engine = ENGINES[0]

    def look() -> tuple[Reading, float]:
        return Reading(engine, "", samples_of(next(pages), names_of(engine))), next(taken)

    return look


def forever(*pages: str) -> Iterator[str]:
    yield from pages
    while True:
        yield pages[-1]


def ticking(since: float = 1000.0) -> Iterator[float]:
    while True:
        since += 0.25
        yield since


def test_nothing_running_is_idle_at_once() -> None:
    """Nobody waits for what is there already."""
    found = settle(looks(forever(page(0, 5)), ticking()), 1000.0, 60.0)

    assert (True, 0.0) == (found.is_idle, found.seconds)


def test_what_runs_is_waited_for() -> None:
    """Until it does no more; the last look counts."""
    found = settle(looks(forever(page(2, 5), page(1, 7), page(0, 9)), ticking()), 1000.0, 60.0)

    assert (True, 0.5) == (found.is_idle, found.seconds)
    assert 9.0 == found.reading.count(ENGINES[0].answer_tokens)


@pytest.mark.parametrize("running", [None, 3])
def test_what_does_not_move_does_nothing(running: int | None) -> None:
    """Two seconds after the last token, whatever the server still shows of its queue."""
    found = settle(looks(forever(page(running, 5), page(running, 9)), ticking()), 1000.0, 60.0)

    assert (True, 2.25) == (found.is_idle, found.seconds)


def test_where_nothing_has_moved_since_it_is_idle_still() -> None:
    """Nobody waits twice; but what has moved in between is waited for."""
    engine = ENGINES[0]
    last = Reading(engine, "", samples_of(page(None, 5), names_of(engine)))
    same = settle(looks(forever(page(None, 5)), ticking()), 1000.0, 60.0, last)
    other = settle(looks(forever(page(None, 6)), ticking()), 1000.0, 60.0, last)

    assert (True, 0.0) == (same.is_idle, same.seconds)
    assert (True, 2.0) == (other.is_idle, other.seconds)


def test_a_server_that_goes_on_is_left_as_it_is() -> None:
    """After the bound, and it is said that it was not idle."""
    found = settle(looks((page(1, n) for n in range(999)), ticking()), 1000.0, 5.0)

    assert (False, 5.0) == (found.is_idle, found.seconds)


def test_an_old_scrape_says_nothing() -> None:
    """What a Prometheus saw before the run ended does not count."""
    taken = iter([990.0] * 8 + [1005.0] * 4)
    found = settle(looks(forever(page(0, 5)), taken), 1000.0, 60.0)

    assert (True, 2.0) == (found.is_idle, found.seconds)
