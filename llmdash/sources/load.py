"""Our load generator: the client's side of the requests that it sends itself.

It counts the same requests as the gateway and the engine behind it. A run is a test, and comes and
goes: nothing of it is recorded, so that no total, promise or alert takes it for users.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from llmdash.metrics import load as metrics
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


def load(
    *,
    name: str = "load",
    edges: Mapping[str, Sequence[float]] | None = None,
    job: str | None = None,
) -> Source:
    """Return the load generator as a source.

    Args:
        name: what recordings call the source.
        edges: bucket edges, in seconds, by family, where they are not the catalogue's.
        job: the scrape job; when given, every selector names it.
    """
    dialect = Dialect(
        identity=(not_equal("model", ""),),
        labels=(("model", "model"), ("outcome", "outcome")),
        edges=named_edges(metrics.METRICS, edges),
        owns=("load_",),
        job=job or name,
        match_job=job is not None,
    )
    return Source(
        name=name,
        exporter="load",
        title=titled("Load", name, "load"),
        role=Role.LOAD,
        metrics=dialect.spoken_of(metrics.METRICS),
        dialect=dialect,
        answers=_answers(dialect),
        noise=".+_created",
        anchors=(metrics.LOAD_REQUESTS_SENT_TOTAL,),
    )


def _answers(dialect: Dialect) -> dict[str, Answer]:
    return answered(
        requests=counter("requests", dialect.term(metrics.LOAD_REQUESTS_TOTAL)),
        time_to_first_token=dialect.distribution(
            signal("time_to_first_token"),
            metrics.LOAD_TIME_TO_FIRST_TOKEN_SECONDS,
            note="From when a request was to be sent.",
            unobserved=_failed(dialect),
        ),
        inter_token_latency=dialect.distribution(
            signal("inter_token_latency"), metrics.LOAD_INTER_TOKEN_LATENCY_SECONDS
        ),
        time_per_output_token=dialect.distribution(
            signal("time_per_output_token"), metrics.LOAD_TIME_PER_OUTPUT_TOKEN_SECONDS
        ),
        end_to_end_latency=dialect.distribution(
            signal("end_to_end_latency"),
            metrics.LOAD_REQUEST_DURATION_SECONDS,
            note="From when a request was to be sent; of requests that ended well.",
            unobserved=_failed(dialect),
        ),
        prompt_tokens=counter("prompt_tokens", dialect.term(metrics.LOAD_TOKENS_PROMPTED_TOTAL)),
        generation_tokens=counter(
            "generation_tokens",
            dialect.term(metrics.LOAD_TOKENS_GENERATED_TOTAL),
            at_end=True,
        ),
        requests_running=gauge("requests_running", dialect.term(metrics.LOAD_ACTIVE_REQUESTS)),
    )


def _failed(dialect: Dialect) -> Term | None:
    return dialect.term(metrics.LOAD_REQUESTS_TOTAL, where=(Matcher("outcome", "=", "error"),))
