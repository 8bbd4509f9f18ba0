"""An app that embeds an engine and counts its own requests, by endpoint and without a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from llmdash.metrics import app as metrics
from llmdash.metrics.prometheus import UP
from llmdash.metrics.python_process import PROCESS_START_TIME_SECONDS
from llmdash.promql.expressions import not_equal
from llmdash.promql.nodes import Matcher
from llmdash.signals import signal
from llmdash.sources.answer import Answer, Term
from llmdash.sources.source import (
    Dialect,
    Role,
    Source,
    answered,
    counter,
    gauge,
    named_edges,
    titled,
)


def app(
    *,
    name: str = "app",
    edges: Mapping[str, Sequence[float]] | None = None,
    job: str | None = None,
) -> Source:
    """Return an in-process server as a source.

    Args:
        name: what recordings call the source.
        edges: bucket edges by family, where they are not those of our middleware.
        job: the scrape job; when given, every selector names it.
    """
    dialect = Dialect(
        identity=(not_equal("endpoint", ""),),
        labels=(("endpoint", "endpoint"),),
        edges=named_edges(metrics.METRICS, edges),
        owns=("llm_",),
        job=job or name,
        match_job=job is not None,
    )
    return Source(
        name=name,
        exporter="app",
        title=titled("App", name, "app"),
        role=Role.APP,
        metrics=dialect.spoken_of((*metrics.METRICS, PROCESS_START_TIME_SECONDS)),
        dialect=dialect,
        answers=_answers(dialect),
        noise=".+_created",
        choices=("endpoint",),
        anchors=(metrics.LLM_REQUESTS_TOTAL,),
    )


def _answers(dialect: Dialect) -> dict[str, Answer]:
    return answered(
        requests=counter(
            "requests",
            _ended(dialect, "ok", "success"),
            _ended(dialect, "error", "error"),
            _ended(dialect, "cancelled", "cancelled"),
        ),
        end_to_end_latency=dialect.distribution(
            signal("end_to_end_latency"),
            metrics.LLM_REQUEST_DURATION_SECONDS,
            note="Of requests that ended well: failures are counted, not timed.",
            unobserved=dialect.term(
                metrics.LLM_REQUESTS_TOTAL, where=(Matcher("status", "=", "error"),)
            ),
        ),
        generation_tokens=counter(
            "generation_tokens", dialect.term(metrics.LLM_TOKENS_GENERATED_TOTAL)
        ),
        requests_running=gauge("requests_running", dialect.term(metrics.LLM_ACTIVE_REQUESTS)),
        up=gauge("up", dialect.term(UP)),
        start_time=gauge("start_time", dialect.term(PROCESS_START_TIME_SECONDS)),
    )


def _ended(dialect: Dialect, outcome: str, status: str) -> Term | None:
    chosen = (Matcher("status", "=", status),)
    return dialect.term(metrics.LLM_REQUESTS_TOTAL, where=chosen, outcome=outcome)
