"""Sources that can tell of promises: an invented inn, with labels, units and edges unlike ours."""

from __future__ import annotations

from typing import Any

from llmdash.metrics.prometheus import UP
from llmdash.promql.nodes import Matcher
from llmdash.promql.windows import Duration
from llmdash.signals import signal
from llmdash.slos.slo import Outcomes, Slo
from llmdash.sources.answer import Answer
from llmdash.sources.source import Dialect, Role, Source, answered, counter, gauge, mean
from tests.sources.examples import BUSY, DIALECT, DINERS, GUESTS, MEAL, WAIT, inn

#: Guests are told by floor as well, diners too; who waits only by room.
BY_FLOOR = Dialect(
    identity=DIALECT.identity, labels=(*DIALECT.labels, ("storey", "floor")), job="inn"
)


def requests(dialect: Dialect = DIALECT, **settings: Any) -> Answer | None:
    """Return requests by outcome, two from one family and one from another."""
    return counter(
        "requests",
        dialect.term(GUESTS, where=(Matcher("end", "=", "fed"),), outcome="ok"),
        dialect.term(GUESTS, where=(Matcher("end", "=", "failed"),), outcome="error"),
        dialect.term(DINERS, outcome="cancelled"),
        **settings,
    )


def tavern(
    name: str = "tavern",
    role: Role = Role.ENGINE,
    dialect: Dialect = DIALECT,
    **answers: Answer | None,
) -> Source:
    """Return an inn that answers what promises ask, or these answers alone."""
    usual: dict[str, Answer | None] = {
        "requests": requests(dialect),
        # In milliseconds: 0.11, 0.7 and 1.3 s.
        "time_to_first_token": dialect.distribution(signal("time_to_first_token"), WAIT),
        "end_to_end_latency": dialect.distribution(signal("end_to_end_latency"), MEAL),
        "queue_time": mean("queue_time", dialect.term(BUSY), dialect.term(GUESTS)),
        "up": gauge("up", dialect.term(UP)),
    }
    return inn(name, role, answered(**(answers or usual)))


def slo(**changed: Any) -> Slo:
    """Return a promise of requests, but for what is changed."""
    settings: dict[str, Any] = {
        "name": "supper",
        "title": "Supper for all",
        "indicator": Outcomes(),
        "objective": 0.98,
        "period": Duration.parse("7d"),
    }
    return Slo(**{**settings, **changed})
