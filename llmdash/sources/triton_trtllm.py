"""Triton with its TensorRT-LLM backend: families whose meaning a label's value chooses.

Both are on one page of one target, which is therefore one source and counted once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from llmdash.metrics import triton as core
from llmdash.metrics import triton_trtllm as metrics
from llmdash.metrics.metric import Histogram, Versions
from llmdash.promql.expressions import joined, not_equal
from llmdash.promql.facts import Usage
from llmdash.promql.nodes import Expr, Matcher, Selector, Taken
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
    titled,
)
from llmdash.sources.triton import SINCE, core_answers

#: 0.18 brought waiting requests and the share of the KV cache in use; lengths came with 0.16.
BACKEND_SINCE = Versions("0.16.0")

CATALOGUE = (*core.METRICS, *metrics.METRICS)

#: What tells the series of one model on one server from those of another.
_MODEL = ("job", "instance", "model", "version")


def triton_trtllm(
    *,
    name: str = "triton-trtllm",
    versions: Versions = SINCE,
    backend: Versions = BACKEND_SINCE,
    edges: Mapping[str, Sequence[float]] | None = None,
    job: str | None = None,
) -> Source:
    """Return Triton with the TensorRT-LLM backend as a source.

    Args:
        name: what recordings call the source.
        versions: Triton's releases that may be running (`24.10`).
        backend: the backend's own releases (`0.18.0`).
        edges: bucket edges that are not the catalogue's, by family.
        job: the scrape job; needed where other kinds of Triton are in the pack, which have the
            same families.
    """
    dialect = Dialect(
        identity=(not_equal("model", ""),),
        labels=(("model", "model"),),
        versions=versions,
        edges=named_edges(CATALOGUE, edges),
        owns=("nv_",),
        job=job or name,
        match_job=job is not None,
    )
    own = replace(dialect, versions=backend)
    return Source(
        name=name,
        exporter="triton_trtllm",
        title=titled("Triton TensorRT-LLM", name, "triton-trtllm"),
        role=Role.ENGINE,
        metrics=(*dialect.spoken_of(core.METRICS), *own.spoken_of(metrics.METRICS)),
        dialect=dialect,
        answers={**core_answers(dialect), **_answers(own)},
        anchors=(core.NV_INFERENCE_REQUEST_SUCCESS,),
    )


def _answers(dialect: Dialect) -> dict[str, Answer]:
    def lengths(name: str, histogram: Histogram, kind: str) -> Answer | None:
        return dialect.distribution(signal(name), histogram, where=_response(kind))

    def tokens(name: str, histogram: Histogram, kind: str) -> Answer | None:
        term = dialect.term(dialect.sum_of(histogram, *_response(kind)))
        note = "The sum of the lengths: counted when a request ends."
        return counter(name, term, note=note, at_end=True)

    read, written = metrics.NV_LLM_INPUT_TOKEN_LEN, metrics.NV_LLM_OUTPUT_TOKEN_LEN
    return answered(
        prompt_tokens=tokens("prompt_tokens", read, "total_input_tokens"),
        generation_tokens=tokens("generation_tokens", written, "total_output_tokens"),
        prompt_length=lengths("prompt_length", read, "total_input_tokens"),
        generation_length=lengths("generation_length", written, "total_output_tokens"),
        requests_running=gauge(
            "requests_running",
            dialect.term(_requests(dialect, "scheduled")),
            note="Scheduled in the last iteration that was polled.",
        ),
        requests_waiting=gauge(
            "requests_waiting", dialect.term(_waiting(dialect), reason="capacity")
        ),
        kv_cache_use=gauge("kv_cache_use", dialect.term(_kv_cache_use(dialect))),
        kv_cache_capacity=gauge("kv_cache_capacity", dialect.term(_kv_cache_capacity(dialect))),
    )


def _response(kind: str) -> tuple[Matcher, ...]:
    return (Matcher("response_metric_type", "=", kind),)


def _requests(dialect: Dialect, kind: str) -> Selector:
    return dialect.select(metrics.NV_TRT_LLM_REQUEST_METRICS, Matcher("request_type", "=", kind))


def _blocks(dialect: Dialect, kind: str) -> Selector:
    chosen = Matcher("kv_cache_block_type", "=", kind)
    return dialect.select(metrics.NV_TRT_LLM_KV_CACHE_BLOCK_METRICS, chosen)


def _waiting(dialect: Dialect) -> Expr:
    """Up to 0.17 nothing says who waits, but those that are in and not scheduled do."""
    not_scheduled = joined(
        _requests(dialect, "active"), "-", _requests(dialect, "scheduled"), on=_MODEL
    )
    return joined(_requests(dialect, "waiting"), "or", not_scheduled, on=_MODEL)


def _kv_cache_use(dialect: Dialect) -> Expr:
    """Up to 0.17 nothing says the share, but used and all blocks are there."""
    share = joined(_blocks(dialect, "used"), "/", _blocks(dialect, "max"), on=_MODEL)
    # Blocks of one kind divide to a share of one server, which may be compared and averaged.
    read = Taken(share, "the share of one model's blocks", usage=Usage.VALUE)
    return joined(_blocks(dialect, "fraction"), "or", read, on=_MODEL)


def _kv_cache_capacity(dialect: Dialect) -> Expr:
    return joined(_blocks(dialect, "max"), "*", _blocks(dialect, "tokens_per"), on=_MODEL)
