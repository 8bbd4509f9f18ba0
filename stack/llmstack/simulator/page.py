"""What the page of every engine is told, whichever families it makes of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from llmstack.simulator.engine import Engine
from llmstack.simulator.exposition import Exposition
from llmstack.simulator.request import Request
from llmstack.simulator.step import Step


@dataclass(frozen=True)
class About:
    """The server whose page it is."""

    #: What clients call the model.
    model: str
    version: str
    #: When it was started, in seconds since 1970.
    started: float


@dataclass(frozen=True)
class Answered:
    """One HTTP request that was answered, or left by its client."""

    #: The path as the server knows it; `none` where it does not.
    path: str
    method: str
    status: int
    seconds: float
    request_bytes: int = 0
    #: By its Content-Length, so a stream has none.
    response_bytes: int = 0


class Page(ABC):
    """The metrics page of one server."""

    #: Under which path it is.
    path = "/metrics"
    content_type = "text/plain; version=1.0.0; charset=utf-8"
    #: Its families.
    _shown: Exposition

    def __init__(self, engine: Engine, about: About) -> None:
        """Look at an engine."""
        self.engine, self.about = engine, about

    @abstractmethod
    def stepped(self, step: Step) -> None:
        """Count what came out of a step."""

    def text(self) -> str:
        """Return the page."""
        self._look()
        return self._shown.text()

    @abstractmethod
    def _look(self) -> None:
        """Set what is as it is at this moment."""

    def failed(self, model: str) -> None:
        """Count a request that the engine failed; most count none."""
        del model

    def aborted(self, request: Request) -> None:
        """Count a request whose client went away; most count none."""
        del request

    def answered(self, answered: Answered) -> None:
        """Count an HTTP request; most count none."""
        del answered
