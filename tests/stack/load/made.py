"""Outcomes whose times are written down."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llmstack.load.measuring import Measured
from llmstack.load.objectives import read_objectives
from llmstack.load.outcome import Counted, Failure, Outcome
from llmstack.load.planned import Planned
from llmstack.load.results import Asked, Document, document
from llmstack.load.runner import Run

COMMAND = ["llmstack", "load", "--header", "X-Key: inn", "--api-key=barn", "--rate", "3"]


def answered(
    scheduled: float = 100.0,
    first: float = 0.5,
    gaps: Sequence[float] = (0.1, 0.3),
    *,
    wait: float = 0.0,
    kind: str = "",
    **more: Any,
) -> Outcome:
    """An answer that was sent so much later than planned, with a first token and gaps after that."""
    outcome = Outcome(Planned(0.0, 7, 3, kind), scheduled, sent=scheduled + wait, **more)
    outcome.counted = more.get("counted", Counted.EACH_EVENT)
    now = scheduled + first
    outcome.came(1, now)
    for gap in gaps:
        now += gap
        outcome.came(1, now)
    outcome.told_tokens, outcome.finish_reason, outcome.ended = outcome.seen_tokens, "length", now
    return outcome


def failed(failure: Failure = Failure.STATUS, detail: str = "503: full", **more: Any) -> Outcome:
    return Outcome(Planned(0.0, 7, 3), 100.0, sent=100.0, ended=101.0, failure=failure, detail=detail, **more)  # fmt: skip


def measured(*outcomes: Outcome, slo: str = "") -> Measured:
    made = Measured(read_objectives(slo))
    for outcome in outcomes:
        made.add(outcome)
    return made


def run(**facts: Any) -> Run:
    """A run of twenty seconds whose client was in time."""
    return Run(began=90.0, measured_from=100.0, sending_ended=110.0, ended=110.0, **facts)


def results(*outcomes: Outcome, slo: str = "", name: str = "inn", **facts: Any) -> Document:
    asked = Asked(
        name=name,
        started="2026-11-28T20:00:00+00:00",
        command=COMMAND,
        target={"urls": ["http://inn"], "api": "openai-chat", "model": "m", "is_stream": True},
        load={"loop": "open", "concurrency": None, "plan": "a plan"},
    )
    return document(asked, run(**facts), measured(*outcomes, slo=slo))
