"""SGLang's own server, started with --enable-metrics.

One process takes requests in and tells of tokens and latencies; schedulers tell of their queues and
caches, one for each data parallel rank. With --enable-metrics-for-all-schedulers the other ranks of
a scheduler repeat what it says, so of those the greatest value is taken, never the sum.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from llmdash.metrics import sglang as metrics
from llmdash.metrics.metric import Histogram, Versions
from llmdash.metrics.prometheus import UP
from llmdash.promql.expressions import not_equal
from llmdash.signals import signal
from llmdash.sources.answer import Answer
from llmdash.sources.source import (
    Dialect,
    Role,
    Source,
    answered,
    counter,
    gauge,
    named_edges,
    ratio,
    titled,
)

#: The first release read that counts aborted requests and has the latency edges of today.
SINCE = Versions("0.5.5")

#: What tells schedulers apart. Other ranks of one work on the same requests, and with priority
#: scheduling the greatest series of a queue is its total, beside one for each priority.
ONE_SCHEDULER = ("job", "instance", "dp_rank")


def sglang(
    *,
    name: str = "sglang",
    versions: Versions = SINCE,
    edges: Mapping[str, Sequence[float]] | None = None,
    job: str | None = None,
) -> Source:
    """Return SGLang as a source.

    Args:
        name: what recordings call the source.
        versions: the releases that may be running; families outside are not asked for.
        edges: bucket edges set with `--bucket-time-to-first-token` and the like, by family.
        job: the scrape job; when given, every selector names it.
    """
    dialect = Dialect(
        identity=(not_equal("model_name", ""),),
        labels=(("model", "model_name"), ("engine", "dp_rank"), ("token_source", "cache_source")),
        versions=versions,
        edges=named_edges(metrics.METRICS, edges),
        owns=("sglang:",),
        job=job or name,
        match_job=job is not None,
    )
    return Source(
        name=name,
        exporter="sglang",
        title=titled("SGLang", name, "sglang"),
        role=Role.ENGINE,
        metrics=dialect.spoken_of(metrics.METRICS),
        dialect=dialect,
        answers=_answers(dialect, replace(dialect, one_of=ONE_SCHEDULER)),
        instance_labels=("engine",),
        anchors=(metrics.NUM_RUNNING_REQS,),
    )


def _answers(server: Dialect, scheduler: Dialect) -> dict[str, Answer]:
    def distribution(name: str, histogram: Histogram, note: str = "") -> Answer | None:
        return server.distribution(signal(name), histogram, note=note)

    return answered(
        requests=counter(
            "requests",
            server.term(metrics.NUM_REQUESTS_TOTAL, outcome="ok"),
            server.term(metrics.NUM_ABORTED_REQUESTS_TOTAL, outcome="cancelled"),
            note="Errors are counted nowhere by model. An aborted request that was already worked "
            "on counts as ok too.",
            misses="errors are counted nowhere by model",
        ),
        time_to_first_token=server.distribution(
            signal("time_to_first_token"),
            metrics.TIME_TO_FIRST_TOKEN_SECONDS,
            where=(not_equal("is_streaming", "false"),),
            note="Streams only, where the release tells them apart (0.5.5 does not).",
        ),
        inter_token_latency=distribution(
            "inter_token_latency", metrics.INTER_TOKEN_LATENCY_SECONDS
        ),
        time_per_output_token=distribution(
            "time_per_output_token", metrics.REQUEST_TIME_PER_OUTPUT_TOKEN_SECONDS
        ),
        end_to_end_latency=distribution("end_to_end_latency", metrics.E2E_REQUEST_LATENCY_SECONDS),
        queue_time=scheduler.distribution(signal("queue_time"), metrics.QUEUE_TIME_SECONDS),
        prompt_tokens=counter(
            "prompt_tokens",
            server.term(metrics.PROMPT_TOKENS_TOTAL),
            note="Counted when a request ends.",
            at_end=True,
        ),
        generation_tokens=counter(
            "generation_tokens",
            server.term(metrics.GENERATION_TOKENS_TOTAL),
            note="Counted when a request ends.",
            at_end=True,
        ),
        cached_prompt_tokens=counter(
            "cached_prompt_tokens",
            server.term(metrics.CACHED_TOKENS_TOTAL),
            note="Counted when a request ends.",
            at_end=True,
        ),
        prompt_length=distribution("prompt_length", metrics.PROMPT_TOKENS_HISTOGRAM),
        computed_length=distribution("computed_length", metrics.UNCACHED_PROMPT_TOKENS_HISTOGRAM),
        generation_length=distribution("generation_length", metrics.GENERATION_TOKENS_HISTOGRAM),
        requests_running=gauge("requests_running", scheduler.term(metrics.NUM_RUNNING_REQS)),
        requests_waiting=gauge(
            "requests_waiting",
            scheduler.term(metrics.NUM_QUEUE_REQS, reason="capacity"),
            scheduler.term(metrics.NUM_GRAMMAR_QUEUE_REQS, reason="deferred"),
            note="Deferred are those whose grammar is not compiled yet.",
        ),
        kv_cache_use=gauge(
            "kv_cache_use",
            scheduler.term(metrics.TOKEN_USAGE),
            note="Of the fullest pool; tokens that only the prefix cache holds count as free.",
        ),
        kv_cache_capacity=gauge("kv_cache_capacity", scheduler.term(metrics.MAX_TOTAL_NUM_TOKENS)),
        prefix_cache_hit_ratio=ratio(
            "prefix_cache_hit_ratio",
            server.term(metrics.CACHED_TOKENS_TOTAL),
            server.term(metrics.PROMPT_TOKENS_TOTAL),
            note="Every prompt is looked up; what another cache tier has counts as found.",
        ),
        preemptions=counter("preemptions", scheduler.term(metrics.NUM_RETRACTED_REQUESTS_TOTAL)),
        up=gauge("up", server.term(UP)),
    )
