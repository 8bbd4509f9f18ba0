"""Pages of servers that are made here: of a few lines, and of played servers after some traffic."""

from __future__ import annotations

from collections.abc import Mapping

from llmstack.simulator.engine import Engine
from llmstack.simulator.engines import ENGINES
from llmstack.simulator.page import About, Page
from llmstack.simulator.play import play
from llmstack.simulator.presets import preset
from llmstack.simulator.request import Request
from llmstack.top.growth import Growth
from llmstack.top.page import Page as ReadPage
from llmstack.top.page import read_page
from llmstack.top.page_reader import NAMES
from llmstack.top.scraped import Scrape
from tests.stack.simulator.traffic import poisson


def scrape(before: str, after: str, seconds: float = 10) -> Scrape:
    """Two pages of one server, some seconds apart."""
    last = read_page(after, NAMES)
    # One without a single line of a server is no page, but what a server showed before it began.
    first = read_page(before, NAMES) if before else ReadPage()
    return Scrape(last, Growth(first, last, seconds))


def lines(samples: Mapping[str, float]) -> str:
    """A page of some series."""
    return "".join(f"{series} {value}\n" for series, value in samples.items())


class Played:
    """A server that is played without a clock: its page as often as it is asked for."""

    def __init__(self, engine: str, version: str = "") -> None:
        played, chosen = ENGINES[engine], preset("llama-3.1-8b-l4")
        self._engine = Engine(chosen.rates, chosen.limits)
        about = About(played.usual_model or "m", played.version(version), 1.7e9)
        self.page: Page = played.page(self._engine, about)
        self.model, self._answered = about.model, 0

    def work(self, rate: float, seconds: int) -> None:
        """Let it answer requests, all of them until their end."""
        for step in play(self._engine, poisson(rate, seconds, seed=2, prompt=(50, 1500))):
            self.page.stepped(step)

    def answer_one(self) -> str:
        """Let it answer one request of a hundred tokens with twenty more; return its page then."""
        self._answered += 1
        request = Request(100_000 + self._answered, 100, 20, self._engine.clock)
        for step in play(self._engine, [request]):
            self.page.stepped(step)
        return self.page.text()

    def scrape(self, rate: float, seconds: int) -> Scrape:
        """Its page before and after such traffic."""
        before = self.page.text()
        self.work(rate, seconds)
        return scrape(before, self.page.text(), seconds)
