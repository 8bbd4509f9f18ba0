"""The servers that are known, and how each figure is asked of them: names are the catalogue's.

`llmdash.sources` says the same for dashboards, in far more detail; a test compares what both read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from llmdash.metrics import gateway, sglang, triton, triton_trtllm, triton_vllm, trtllm, vllm
from llmdash.metrics.metric import Counter, Gauge, Histogram
from llmstack.top.figures import Figure, Role, Row
from llmstack.top.forms import Chosen, Form, Level, Match, Mean, Quantile, Ranked, Rate, Worked

Family = TypeVar("Family", Counter, Gauge, Histogram)


@dataclass(frozen=True)
class Engine:
    """One kind of server."""

    #: As llmdash calls the source.
    name: str
    #: The label that names the model.
    model: str
    #: What its series have, and those of no other.
    identity: tuple[Match, ...]
    asked: Mapping[Figure, Form]
    role: Role = Role.ENGINE
    #: Another kind whose series are on the same page, and are its own for the same model.
    core: str = ""
    #: What a reader of its figures must know.
    note: str = ""

    def names(self) -> Iterator[str]:
        """Yield the names of all series that are asked for."""
        for form in self.asked.values():
            yield from form.names()


def _named(label: str) -> tuple[Match, ...]:
    return (Match(label, "!=", ""),)


def _of(*metrics: Family) -> tuple[Chosen, ...]:
    return tuple(Chosen(metric.name) for metric in metrics)


def _only(metric: Family, label: str, value: str) -> Chosen:
    return Chosen(metric.name, (Match(label, "=", value),))


def _quantile(
    *histograms: Histogram, scale: float = 1.0, where: tuple[Match, ...] = ()
) -> Quantile:
    edges = [
        edges
        for histogram in histograms
        for edges in (histogram.edges, *(older for _, older in histogram.older_edges))
    ]
    return Quantile(
        tuple(Chosen(histogram.name, where) for histogram in histograms),
        scale,
        frozenset(each[-1] * scale for each in edges if each),
    )


# --- vLLM -----------------------------------------------------------------------------------------

#: Ray and KServe re-export its families under prefixes of their own.
VLLM_PREFIXES = ("vllm:", "vllm_", "ray_vllm:", "ray_vllm_", "kserve_vllm:")


def _vllm(prefix: str) -> Engine:
    def of(*metrics: Family) -> tuple[Chosen, ...]:
        return _of(*(metric.renamed("vllm:", prefix) for metric in metrics))

    def quantile(*histograms: Histogram) -> Quantile:
        return _quantile(*(each.renamed("vllm:", prefix) for each in histograms))

    return Engine(
        "vllm",
        "model_name",
        # The router of vLLM's production stack re-exports the same names without a model.
        _named("model_name"),
        {
            Figure.TTFT: quantile(vllm.TIME_TO_FIRST_TOKEN_SECONDS),
            Figure.TPOT: quantile(
                vllm.INTER_TOKEN_LATENCY_SECONDS, vllm.TIME_PER_OUTPUT_TOKEN_SECONDS
            ),
            Figure.E2E: quantile(vllm.E2E_REQUEST_LATENCY_SECONDS),
            Figure.TOKENS: Rate(of(vllm.GENERATION_TOKENS_TOTAL)),
            Figure.RUNNING: Level(of(vllm.NUM_REQUESTS_RUNNING)),
            Figure.WAITING: Level(of(vllm.NUM_REQUESTS_WAITING)),
            Figure.KV_CACHE: Level(
                of(vllm.KV_CACHE_USAGE_PERC, vllm.GPU_CACHE_USAGE_PERC), is_highest=True
            ),
        },
        note="TPOT is the time of a step, of several tokens where it speculates",
    )


# --- Triton ---------------------------------------------------------------------------------------

TRITON = Engine(
    "triton",
    "model",
    _named("model"),
    {
        Figure.TTFT: _quantile(triton.NV_INFERENCE_FIRST_RESPONSE_HISTOGRAM_MS, scale=1e-3),
        Figure.E2E_MEAN: Mean(
            Chosen(triton.NV_INFERENCE_REQUEST_DURATION_US.name),
            Chosen(triton.NV_INFERENCE_REQUEST_SUCCESS.name),
            1e-6,
        ),
        Figure.WAITING: Level(_of(triton.NV_INFERENCE_PENDING_REQUEST_COUNT)),
    },
    note="counts no tokens; TTFT needs histogram_latencies=true",
)

TRITON_VLLM = Engine(
    "triton-vllm",
    "model",
    # vLLM's own server calls the model model_name, so the two never mix.
    (*_named("model"), Match("model_name", "=", "")),
    {
        Figure.TTFT: _quantile(triton_vllm.TIME_TO_FIRST_TOKEN_SECONDS),
        Figure.TPOT: _quantile(triton_vllm.TIME_PER_OUTPUT_TOKEN_SECONDS),
        Figure.E2E: _quantile(triton_vllm.E2E_REQUEST_LATENCY_SECONDS),
        Figure.TOKENS: Rate(_of(triton_vllm.GENERATION_TOKENS_TOTAL)),
    },
    core="triton",
    note="tells no running requests and no KV cache",
)

#: What tells the series of one model on one server from those of another.
_MODEL = ("job", "instance", "model", "version")


def _requests(kind: str) -> Chosen:
    return _only(triton_trtllm.NV_TRT_LLM_REQUEST_METRICS, "request_type", kind)


def _blocks(kind: str) -> Chosen:
    return _only(triton_trtllm.NV_TRT_LLM_KV_CACHE_BLOCK_METRICS, "kv_cache_block_type", kind)


TRITON_TRTLLM = Engine(
    "triton-trtllm",
    "model",
    _named("model"),
    {
        Figure.TOKENS: Rate(
            (
                _only(
                    triton_trtllm.NV_LLM_OUTPUT_TOKEN_LEN,
                    "response_metric_type",
                    "total_output_tokens",
                ).part("sum"),
            )
        ),
        Figure.RUNNING: Level((_requests("scheduled"),)),
        # Up to 0.17 nothing says who waits, nor the share of the cache.
        Figure.WAITING: Level(
            (_requests("waiting"),),
            otherwise=Worked(_requests("active"), "-", _requests("scheduled"), _MODEL),
        ),
        Figure.KV_CACHE: Level(
            (_blocks("fraction"),),
            is_highest=True,
            otherwise=Worked(_blocks("used"), "/", _blocks("max"), _MODEL),
        ),
    },
    core="triton",
    note="counts tokens when a request ends; no TPOT, of E2E the mean",
)


# --- others ---------------------------------------------------------------------------------------

_SCHEDULER = ("dp_rank",)

SGLANG = Engine(
    "sglang",
    "model_name",
    _named("model_name"),
    {
        Figure.TTFT: _quantile(
            sglang.TIME_TO_FIRST_TOKEN_SECONDS, where=(Match("is_streaming", "!=", "false"),)
        ),
        Figure.TPOT: _quantile(sglang.INTER_TOKEN_LATENCY_SECONDS),
        Figure.E2E: _quantile(sglang.E2E_REQUEST_LATENCY_SECONDS),
        Figure.TOKENS: Rate(_of(sglang.GENERATION_TOKENS_TOTAL)),
        Figure.RUNNING: Ranked(_of(sglang.NUM_RUNNING_REQS), _SCHEDULER),
        Figure.WAITING: Ranked(
            _of(sglang.NUM_QUEUE_REQS, sglang.NUM_GRAMMAR_QUEUE_REQS), _SCHEDULER
        ),
        Figure.KV_CACHE: Level(_of(sglang.TOKEN_USAGE), is_highest=True),
    },
    note="counts tokens when a request ends",
)

TRTLLM = Engine(
    "trtllm",
    "model_name",
    _named("model_name"),
    {
        Figure.TTFT: _quantile(trtllm.TRTLLM_TIME_TO_FIRST_TOKEN_SECONDS),
        Figure.TPOT: _quantile(trtllm.TRTLLM_TIME_PER_OUTPUT_TOKEN_SECONDS),
        Figure.E2E: _quantile(trtllm.TRTLLM_E2E_REQUEST_LATENCY_SECONDS),
        Figure.TOKENS: Rate(_of(trtllm.TRTLLM_GENERATION_TOKENS_TOTAL)),
        Figure.RUNNING: Level(_of(trtllm.TRTLLM_NUM_REQUESTS_RUNNING)),
        Figure.WAITING: Level(_of(trtllm.TRTLLM_NUM_REQUESTS_WAITING)),
        Figure.KV_CACHE: Level(_of(trtllm.TRTLLM_KV_CACHE_UTILIZATION), is_highest=True),
    },
    note="counts tokens when a request ends; TPOT is each request's mean",
)

GATEWAY = Engine(
    "gateway",
    "model",
    _named("model"),
    {
        Figure.TTFT: _quantile(gateway.GATEWAY_TIME_TO_FIRST_TOKEN_SECONDS),
        Figure.TPOT: _quantile(gateway.GATEWAY_INTER_TOKEN_LATENCY_SECONDS),
        Figure.E2E: _quantile(gateway.GATEWAY_REQUEST_DURATION_SECONDS),
        Figure.TOKENS: Rate(_of(gateway.GATEWAY_TOKENS_GENERATED_TOTAL)),
        Figure.RUNNING: Level(_of(gateway.GATEWAY_ACTIVE_REQUESTS)),
    },
    role=Role.GATEWAY,
    note="sees the requests of the engines behind it, from outside",
)

#: In the order in which they are asked; of a model that two of them show the first tells a figure.
ENGINES = (
    *(_vllm(prefix) for prefix in VLLM_PREFIXES),
    TRITON_VLLM,
    TRITON_TRTLLM,
    TRITON,
    SGLANG,
    TRTLLM,
    GATEWAY,
)

#: What each of them shows from its start: where a target has lately shown one, it is a server.
ANCHORS = tuple(
    metric.name
    for metric in (
        *(vllm.NUM_REQUESTS_RUNNING.renamed("vllm:", prefix) for prefix in VLLM_PREFIXES),
        triton.NV_INFERENCE_REQUEST_SUCCESS,
        sglang.NUM_RUNNING_REQS,
        trtllm.TRTLLM_NUM_REQUESTS_RUNNING,
        gateway.GATEWAY_ACTIVE_REQUESTS,
    )
)

_ENDS = {
    (engine.name, figure): form.ends
    for engine in ENGINES
    for figure, form in engine.asked.items()
    if isinstance(form, Quantile)
}


def is_beyond(row: Row, figure: Figure) -> bool:
    """Tell whether a quantile is the last edge of its histogram, and truly anywhere beyond it.

    Edges that an operator has set are not known here.
    """
    cores = [engine.core for engine in ENGINES if engine.name == row.source]
    ends = [_ENDS.get((source, figure), frozenset()) for source in (row.source, *cores)]
    return row.figures.get(figure) in frozenset().union(*ends)


NOTES = {engine.name: engine.note for engine in ENGINES}
