"""Triton with its vLLM backend: Triton's own answers, and a few of vLLM's with Triton's labels.

Both are on one page of one target, which is therefore one source and counted once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from llmdash.metrics import triton as core
from llmdash.metrics import triton_vllm as metrics
from llmdash.metrics.metric import Histogram, Versions
from llmdash.promql.expressions import not_equal
from llmdash.promql.nodes import Matcher
from llmdash.signals import signal
from llmdash.sources.answer import Answer
from llmdash.sources.source import Dialect, Role, Source, answered, counter, named_edges, titled
from llmdash.sources.triton import core_answers

#: 24.09 brought the end-to-end latency and the lengths.
SINCE = Versions("24.09")

CATALOGUE = (*core.METRICS, *metrics.METRICS)


def triton_vllm(
    *,
    name: str = "triton-vllm",
    versions: Versions = SINCE,
    edges: Mapping[str, Sequence[float]] | None = None,
    max_model_len: int | None = None,
    job: str | None = None,
) -> Source:
    """Return Triton with the vLLM backend as a source.

    Args:
        name: what recordings call the source.
        versions: Triton's releases that may be running (`24.10`).
        edges: bucket edges that are not the catalogue's, by family.
        max_model_len: where token histograms end, when it is the same for all models.
        job: the scrape job; needed where other kinds of Triton are in the pack, which have the
            same families.
    """
    dialect = Dialect(
        # vLLM's own server calls the model model_name, so the two never mix.
        identity=(not_equal("model", ""), Matcher("model_name", "=", "")),
        labels=(("model", "model"),),
        versions=versions,
        edges=named_edges(CATALOGUE, edges),
        max_model_len=max_model_len,
        owns=("nv_",),
        job=job or name,
        match_job=job is not None,
    )
    return Source(
        name=name,
        exporter="triton_vllm",
        title=titled("Triton vLLM", name, "triton-vllm"),
        role=Role.ENGINE,
        metrics=dialect.spoken_of(CATALOGUE),
        dialect=dialect,
        answers={**core_answers(dialect), **_answers(dialect)},
        anchors=(core.NV_INFERENCE_REQUEST_SUCCESS,),
    )


def _answers(dialect: Dialect) -> dict[str, Answer]:
    def distribution(name: str, histogram: Histogram, note: str = "") -> Answer | None:
        return dialect.distribution(signal(name), histogram, note=note)

    return answered(
        time_to_first_token=distribution(
            "time_to_first_token", metrics.TIME_TO_FIRST_TOKEN_SECONDS
        ),
        inter_token_latency=distribution(
            "inter_token_latency",
            metrics.TIME_PER_OUTPUT_TOKEN_SECONDS,
            note="Called time per output token there, and filled with gaps between outputs.",
        ),
        end_to_end_latency=distribution("end_to_end_latency", metrics.E2E_REQUEST_LATENCY_SECONDS),
        prompt_tokens=counter("prompt_tokens", dialect.term(metrics.PROMPT_TOKENS_TOTAL)),
        generation_tokens=counter(
            "generation_tokens", dialect.term(metrics.GENERATION_TOKENS_TOTAL)
        ),
        prompt_length=distribution("prompt_length", metrics.REQUEST_PROMPT_TOKENS),
        generation_length=distribution("generation_length", metrics.REQUEST_GENERATION_TOKENS),
    )
