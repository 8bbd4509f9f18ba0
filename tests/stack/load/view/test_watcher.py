"""The view as a watcher: what it counts, and that it costs no run anything."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import pytest

from llmstack.load.open_loop import OpenLoop
from llmstack.load.orders import Servers, Synthetic
from llmstack.load.outcome import Failure
from llmstack.load.program import Job, measure
from llmstack.load.runner import Bounds
from llmstack.load.view import watcher
from llmstack.load.view.layout import Sizes
from llmstack.load.view.watcher import View
from tests.stack.load.made import answered, failed
from tests.stack.load.simulated import simulated
from tests.stack.load.view.made import busy
from tests.stack.terminal.paper import Paper

LOAD = Synthetic(rate=40, prompt_tokens="const:20", answer_tokens="const:5", total=10)


def job(url: str = "http://inn", load: Synthetic = LOAD) -> Job:
    return replace(load.job(Servers(urls=(url,), model="inn")), every=0.0, interval=0.1)


@pytest.fixture
def terminal() -> Iterator[Paper]:
    made = Paper()
    yield made
    # However a test ended, what was taken was left.
    assert made.written().count("\x1b[?1049h") == made.written().count("\x1b[?1049l")


def test_it_counts_what_it_is_told(terminal: Paper) -> None:
    """Also of the warm-up, which brings a number of requests no nearer; what was left is neither."""

    async def told() -> None:
        await view.begin(job())
        view.outcome(answered())
        view.outcome(answered(is_warm_up=True))
        view.outcome(failed(Failure.REFUSED, "111"))
        view.outcome(failed(Failure.TIMEOUT, "600 s"))
        view.outcome(failed(Failure.TIMEOUT, "601 s"))
        view.outcome(answered(is_unfinished=True))
        view.second(busy(sent=7, under_way=2))
        view.second(busy(sent=1, under_way=1))

    with View(terminal, Sizes(), print) as view:
        asyncio.run(told())
        found = view.snapshot()

    assert (8, 2, 3, 1) == (found.sent, found.answered, found.failed, found.under_way)
    assert ([("timeout", 2), ("connection refused", 1)], "601 s") == (found.failures, found.last_failure)  # fmt: skip
    assert found.progress is not None
    assert " 4 of 10 requests" == found.progress.told
    assert 2 == len(found.readings)


@pytest.mark.parametrize(
    ("load", "told"),
    [
        (LOAD, "open loop"),
        (replace(LOAD, concurrency=1200), "open loop, at most 1,200"),
        (replace(LOAD, rate=None, concurrency=8), "closed loop, 8 at a time"),
    ],
)
def test_it_says_which_loop_it_is(load: Synthetic, told: str, terminal: Paper) -> None:
    """And how many requests are under way at the most."""
    with View(terminal, Sizes(), print) as view:
        asyncio.run(view.begin(job(load=load)))

        assert told == view.snapshot().loop


def test_it_says_that_a_run_warms_up(terminal: Paper) -> None:
    """As long as it does."""
    found = []
    for warm_up in (600.0, 0.0):
        with View(terminal, Sizes(), print) as view:
            asyncio.run(view.begin(replace(job(), bounds=Bounds(warm_up, 900.0))))
            found.append(view.snapshot().is_warming_up)

    assert [True, False] == found


def test_a_run_is_drawn_and_the_screen_is_left(terminal: Paper) -> None:
    """Before anything else is said."""
    with simulated() as url, View(terminal, Sizes(), print) as view:
        found = measure(job(url), print, [view])
        drawn = terminal.written()

    assert 10 == found["requests"]["answered"]
    assert url in drawn
    assert drawn.endswith("\x1b[?7h\x1b[?25h\x1b[?1049l")


def test_a_run_goes_on_when_it_cannot_be_drawn(
    terminal: Paper, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The screen is left, it is said why, and all is measured."""

    def broken(*_: object) -> Iterator[list[object]]:
        raise ZeroDivisionError("of an inn by no barn")

    monkeypatch.setattr(watcher, "frame", broken)
    said: list[str] = []
    with simulated() as url, View(terminal, Sizes(), said.append) as view:
        found = measure(job(url), print, [view])

    assert ["the view has ended, the run goes on: ZeroDivisionError: of an inn by no barn"] == said
    assert 10 == found["requests"]["answered"]


def test_an_exception_leaves_the_screen(terminal: Paper) -> None:
    """One of the run itself, which nobody tells the view of."""

    class Broken(OpenLoop):
        async def send(self, _: object) -> None:
            raise KeyError("inn")

    with pytest.raises(KeyError), View(terminal, Sizes(), print) as view:
        measure(replace(job(), loop=Broken()), print, [view])

    assert "\x1b[?1049h" in terminal.written()
