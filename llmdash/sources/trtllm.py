"""TensorRT-LLM's own server (trtllm-serve), which shows its metrics at /prometheus/metrics.

Requests are told of with `return_perf_metrics: true`, queues and cache with
`enable_iter_perf_stats: true`; without either the page is all but empty.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from llmdash.errors import SourceError
from llmdash.metrics import trtllm as metrics
from llmdash.metrics.metric import Counter, Gauge, Histogram, Versions
from llmdash.metrics.prometheus import UP
from llmdash.promql.expressions import aggregate, joined, not_equal
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
    ratio,
    titled,
)

#: Gauges, tokens and most of the rest came with 1.3, and so did the name of the model.
SINCE = Versions("1.3")

#: The first releases wrote names without a prefix; some builds separate it with a colon.
PREFIXES = ("trtllm_", "trtllm:", "")

_PREFIX = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*[:_])?")


def trtllm(
    *,
    name: str = "trtllm",
    prefix: str = "trtllm_",
    versions: Versions = SINCE,
    edges: Mapping[str, Sequence[float]] | None = None,
    job: str | None = None,
) -> Source:
    """Return TensorRT-LLM's own server as a source.

    Args:
        name: what recordings call the source.
        prefix: what stands before its families; nothing did in 1.0, and then every selector names
            the scrape job, for other exporters may have such names too.
        versions: the releases that may be running; families outside are not asked for.
        edges: bucket edges set in the server's configuration, by family.
        job: the scrape job; when given, every selector names it.
    """
    if _PREFIX.fullmatch(prefix) is None:
        expected = ", ".join(repr(known) for known in PREFIXES)
        raise SourceError(f"prefix {prefix!r}: expected one such as {expected}")
    dialect = Dialect(
        identity=(not_equal("model_name", ""),),
        labels=(("model", "model_name"),),
        versions=versions,
        prefix=("trtllm_", prefix),
        owns=(prefix,) if prefix else (),
        edges=named_edges(metrics.METRICS, edges),
        job=job or name,
        match_job=job is not None or not prefix,
    )
    return Source(
        name=name,
        exporter="trtllm",
        title=titled("TensorRT-LLM", name, "trtllm"),
        role=Role.ENGINE,
        metrics=dialect.spoken_of(metrics.METRICS),
        dialect=dialect,
        answers=_answers(dialect),
        # /metrics is JSON.
        metrics_path="/prometheus/metrics",
        anchors=(_anchor(dialect),),
    )


def _answers(dialect: Dialect) -> dict[str, Answer]:
    def distribution(name: str, histogram: Histogram, note: str = "") -> Answer | None:
        return dialect.distribution(signal(name), histogram, note=note)

    return answered(
        requests=counter(
            "requests",
            # "not_finished" is a prompt read for another server, which finishes the request.
            _finished(dialect, "ok", Matcher("finished_reason", "!~", "timeout|not_finished")),
            _finished(dialect, "error", Matcher("finished_reason", "=", "timeout")),
            note="Errors are requests that ran out of time. Cancelled, refused and failed ones are "
            "counted nowhere, but for malformed ones (trtllm_request_error_total).",
            misses="refused and failed requests are counted nowhere",
        ),
        time_to_first_token=distribution(
            "time_to_first_token", metrics.TRTLLM_TIME_TO_FIRST_TOKEN_SECONDS
        ),
        time_per_output_token=distribution(
            "time_per_output_token", metrics.TRTLLM_TIME_PER_OUTPUT_TOKEN_SECONDS
        ),
        end_to_end_latency=distribution(
            "end_to_end_latency", metrics.TRTLLM_E2E_REQUEST_LATENCY_SECONDS
        ),
        queue_time=distribution(
            "queue_time",
            metrics.TRTLLM_REQUEST_QUEUE_TIME_SECONDS,
            note="Written when a request ends: a stuck queue shows only once it drains.",
        ),
        prefill_time=distribution("prefill_time", metrics.TRTLLM_REQUEST_PREFILL_TIME_SECONDS),
        decode_time=distribution("decode_time", metrics.TRTLLM_REQUEST_DECODE_TIME_SECONDS),
        prompt_tokens=counter(
            "prompt_tokens",
            dialect.term(metrics.TRTLLM_PROMPT_TOKENS_TOTAL),
            note="Counted when a request ends.",
            at_end=True,
        ),
        generation_tokens=counter(
            "generation_tokens",
            dialect.term(metrics.TRTLLM_GENERATION_TOKENS_TOTAL),
            note="Counted when a request ends.",
            at_end=True,
        ),
        cached_prompt_tokens=counter(
            "cached_prompt_tokens",
            dialect.term(metrics.TRTLLM_PROMPT_CACHED_TOKENS_TOTAL),
            note="Counted when a request ends.",
            at_end=True,
        ),
        requests_running=gauge(
            "requests_running",
            dialect.term(metrics.TRTLLM_NUM_REQUESTS_RUNNING),
            note="As of the last iteration: an idle server may show its last load.",
        ),
        requests_waiting=gauge(
            "requests_waiting",
            dialect.term(metrics.TRTLLM_NUM_REQUESTS_WAITING, reason="capacity"),
            note="As of the last iteration.",
        ),
        kv_cache_use=gauge("kv_cache_use", dialect.term(metrics.TRTLLM_KV_CACHE_UTILIZATION)),
        kv_cache_capacity=gauge("kv_cache_capacity", _capacity(dialect)),
        prefix_cache_hit_ratio=ratio(
            "prefix_cache_hit_ratio",
            dialect.term(metrics.TRTLLM_PROMPT_CACHED_TOKENS_TOTAL),
            dialect.term(metrics.TRTLLM_PROMPT_TOKENS_TOTAL),
            note="In tokens of requests that ended; the server's own rate counts blocks.",
        ),
        draft_acceptance_ratio=ratio(
            "draft_acceptance_ratio",
            dialect.term(metrics.TRTLLM_SPEC_DECODE_NUM_ACCEPTED_TOKENS_TOTAL),
            dialect.term(metrics.TRTLLM_SPEC_DECODE_NUM_DRAFT_TOKENS_TOTAL),
        ),
        up=gauge("up", dialect.term(UP)),
    )


def _anchor(dialect: Dialect) -> Counter | Gauge:
    """Return what a server shows before its first request; up to 1.2 there is no such family."""
    configured = metrics.TRTLLM_MODEL_CONFIG_INFO
    return configured if dialect.speaks(configured) else metrics.TRTLLM_REQUEST_SUCCESS_TOTAL


def _finished(dialect: Dialect, outcome: str, reasons: Matcher) -> Term | None:
    return dialect.term(metrics.TRTLLM_REQUEST_SUCCESS_TOTAL, where=(reasons,), outcome=outcome)


def _capacity(dialect: Dialect) -> Term | None:
    blocks, tokens = metrics.TRTLLM_KV_CACHE_MAX_BLOCKS, metrics.TRTLLM_KV_CACHE_TOKENS_PER_BLOCK
    if not (dialect.speaks(blocks) and dialect.speaks(tokens)):
        return None
    # A server's blocks are of one size.
    server = ("job", "instance")
    size = aggregate("max", dialect.select(tokens), server)
    return dialect.term(joined(dialect.select(blocks), "*", size, on=server, group_left=()))
