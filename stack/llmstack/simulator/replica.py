"""One replica: an engine, who drives it, and its metrics page; a crash makes room for another."""

from __future__ import annotations

import time
from dataclasses import dataclass

from llmstack.simulator.answers import Lengths
from llmstack.simulator.conditions import Conditions
from llmstack.simulator.driver import Answer, Clock, Driver, Watcher
from llmstack.simulator.engine import Engine
from llmstack.simulator.engines import Played
from llmstack.simulator.failures import EngineFailedError, RefusedError
from llmstack.simulator.incidents import Incidents
from llmstack.simulator.page import About
from llmstack.simulator.prompts import Prompt
from llmstack.simulator.rates import Limits, Rates
from llmstack.simulator.request import Ending, Request


@dataclass(frozen=True)
class Character:
    """What all replicas of a run have in common."""

    played: Played
    version: str
    #: What clients call the model.
    model: str
    rates: Rates
    limits: Limits
    seed: int = 0
    #: Whether prompts that begin alike are read once.
    remembers: bool = True


@dataclass(frozen=True)
class Wanted:
    """What a client says of the answer."""

    #: The most tokens; None where it says none.
    limit: int | None = None
    least: int = 0
    #: Whether the model may not end it itself.
    ignores_end: bool = False
    #: Which model was asked, where the server has several.
    model: str = ""


@dataclass(frozen=True)
class Question:
    """What one client asks of an engine."""

    prompt: Prompt
    wanted: Wanted
    #: When it began to come, by the driver's clock: reading and checking it is a part of its time.
    begun: float


class Replica:
    """One server from its start to its crash or end."""

    def __init__(
        self,
        character: Character,
        number: int,
        incidents: Incidents,
        loop: Clock,
        origin: float,
        watcher: Watcher | None = None,
        life: int = 0,
    ) -> None:
        """Start it, idle.

        Args:
            character: what it is like.
            number: which of the replicas it is, from 0.
            incidents: what befalls it.
            loop: whose clock is kept to.
            origin: what that clock said when the simulator was started.
            watcher: is told of each token that is sent.
            life: how many were at its place before it.
        """
        self.character, self.number, self._incidents = character, number, incidents
        self.started = time.time()
        self.engine = Engine(
            character.rates, character.limits, self.conditions, remembers=character.remembers
        )
        self.engine.clock = max(0.0, loop.time() - origin)
        about = About(character.model, character.version, self.started)
        self.page = character.played.page(self.engine, about)
        self.driver = Driver(self.engine, self.page, loop, origin, watcher)
        self._lengths = Lengths(f"{character.seed}/{number}/{life}")
        self._requests, self._last = 0, 0.0

    def conditions(self, at: float) -> Conditions:
        """Return what is wrong with it at a time, in seconds since the simulator was started."""
        return self._incidents.at(self.number, at)

    def ask(self, question: Question, answer: Answer) -> Request:
        """Take a request on; its tokens go to the answer.

        Args:
            question: what is read and written.
            answer: where it goes.

        Raises:
            RefusedError: it is longer than the model takes.
            EngineFailedError: an incident.
        """
        prompt, wanted = question.prompt, question.wanted
        length = self.character.limits.model_length
        room = length - prompt.tokens
        if room < 1:
            many = f"at least {length + 1}" if prompt.is_text else f"{prompt.tokens}"
            counted = length + 1 if prompt.is_text else prompt.tokens
            raise RefusedError(
                400,
                f"This model's maximum context length is {length} tokens. However, your prompt "
                f"contains {many} input tokens, which exceeds this limit even without any output "
                "tokens. Please reduce the length of the input prompt. (parameter=input_tokens, "
                f"value={counted})",
                about="input_tokens",
            )
        # One that took longer to read than another did not come before it, for its engine.
        self._last = now = max(question.begun, self._last)
        if self._lengths.chance(self.conditions(now).failing):
            self.page.failed(wanted.model)
            raise EngineFailedError
        # What does not fit is not written.
        most = room if wanted.limit is None else min(room, wanted.limit)
        tokens = most if wanted.ignores_end else max(wanted.least, self._lengths.draw())
        self._requests += 1
        request = Request(
            self._requests,
            prompt.tokens,
            min(tokens, most),
            now,
            prompt.prefix,
            wanted.limit,
            Ending.LENGTH if tokens >= most else Ending.STOP,
            wanted.model,
        )
        self.driver.submit(request, answer)
        return request

    def close(self) -> None:
        """Do nothing any more."""
        self.driver.close()
