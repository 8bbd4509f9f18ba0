"""vLLM at a glance: traffic, latency, saturation; read from the exporter, so zooming works."""

from __future__ import annotations

from collections.abc import Iterator

from llmdash.dashboards.dashboard import Dashboard, Row
from llmdash.dashboards.events import engine_events
from llmdash.dashboards.panels import Panel, Query, Stat, TimeSeries
from llmdash.dashboards.policy import ERROR_SHARE, KV_CACHE
from llmdash.dashboards.source_page import SourcePage
from llmdash.layer import Layer
from llmdash.metrics import vllm as metrics
from llmdash.metrics import vllm_v0
from llmdash.promql.expressions import greatest, share_of, total
from llmdash.promql.units import COUNT
from llmdash.sources.source import Source


def vllm_overview(source: Source, layer: Layer) -> Dashboard:
    """Return the page."""
    del layer  # it reads the exporter alone
    page = SourcePage(source)
    return page.dashboard(
        "overview",
        "Traffic, latency and saturation of vLLM, by model, instance and engine.",
        rows=(
            Row(key="now", title="Summary", panels=_now(page)),
            Row(key="traffic", title="Traffic", panels=_traffic(page)),
            Row(key="latency", title="Latency, all models together", panels=_latency(page)),
            Row(key="latency-by-model", title="Latency by model", panels=_latency_by_model(page)),
            Row(key="saturation", title="Saturation", panels=_saturation(page)),
        ),
        annotations=tuple(engine_events(page)),
    )


def _error_share(page: SourcePage) -> Query:
    ended = page.rate(metrics.REQUEST_SUCCESS_TOTAL)
    failed = page.rate(metrics.REQUEST_SUCCESS_TOTAL, finished_reason="error")
    # Before 0.13 no reason is called error: none counted is zero, as long as others are.
    return Query("share", share_of(failed, ended))


def _now(page: SourcePage) -> tuple[Panel, ...]:
    tokens = page.counter("generation_tokens")
    return (
        Stat(
            key="requests-now",
            title="Requests ended",
            description="Requests that ended each second, for whatever reason. "
            "Zero while requests run means that nothing gets finished.",
            queries=(Query("rate", page.rate(metrics.REQUEST_SUCCESS_TOTAL)),),
            graph=True,
        ),
        Stat(
            key="error-share-now",
            title="Errors",
            description="Share of ended requests that failed. vLLM counts neither rejected "
            "requests nor dropped streams (and no errors before 0.13), so zero is no proof that "
            "every user was served.",
            queries=(_error_share(page),),
            thresholds=ERROR_SHARE,
        ),
        Stat(
            key="ttft-now",
            title="TTFT p95",
            description="95 of 100 requests saw their first token within this time. "
            "A rise without more traffic points at longer prompts or a queue.",
            queries=(Query("p95", page.quantile("time_to_first_token", 0.95)),),
        ),
        Stat(
            key="itl-now",
            title="Inter-token p95",
            description="95 of 100 gaps between two outputs of a stream were at most this long. "
            "A rise means that the batch has grown or prefills interrupt decoding.",
            queries=(Query("p95", page.quantile("inter_token_latency", 0.95)),),
        ),
        Stat(
            key="e2e-now",
            title="End to end p95",
            description="95 of 100 finished requests took at most this long. It grows with the "
            "length of answers, so read it beside the token panels.",
            queries=(Query("p95", page.quantile("end_to_end_latency", 0.95)),),
        ),
        Stat(
            key="generation-now",
            title="Generation tokens",
            description="Tokens generated each second, counted step by step, so it moves while "
            "requests still run. Zero with requests running means a stalled engine.",
            queries=(Query("rate", tokens),),
            graph=True,
        ),
        Stat(
            key="running-now",
            title="Running",
            description="Requests in the batch. Pinned at --max-num-seqs, the batch is full.",
            queries=(Query("running", page.gauge("requests_running", "sum")),),
        ),
        Stat(
            key="waiting-now",
            title="Waiting",
            description="Requests in the queue, for whatever reason. Steadily above zero, the "
            "server has less capacity than the traffic needs.",
            queries=(Query("waiting", total(page.select(metrics.NUM_REQUESTS_WAITING))),),
        ),
        Stat(
            key="kv-now",
            title="KV cache, fullest",
            description="Share of the KV cache that live requests hold, on the fullest engine. "
            "Near 1, requests wait or are preempted.",
            queries=(Query("max", page.gauge("kv_cache_use", "max")),),
            thresholds=KV_CACHE,
        ),
        Stat(
            key="requests-total",
            title="Requests in range",
            description="Requests that ended within the time range on screen.",
            queries=(Query("total", page.increase(metrics.REQUEST_SUCCESS_TOTAL)),),
            decimals=0,
        ),
        Stat(
            key="prompt-total",
            title="Prompt tokens in range",
            description="Prompt tokens taken in within the time range on screen, cached included.",
            queries=(Query("total", page.increase(metrics.PROMPT_TOKENS_TOTAL)),),
            decimals=0,
        ),
        Stat(
            key="generation-total",
            title="Generation tokens in range",
            description="Tokens generated within the time range on screen.",
            queries=(Query("total", page.increase(metrics.GENERATION_TOKENS_TOTAL)),),
            decimals=0,
        ),
    )


def _traffic(page: SourcePage) -> tuple[Panel, ...]:
    reasons = page.rate(metrics.REQUEST_SUCCESS_TOTAL, ("finished_reason",))
    return (
        TimeSeries(
            key="finish-reasons",
            title="Requests by finish reason",
            description="stop: the model ended; length: a limit cut it; abort: cancelled; error: "
            "failed; repetition: it looped. A growing share of length means answers are cut, of "
            "error that the engine fails, of repetition that the model needs other sampling.",
            queries=(Query("rate", reasons, "{{finished_reason}}"),),
            stack=True,
        ),
        TimeSeries(
            key="outcomes",
            title="Requests by outcome",
            description="ok, error and cancelled requests each second. A stream that the client "
            "drops is in none of them: compare with the gateway in front.",
            queries=page.outcomes(),
            stack=True,
        ),
        TimeSeries(
            key="tokens",
            title="Token throughput",
            description="Prompt tokens (counted when their prefill ends, cached ones included) and "
            "generated tokens each second. Generation falling while requests wait is a "
            "saturated or stalled engine.",
            queries=(
                Query("prompt", page.counter("prompt_tokens"), "prompt"),
                Query("generation", page.counter("generation_tokens"), "generation"),
            ),
        ),
        TimeSeries(
            key="generation-by-model",
            title="Generation tokens by model",
            description="Generated tokens each second for each model. One line falling while the "
            "others hold is that model's own trouble.",
            queries=(
                Query(
                    "generation",
                    page.rate(metrics.GENERATION_TOKENS_TOTAL, ("model_name",)),
                    "{{model_name}}",
                ),
            ),
            stack=True,
        ),
        TimeSeries(
            key="requests-by-model",
            title="Requests ended by model",
            description="Requests that ended each second for each model, whatever their outcome. "
            "At zero while its model has requests running, it is stalled; a line that ends has "
            "lost its server.",
            queries=(
                Query(
                    "rate",
                    page.rate(metrics.REQUEST_SUCCESS_TOTAL, ("model_name",)),
                    "{{model_name}}",
                ),
            ),
            stack=True,
        ),
        *_prompt_by_source(page),
    )


def _prompt_by_source(page: SourcePage) -> Iterator[Panel]:
    if page.speaks(metrics.PROMPT_TOKENS_BY_SOURCE_TOTAL):
        yield TimeSeries(
            key="prompt-by-source",
            title="Prompt tokens by where they came from",
            description="local_compute was prefilled, local_cache_hit came from the prefix cache, "
            "external_kv_transfer from another tier. Computed tokens are the real work of "
            "prefill; their share rising means that the cache helps less. From vLLM 0.16.",
            queries=(
                Query(
                    "source",
                    page.rate(metrics.PROMPT_TOKENS_BY_SOURCE_TOTAL, ("source",)),
                    "{{source}}",
                ),
            ),
            stack=True,
        )


def _latency(page: SourcePage) -> tuple[Panel, ...]:
    return (
        TimeSeries(
            key="ttft",
            title="Time to first token",
            description="From arrival to the first token: queue, then prefill. p99 leaving p50 "
            "behind means that some requests wait; all lines rising together, that every "
            "prompt takes longer. A gap means no traffic.",
            queries=page.quantiles("time_to_first_token"),
        ),
        TimeSeries(
            key="itl",
            title="Inter-token latency",
            description="The gap between two outputs of a stream: how fluently users can read. "
            "It rises with the batch; spikes are long prefills that interrupt decoding. "
            "A gap in the line means no streams.",
            queries=page.quantiles("inter_token_latency"),
        ),
        TimeSeries(
            key="e2e",
            title="End-to-end latency",
            description="From arrival to the last token, of requests that finished. It follows the "
            "length of answers first and the load second. Aborted requests are missing.",
            queries=page.quantiles("end_to_end_latency"),
        ),
        *_time_per_output_token(page),
    )


def _time_per_output_token(page: SourcePage) -> Iterator[Panel]:
    if page.has("time_per_output_token"):
        yield TimeSeries(
            key="tpot",
            title="Time per output token, per request",
            description="Each request's own average time per token after the first: one slow "
            "request counts as much as a fast one. Far above inter-token latency, few requests "
            "suffer much. Answers of one token count as 0. From vLLM 0.11.",
            queries=page.quantiles("time_per_output_token"),
        )


def _latency_by_model(page: SourcePage) -> tuple[Panel, ...]:
    return (
        TimeSeries(
            key="ttft-by-model",
            title="Time to first token of $model",
            description="One panel for each model chosen. One model rising alone has longer "
            "prompts or its own queue; all rising together share a bottleneck.",
            queries=page.quantiles("time_to_first_token", one_model=True),
            repeat="model",
        ),
        TimeSeries(
            key="itl-by-model",
            title="Inter-token latency of $model",
            description="One panel for each model chosen. A model far above its usual line decodes "
            "with too large a batch, or on slower hardware.",
            queries=page.quantiles("inter_token_latency", one_model=True),
            repeat="model",
        ),
        TimeSeries(
            key="e2e-by-model",
            title="End-to-end latency of $model",
            description="One panel for each model chosen, of finished requests. Compare a model "
            "with its own past, not with others: answers differ in length.",
            queries=page.quantiles("end_to_end_latency", one_model=True),
            repeat="model",
        ),
    )


def _saturation(page: SourcePage) -> tuple[Panel, ...]:
    per_engine = ("model_name", "instance", "engine")
    return (
        TimeSeries(
            key="running-waiting",
            title="Running and waiting",
            description="Requests in the batch and in the queue. Waiting that grows while running "
            "stays flat is a full batch or a full KV cache.",
            queries=(
                Query("running", page.gauge("requests_running", "sum"), "running"),
                Query(
                    "waiting",
                    total(page.select(metrics.NUM_REQUESTS_WAITING)),
                    "waiting",
                ),
            ),
        ),
        *_waiting_by_reason(page),
        TimeSeries(
            key="kv-cache",
            title="KV cache use by engine",
            description="Share of the KV cache held by live requests, for each engine (a "
            "data-parallel rank has its own). One engine above the others is uneven routing; a "
            "line at 1 means preemptions.",
            queries=(
                Query(
                    "use",
                    page.gauge("kv_cache_use", "max", per_engine),
                    "{{model_name}} {{instance}} engine {{engine}}",
                ),
            ),
            thresholds=KV_CACHE,
        ),
        *_prefix_cache(page),
        *_swapped(page),
        TimeSeries(
            key="preemptions",
            title="Preemptions",
            description="Requests thrown out of the batch each second for want of KV cache; their "
            "work is done again. Anything steadily above zero wastes capacity.",
            queries=(
                Query(
                    "rate",
                    page.rate(metrics.NUM_PREEMPTIONS_TOTAL, ("model_name",)),
                    "{{model_name}}",
                ),
            ),
        ),
        TimeSeries(
            key="engines-running",
            title="Requests running by engine",
            description="Requests in the batch of each engine. Lines far apart under one model "
            "mean that the load is not spread.",
            queries=(
                Query(
                    "running",
                    page.gauge("requests_running", "sum", per_engine),
                    "{{model_name}} {{instance}} engine {{engine}}",
                ),
            ),
            unit=COUNT,
        ),
    )


def _waiting_by_reason(page: SourcePage) -> Iterator[Panel]:
    if page.speaks(metrics.NUM_REQUESTS_WAITING_BY_REASON):
        yield TimeSeries(
            key="waiting-reasons",
            title="Waiting by reason",
            description="capacity: no room in the batch or the KV cache, more replicas help; "
            "deferred: held back for another reason, such as a KV transfer or a grammar "
            "being compiled, more replicas do not. From vLLM 0.20.",
            queries=(
                Query(
                    "reason",
                    total(page.select(metrics.NUM_REQUESTS_WAITING_BY_REASON), ("reason",)),
                    "{{reason}}",
                ),
            ),
            stack=True,
        )


def _prefix_cache(page: SourcePage) -> Iterator[Panel]:
    if page.has("prefix_cache_hit_ratio"):
        yield TimeSeries(
            key="prefix-cache",
            title="Prefix cache hit ratio",
            maximum=1,
            description="Share of looked-up prompt tokens found in the prefix cache. Falling while "
            "prompts share prefixes means that the cache is too small or routing scatters "
            "them. A gap means no prompts. From vLLM 0.9.2.",
            queries=(
                Query(
                    "ratio", page.ratio("prefix_cache_hit_ratio", ("model_name",)), "{{model_name}}"
                ),
            ),
        )


def _swapped(page: SourcePage) -> Iterator[Panel]:
    """Yield what only the V0 engine has: a second home for requests in CPU memory."""
    if page.has("requests_swapped"):
        yield TimeSeries(
            key="swapped",
            title="Requests swapped",
            description="Requests moved out to CPU memory by the V0 engine. Anything above zero is "
            "work that waits for room in the KV cache.",
            queries=(Query("swapped", page.gauge("requests_swapped", "sum"), "swapped"),),
        )
        yield TimeSeries(
            key="cpu-cache",
            title="CPU cache use",
            description="Share of the V0 engine's CPU cache in use. At 1, requests that should be "
            "swapped out are computed again instead.",
            queries=(
                Query(
                    "use",
                    greatest(page.select(vllm_v0.CPU_CACHE_USAGE_PERC), ("model_name", "instance")),
                    "{{model_name}} {{instance}}",
                ),
            ),
            thresholds=KV_CACHE,
        )
