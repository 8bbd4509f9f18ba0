"""vLLM's own server: engines of the V1 generation, and of V0 when asked for.

Prefix, releases and edges are settings of the source, not copies of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from llmdash.errors import SourceError
from llmdash.metrics import vllm as metrics
from llmdash.metrics import vllm_features, vllm_v0
from llmdash.metrics.metric import Histogram, Needs, Versions
from llmdash.metrics.prometheus import UP
from llmdash.metrics.python_process import PROCESS_START_TIME_SECONDS
from llmdash.promql.expressions import aggregate, call, first_of, joined, not_equal, over_time
from llmdash.promql.nodes import Aggregate, Binary, Matcher
from llmdash.promql.windows import Duration
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

#: 0.8.4 gave the latency histograms the edges they still have; V1 is complete from there.
SINCE = Versions("0.8.4")

#: How long a change of configuration is told: longer than the steps of a graph of some days.
HELD = "5m"

#: A combination of adapters that was written within it is of now; those of the past stay.
LATELY = Duration.parse("10m")

#: Labels of the configuration that an engine measures at its start: a restart changes them by a
#: little, and nobody has configured anything.
MEASURED = ("num_gpu_blocks", "num_cpu_blocks", "kv_cache_size_tokens", "kv_cache_max_concurrency")

#: What names one engine, whose labels change with each release.
_ENGINE = ("job", "instance", "engine")
#: What somebody has chosen, of what every release tells.
_CHOSEN = ("block_size", "cache_dtype", "enable_prefix_caching", "gpu_memory_utilization")

PREFIXES = ("vllm:", "vllm_", "ray_vllm:", "ray_vllm_", "kserve_vllm:")


_PREFIX = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*[:_]")


def vllm(
    *,
    name: str = "vllm",
    prefix: str = "vllm:",
    versions: Versions = SINCE,
    v0: bool = False,
    edges: Mapping[str, Sequence[float]] | None = None,
    max_model_len: int | None = None,
    job: str | None = None,
) -> Source:
    """Return vLLM as a source.

    Args:
        name: what recordings call the source.
        prefix: what stands before its families; Ray re-exports as `ray_vllm:` or `ray_vllm_`,
            KServe as `kserve_vllm:`, a sanitising path as `vllm_`.
        versions: the releases that may be running; families outside are not asked for.
        v0: also ask for what only the V0 engine exposes (swapped requests).
        edges: bucket edges set with `--custom-histogram-buckets`, by family.
        max_model_len: where token histograms end, when it is the same for all models.
        job: the scrape job; when given, every selector names it.
    """
    if _PREFIX.fullmatch(prefix) is None:
        raise SourceError(f"prefix {prefix!r}: expected one such as {', '.join(PREFIXES)}")
    dialect = Dialect(
        # The router of vLLM's production stack re-exports the same names without a model.
        identity=(not_equal("model_name", ""),),
        labels=(
            ("model", "model_name"),
            ("engine", "engine"),
            ("reason", "reason"),
            # "source" is a label of ours: the recording says there which server answered.
            ("token_source", "source"),
        ),
        versions=versions,
        prefix=("vllm:", prefix),
        owns=(prefix,),
        edges=named_edges(metrics.METRICS, edges),
        max_model_len=max_model_len,
        without=frozenset() if v0 else frozenset({Needs.V0_ENGINE}),
        job=job or name,
        match_job=job is not None,
    )
    return Source(
        name=name,
        exporter="vllm",
        title=titled("vLLM", name, "vllm"),
        role=Role.ENGINE,
        metrics=dialect.spoken_of(metrics.METRICS),
        dialect=dialect,
        answers=_answers(dialect),
        # Python's client adds the time of creation to each counter and histogram.
        noise=".+_created",
        instance_labels=("engine",),
        choices=("engine",),
        anchors=(metrics.NUM_REQUESTS_RUNNING,),
    )


def _answers(dialect: Dialect) -> dict[str, Answer]:
    def distribution(name: str, *histograms: Histogram, note: str = "") -> Answer | None:
        return dialect.distribution(signal(name), *histograms, note=note)

    return answered(
        requests=counter(
            "requests",
            # A reason that a later release adds ends a request too.
            _finished(dialect, "ok", Matcher("finished_reason", "!~", "error|abort")),
            _finished(dialect, "error", Matcher("finished_reason", "=", "error")),
            _finished(dialect, "cancelled", Matcher("finished_reason", "=", "abort")),
            note="Streams that the client drops are counted nowhere; rejected requests neither. "
            "Errors are counted from 0.13.",
            misses="dropped streams and refused requests are counted nowhere",
            ends_each_answer=True,
        ),
        time_to_first_token=distribution(
            "time_to_first_token", metrics.TIME_TO_FIRST_TOKEN_SECONDS
        ),
        inter_token_latency=distribution(
            "inter_token_latency",
            metrics.INTER_TOKEN_LATENCY_SECONDS,
            metrics.TIME_PER_OUTPUT_TOKEN_SECONDS,
            note="One observation an output; with speculative decoding one holds several tokens.",
        ),
        time_per_output_token=distribution(
            "time_per_output_token",
            metrics.REQUEST_TIME_PER_OUTPUT_TOKEN_SECONDS,
            note="Answers of one token count as 0 and pull quantiles down.",
        ),
        end_to_end_latency=distribution("end_to_end_latency", metrics.E2E_REQUEST_LATENCY_SECONDS),
        queue_time=distribution(
            "queue_time",
            metrics.REQUEST_QUEUE_TIME_SECONDS,
            note="Written when a request finishes: a stuck queue shows only once it drains.",
        ),
        prefill_time=distribution("prefill_time", metrics.REQUEST_PREFILL_TIME_SECONDS),
        decode_time=distribution("decode_time", metrics.REQUEST_DECODE_TIME_SECONDS),
        prompt_tokens=counter("prompt_tokens", dialect.term(metrics.PROMPT_TOKENS_TOTAL)),
        generation_tokens=counter(
            "generation_tokens", dialect.term(metrics.GENERATION_TOKENS_TOTAL)
        ),
        cached_prompt_tokens=counter(
            "cached_prompt_tokens",
            dialect.term(
                metrics.PROMPT_TOKENS_BY_SOURCE_TOTAL, where=(not_equal("source", "local_compute"),)
            ),
        ),
        prompt_length=distribution("prompt_length", metrics.REQUEST_PROMPT_TOKENS),
        computed_length=distribution(
            "computed_length",
            metrics.REQUEST_PREFILL_KV_COMPUTED_TOKENS,
            note="Without what a cache had.",
        ),
        generation_length=distribution("generation_length", metrics.REQUEST_GENERATION_TOKENS),
        max_generation_tokens=distribution(
            "max_generation_tokens", metrics.REQUEST_MAX_NUM_GENERATION_TOKENS
        ),
        requests_running=gauge("requests_running", dialect.term(metrics.NUM_REQUESTS_RUNNING)),
        requests_waiting=gauge(
            "requests_waiting",
            _waiting_for_capacity(dialect),
            dialect.term(
                metrics.NUM_REQUESTS_WAITING_BY_REASON,
                where=(Matcher("reason", "=", "deferred"),),
                reason="deferred",
            ),
        ),
        requests_swapped=gauge("requests_swapped", dialect.term(vllm_v0.NUM_REQUESTS_SWAPPED)),
        kv_cache_use=gauge(
            "kv_cache_use",
            dialect.term(metrics.KV_CACHE_USAGE_PERC, metrics.GPU_CACHE_USAGE_PERC),
            note="Blocks that only the prefix cache holds count as free.",
        ),
        prefix_cache_hit_ratio=ratio(
            "prefix_cache_hit_ratio",
            dialect.term(metrics.PREFIX_CACHE_HITS_TOTAL),
            dialect.term(metrics.PREFIX_CACHE_QUERIES_TOTAL),
            note="From 0.9.2; the older gpu_prefix_cache counters counted blocks up to 0.8.5, "
            "so the two are not joined.",
        ),
        external_cache_hit_ratio=ratio(
            "external_cache_hit_ratio",
            dialect.term(metrics.EXTERNAL_PREFIX_CACHE_HITS_TOTAL),
            dialect.term(metrics.EXTERNAL_PREFIX_CACHE_QUERIES_TOTAL),
            note="Stays at zero without a KV connector.",
        ),
        draft_acceptance_ratio=ratio(
            "draft_acceptance_ratio",
            dialect.term(vllm_features.SPEC_DECODE_NUM_ACCEPTED_TOKENS_TOTAL),
            dialect.term(vllm_features.SPEC_DECODE_NUM_DRAFT_TOKENS_TOTAL),
        ),
        adapter_combinations=gauge("adapter_combinations", _adapter_combinations(dialect)),
        preemptions=counter("preemptions", dialect.term(metrics.NUM_PREEMPTIONS_TOTAL)),
        iteration_tokens=distribution("iteration_tokens", metrics.ITERATION_TOKENS_TOTAL),
        up=gauge("up", dialect.term(UP)),
        start_time=gauge("start_time", dialect.term(PROCESS_START_TIME_SECONDS)),
        configuration_changes=gauge("configuration_changes", _configuration_changes(dialect)),
        configurations=gauge("configurations", _configurations(dialect)),
    )


def _finished(dialect: Dialect, outcome: str, reasons: Matcher) -> Term | None:
    return dialect.term(metrics.REQUEST_SUCCESS_TOTAL, where=(reasons,), outcome=outcome)


def _waiting_for_capacity(dialect: Dialect) -> Term | None:
    """Up to 0.19 the plain gauge held only those that wait for capacity; since 0.20 all of them."""
    capacity = (Matcher("reason", "=", "capacity"),)
    by_reason = dialect.term(metrics.NUM_REQUESTS_WAITING_BY_REASON, where=capacity)
    plain = dialect.term(metrics.NUM_REQUESTS_WAITING)
    parts = [part for term in (by_reason, plain) if term for part in term.alternatives]
    return dialect.joined(parts, reason="capacity")


def _adapter_combinations(dialect: Dialect) -> Term | None:
    """Combinations of adapters that waited lately: each is a label set, its value the moment."""
    if not dialect.speaks(vllm_features.LORA_REQUESTS_INFO):
        return None
    info = dialect.select(vllm_features.LORA_REQUESTS_INFO)
    waited = info.where(not_equal("waiting_lora_adapters", ""))
    lately = call("time") - LATELY.seconds
    return Term((Binary(">", waited, lately, as_state=True),))


def _configuration_changes(dialect: Dialect) -> Term | None:
    """Engines whose configuration was not seen in the hour before, on instances that were."""
    info = dialect.select(metrics.CACHE_CONFIG_INFO)
    now = Aggregate("group", info, None, MEASURED)
    before = Aggregate("group", over_time("present", info.offset(HELD), "1h"), None, MEASURED)
    changed = joined(joined(now, "unless", before), "and", before, on=_ENGINE)
    unchanged = aggregate("group", info, _ENGINE) - 1
    return Term((first_of(aggregate("group", changed, _ENGINE), unchanged),))


def _configurations(dialect: Dialect) -> Term | None:
    """Each configuration of a model once: the information names engines, their load the model."""
    model = dict(dialect.labels)["model"]
    info, load = map(dialect.select, (metrics.CACHE_CONFIG_INFO, metrics.NUM_REQUESTS_RUNNING))
    of_engine = aggregate("topk", load, _ENGINE, 1)
    each = joined(info, "*", of_engine, on=_ENGINE, group_left=(model,))
    return dialect.term(aggregate("group", each, (model, *_CHOSEN)))
