"""Watchers of a run: what they are told, and when."""

from __future__ import annotations

from dataclasses import replace

from llmstack.load.distribution import Distribution
from llmstack.load.orders import Servers, Synthetic
from llmstack.load.outcome import Outcome
from llmstack.load.program import Job, measure
from llmstack.load.results import Document, figures
from llmstack.load.seconds import Second
from llmstack.load.watching import Lines, Watcher
from tests.stack.load.simulated import simulated


class Noting(Watcher):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.sent = 0
        self.found: Document = {}

    async def begin(self, job: Job) -> None:
        self.told.append(f"begin {job.name}")

    def outcome(self, outcome: Outcome) -> None:
        self.told.append("warm-up" if outcome.is_warm_up else "outcome")

    def second(self, second: Second) -> None:
        self.sent += second.sent

    async def end(self, found: Document) -> None:
        self.told.append("end")
        self.found = found


def test_it_is_told_the_begin_each_request_and_the_end() -> None:
    """In that order, those of the warm-up too; what it is told at the end is what is returned."""
    noting = Noting()
    with simulated() as url:
        load = Synthetic(rate=40, prompt_tokens="const:20", answer_tokens="const:5", arrivals="deterministic", warm_up=0.2, total=10)  # fmt: skip
        job = replace(load.job(Servers(urls=(url,), name="a")), every=0.0, interval=0.1)
        found = measure(job, print, [noting])

    assert ["begin a", "end"] == [noting.told[0], noting.told[-1]]
    assert 10 == noting.told.count("outcome")
    assert found["requests"]["warm_up"] == noting.told.count("warm-up") > 0
    assert noting.found is found
    assert sum(row["sent"] for row in found["series"]) == found["requests"]["sent"]


def second(at: float) -> Second:
    return Second(at, 1.0, 4, 4, 0, 1, 80, 20, 0, 0, None, None, None, None, None, None)


def test_lines_come_as_often_as_was_asked_for() -> None:
    """Every third of intervals that end a little early or late."""
    said: list[str] = []
    lines = Lines(said.append, every=3.0, interval=1.0)
    for at in (1.0, 2.01, 2.99, 4.0, 5.0, 6.02, 7.0):
        lines.second(second(at))

    assert ["3.0 s", "6.0 s"] == [line[:10].strip() for line in said]


def test_the_lag_that_is_told_is_that_of_the_results() -> None:
    """It is sampled once, and whoever wants to gets each sample."""

    class Late(Noting):
        async def begin(self, job: Job) -> None:
            await super().begin(job)
            self.lag = Distribution()

    late = Late()
    with simulated() as url:
        load = Synthetic(rate=40, prompt_tokens="const:20", answer_tokens="const:5", total=10)
        found = measure(replace(load.job(Servers(urls=(url,))), every=0.0), print, [late])

    assert isinstance(late.lag, Distribution)
    assert found["client"]["lag"] == figures(late.lag)
    assert late.lag.count > 0
