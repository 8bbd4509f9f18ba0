"""Plays requests to an engine in virtual time, as fast as it can be computed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import inf

from llmstack.simulator.engine import Engine
from llmstack.simulator.request import Request
from llmstack.simulator.step import Step


def play(engine: Engine, requests: Iterable[Request], until: float = inf) -> Iterator[Step]:
    """Yield each step that ends, until nothing is left to do.

    Args:
        engine: what serves.
        requests: in the order of their arrival.
        until: when no further step is waited for, in seconds of the engine's clock.
    """
    coming = iter(requests)
    following = next(coming, None)
    while True:
        due = engine.due()
        while following is not None and following.arrived <= due:
            engine.submit(following)
            following = next(coming, None)
            due = engine.due()
        if due > until or due == inf:
            return
        step = engine.advance()
        if step is not None:
            yield step
