"""Our gateway: what clients saw, and so the only honest count of failed requests of a bare engine.

Gateway and engine both count the same request: a total names one role.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from llmdash.metrics import gateway as metrics
from llmdash.metrics.prometheus import UP
from llmdash.metrics.python_process import PROCESS_START_TIME_SECONDS
from llmdash.promql.expressions import not_equal
from llmdash.promql.nodes import Matcher
from llmdash.signals import PROMPT_CLASS, signal
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


def gateway(
    *,
    name: str = "gateway",
    edges: Mapping[str, Sequence[float]] | None = None,
    job: str | None = None,
) -> Source:
    """Return the gateway as a source.

    Args:
        name: what recordings call the source.
        edges: bucket edges, in seconds, by family, where they are not the catalogue's.
        job: the scrape job; when given, every selector names it.
    """
    dialect = Dialect(
        identity=(not_equal("model", ""),),
        labels=(("model", "model"), ("outcome", "outcome"), (PROMPT_CLASS, PROMPT_CLASS)),
        edges=named_edges(metrics.METRICS, edges),
        owns=("gateway_",),
        job=job or name,
        match_job=job is not None,
    )
    return Source(
        name=name,
        exporter="gateway",
        title=titled("Gateway", name, "gateway"),
        role=Role.GATEWAY,
        metrics=dialect.spoken_of((*metrics.METRICS, PROCESS_START_TIME_SECONDS)),
        dialect=dialect,
        answers=_answers(dialect),
        noise=".+_created",
        anchors=(metrics.GATEWAY_REQUESTS_TOTAL,),
    )


def _answers(dialect: Dialect) -> dict[str, Answer]:
    return answered(
        requests=counter(
            "requests",
            dialect.term(metrics.GATEWAY_REQUESTS_TOTAL),
            note="With the outcome that a stream came to, not the status of its first byte.",
        ),
        time_to_first_token=dialect.distribution(
            signal("time_to_first_token"),
            metrics.GATEWAY_TIME_TO_FIRST_TOKEN_SECONDS,
            # A stream that broke after its first byte has a status of 2xx, and was observed.
            unobserved=_failed(
                dialect, Matcher("stream", "=", "true"), Matcher("status_code", "!~", "2..")
            ),
        ),
        inter_token_latency=dialect.distribution(
            signal("inter_token_latency"), metrics.GATEWAY_INTER_TOKEN_LATENCY_SECONDS
        ),
        end_to_end_latency=dialect.distribution(
            signal("end_to_end_latency"),
            metrics.GATEWAY_REQUEST_DURATION_SECONDS,
            note="Of requests that ended well: failures are counted, not timed.",
            unobserved=_failed(dialect),
        ),
        prompt_tokens=counter("prompt_tokens", dialect.term(metrics.GATEWAY_TOKENS_PROMPTED_TOTAL)),
        generation_tokens=counter(
            "generation_tokens", dialect.term(metrics.GATEWAY_TOKENS_GENERATED_TOTAL)
        ),
        requests_running=gauge("requests_running", dialect.term(metrics.GATEWAY_ACTIVE_REQUESTS)),
        up=gauge("up", dialect.term(UP)),
        start_time=gauge("start_time", dialect.term(PROCESS_START_TIME_SECONDS)),
    )


def _failed(dialect: Dialect, *narrower: Matcher) -> Term | None:
    where = (Matcher("outcome", "=", "error"), *narrower)
    return dialect.term(metrics.GATEWAY_REQUESTS_TOTAL, where=where)
