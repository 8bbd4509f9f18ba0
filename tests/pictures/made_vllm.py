"""vLLM servers of a made evening, as they would be scraped."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from llmdash.metrics import python_process, vllm
from llmdash.metrics.metric import Histogram
from tests.pictures.evening import Replica, Values
from tests.pictures.written_series import Labels, WrittenSeries, counter, gauge, histogram, scraped

#: When the servers were started, some days before.
STARTED = 1_794_950_000.0
_GIB = 2.0**30


def pod_of(replica: Replica) -> Labels:
    """Return the labels of the pod in which a replica runs."""
    return {"namespace": "serving", "pod": f"vllm-{replica.number}"}


def vllm_series(replica: Replica) -> Iterator[WrittenSeries]:
    """Yield what a vLLM server shows."""
    size = len(replica.arrived)
    target = {"job": "vllm", "instance": f"vllm-{replica.number}:8000", **pod_of(replica)}
    engine = {**target, "engine": "0", "model_name": replica.model.name}
    yield from scraped(target, size, 420)
    yield gauge(python_process.PROCESS_START_TIME_SECONDS, target, STARTED, size)
    yield from _process(replica, target, size)
    yield from _state(replica, engine, size)
    yield from _requests(replica, engine, size)
    yield from _latency(replica, engine)
    yield from _lengths(replica, engine)
    config = {"block_size": "16", "cache_dtype": "auto", "enable_prefix_caching": "True"}
    config |= {"gpu_memory_utilization": "0.9", "num_cpu_blocks": "None", "engine": "0"}
    blocks = str(int(replica.model.kv_tokens / 16))
    config |= {"num_gpu_blocks": blocks, "kv_cache_size_tokens": f"{replica.model.kv_tokens:.0f}"}
    yield gauge(vllm.CACHE_CONFIG_INFO, {**target, **config}, 1, size)


def _process(replica: Replica, target: Labels, size: int) -> Iterator[WrittenSeries]:
    busy = 0.15 + 0.4 * replica.load
    yield counter(python_process.PROCESS_CPU_SECONDS_TOTAL, target, busy, size, whole=False)
    yield gauge(python_process.PROCESS_RESIDENT_MEMORY_BYTES, target, 2.1 * _GIB, size)
    yield gauge(python_process.PROCESS_VIRTUAL_MEMORY_BYTES, target, 31 * _GIB, size)
    yield gauge(python_process.PROCESS_OPEN_FDS, target, 60 + replica.running, size)
    yield gauge(python_process.PROCESS_MAX_FDS, target, 65_536, size)


def _state(replica: Replica, engine: Labels, size: int) -> Iterator[WrittenSeries]:
    yield gauge(vllm.NUM_REQUESTS_RUNNING, engine, replica.running, size)
    yield gauge(vllm.NUM_REQUESTS_WAITING, engine, replica.waiting, size)
    for reason, values in (("capacity", replica.waiting), ("deferred", 0.0)):
        labels = {**engine, "reason": reason}
        yield gauge(vllm.NUM_REQUESTS_WAITING_BY_REASON, labels, values, size)
    yield gauge(vllm.KV_CACHE_USAGE_PERC, engine, replica.kv_use, size)
    for state in ("awake", "weights_offloaded", "discard_all"):
        labels = {**engine, "sleep_state": state}
        yield gauge(vllm.ENGINE_SLEEP_STATE, labels, float(state == "awake"), size)


def _requests(replica: Replica, engine: Labels, size: int) -> Iterator[WrittenSeries]:
    done = replica.finished - replica.failed
    for reason, rate in (
        ("stop", 0.86 * done),
        ("length", 0.14 * done),
        ("abort", replica.gave_up),
        ("error", replica.failed),
        ("repetition", 0.0),
    ):
        labels = {**engine, "finished_reason": reason}
        yield counter(vllm.REQUEST_SUCCESS_TOTAL, labels, rate, size)
    yield counter(vllm.NUM_PREEMPTIONS_TOTAL, engine, replica.preempted, size)
    read = replica.admitted * replica.model.prompt_tokens
    cached = read * replica.hit_ratio
    yield counter(vllm.PROMPT_TOKENS_TOTAL, engine, read, size)
    yield counter(vllm.PROMPT_TOKENS_CACHED_TOTAL, engine, cached, size)
    for source, rate in (
        ("local_compute", read - cached),
        ("local_cache_hit", cached),
        ("external_kv_transfer", 0.0),
    ):
        labels = {**engine, "source": source}
        yield counter(vllm.PROMPT_TOKENS_BY_SOURCE_TOTAL, labels, rate, size)
    yield counter(vllm.PREFIX_CACHE_QUERIES_TOTAL, engine, read, size)
    yield counter(vllm.PREFIX_CACHE_HITS_TOTAL, engine, cached, size)
    for family in (
        vllm.EXTERNAL_PREFIX_CACHE_QUERIES_TOTAL,
        vllm.EXTERNAL_PREFIX_CACHE_HITS_TOTAL,
        vllm.MM_CACHE_QUERIES_TOTAL,
        vllm.MM_CACHE_HITS_TOTAL,
    ):
        yield counter(family, engine, 0, size)
    yield counter(vllm.GENERATION_TOKENS_TOTAL, engine, tokens_written(replica), size)


def tokens_written(replica: Replica) -> Values:
    """Return the tokens that a replica writes each second."""
    return replica.running / replica.per_token


def _latency(replica: Replica, engine: Labels) -> Iterator[WrittenSeries]:
    decode = replica.per_token * replica.model.answer_tokens * 0.8
    first = replica.wait + replica.prefill
    began, ended = replica.admitted, replica.finished
    steps = 1 / replica.per_token
    shapes: tuple[tuple[Histogram, Values, Values | float, float], ...] = (
        (vllm.TIME_TO_FIRST_TOKEN_SECONDS, began, first, 0.45),
        (vllm.INTER_TOKEN_LATENCY_SECONDS, tokens_written(replica), 0.92 * replica.per_token, 0.35),
        (vllm.REQUEST_TIME_PER_OUTPUT_TOKEN_SECONDS, ended, 0.97 * replica.per_token, 0.2),
        (vllm.E2E_REQUEST_LATENCY_SECONDS, ended, first + decode, 0.6),
        (vllm.REQUEST_QUEUE_TIME_SECONDS, ended, replica.wait, 0.5),
        (vllm.REQUEST_PREFILL_TIME_SECONDS, ended, replica.prefill, 0.6),
        (vllm.REQUEST_DECODE_TIME_SECONDS, ended, decode, 0.65),
        (vllm.REQUEST_INFERENCE_TIME_SECONDS, ended, replica.prefill + decode, 0.65),
        (vllm.ITERATION_TOKENS_TOTAL, steps, np.maximum(replica.running, 1) * 1.4, 0.5),
    )
    for family, rate, median, spread in shapes:
        yield from histogram(family, engine, rate, median, spread)


def _lengths(replica: Replica, engine: Labels) -> Iterator[WrittenSeries]:
    prompt, answer = replica.model.prompt_tokens, replica.model.answer_tokens
    for family, median, spread in (
        (vllm.REQUEST_PROMPT_TOKENS, 0.7 * prompt, 0.85),
        (vllm.REQUEST_GENERATION_TOKENS, 0.75 * answer, 0.75),
        (vllm.REQUEST_MAX_NUM_GENERATION_TOKENS, 0.75 * answer, 0.75),
        (vllm.REQUEST_PARAMS_MAX_TOKENS, 1024.0, 0.7),
        (vllm.REQUEST_PREFILL_KV_COMPUTED_TOKENS, 0.4 * prompt, 0.95),
        (vllm.REQUEST_PARAMS_N, 0.8, 0.1),
    ):
        yield from histogram(family, engine, replica.finished, median, spread)
