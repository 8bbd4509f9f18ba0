"""Under which names each engine tells of the same things.

Names and units come from the catalogue. Where there are several, the first that is on the page
counts: they are of other releases.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from llmdash.metrics import sglang, triton, triton_trtllm, triton_vllm, trtllm, vllm
from llmdash.metrics.metric import Metric


@dataclass(frozen=True)
class Family:
    """A family of the catalogue, or those of its series that a label chooses."""

    metric: Metric
    where: tuple[tuple[str, str], ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The series that it has."""
        return self.metric.series_names()

    @property
    def scale(self) -> float:
        """Turns a value into one of the base unit: a millisecond is 0.001."""
        return self.metric.unit.scale


Families = tuple[Family, ...]


@dataclass(frozen=True)
class Engine:
    """One kind of server."""

    name: str
    #: Series of which one at least is on its page, and on no page of those below it.
    shown_by: tuple[str, ...]
    #: The label that names the model.
    model_label: str
    #: Histograms by ttft, itl, tpot and e2e.
    latencies: Mapping[str, Families]
    answer_tokens: Families = ()
    running: Families = ()
    waiting: Families = ()
    #: Shares from 0 to 1.
    kv_cache: Families = ()
    #: Tokens or blocks that were found in the prefix cache, and those that were looked up.
    found: Families = ()
    looked_up: Families = ()
    names: frozenset[str] = field(init=False)
    #: Those that are looked at while a run runs.
    gauge_names: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        """Gather the series that are read."""
        gauges = (*self.running, *self.waiting, *self.kv_cache)
        rest = (*self.answer_tokens, *self.found, *self.looked_up)
        histograms = (each for families in self.latencies.values() for each in families)
        names = _names(*gauges, *rest, *histograms)
        object.__setattr__(self, "names", frozenset((*names, *self.shown_by)))
        object.__setattr__(self, "gauge_names", frozenset(_names(*gauges)))


def _names(*families: Family) -> Iterator[str]:
    for family in families:
        yield from family.names


def _families(*metrics: Metric, **where: str) -> Families:
    return tuple(Family(metric, tuple(where.items())) for metric in metrics)


ENGINES: tuple[Engine, ...] = (
    Engine(
        "vllm",
        (vllm.NUM_REQUESTS_RUNNING.name,),
        "model_name",
        {
            "ttft": _families(vllm.TIME_TO_FIRST_TOKEN_SECONDS),
            "itl": _families(vllm.INTER_TOKEN_LATENCY_SECONDS, vllm.TIME_PER_OUTPUT_TOKEN_SECONDS),
            "tpot": _families(vllm.REQUEST_TIME_PER_OUTPUT_TOKEN_SECONDS),
            "e2e": _families(vllm.E2E_REQUEST_LATENCY_SECONDS),
        },
        _families(vllm.GENERATION_TOKENS_TOTAL),
        _families(vllm.NUM_REQUESTS_RUNNING),
        _families(vllm.NUM_REQUESTS_WAITING),
        _families(vllm.KV_CACHE_USAGE_PERC, vllm.GPU_CACHE_USAGE_PERC),
        # Old ones counted blocks; found and looked up are of one page, and so of one unit.
        _families(vllm.PREFIX_CACHE_HITS_TOTAL, vllm.GPU_PREFIX_CACHE_HITS_TOTAL),
        _families(vllm.PREFIX_CACHE_QUERIES_TOTAL, vllm.GPU_PREFIX_CACHE_QUERIES_TOTAL),
    ),
    Engine(
        "sglang",
        (sglang.NUM_RUNNING_REQS.name, f"{sglang.TIME_TO_FIRST_TOKEN_SECONDS.name}_count"),
        "model_name",
        {
            "ttft": _families(sglang.TIME_TO_FIRST_TOKEN_SECONDS),
            "itl": _families(sglang.INTER_TOKEN_LATENCY_SECONDS),
            "tpot": _families(sglang.REQUEST_TIME_PER_OUTPUT_TOKEN_SECONDS),
            "e2e": _families(sglang.E2E_REQUEST_LATENCY_SECONDS),
        },
        _families(sglang.GENERATION_TOKENS_TOTAL),
        _families(sglang.NUM_RUNNING_REQS),
        _families(sglang.NUM_QUEUE_REQS),
        _families(sglang.TOKEN_USAGE),
        _families(sglang.CACHED_TOKENS_TOTAL),
        _families(sglang.PROMPT_TOKENS_TOTAL),
    ),
    Engine(
        "trtllm",
        (trtllm.TRTLLM_MODEL_CONFIG_INFO.name, trtllm.TRTLLM_REQUEST_SUCCESS_TOTAL.name),
        "model_name",
        {
            "ttft": _families(trtllm.TRTLLM_TIME_TO_FIRST_TOKEN_SECONDS),
            "tpot": _families(trtllm.TRTLLM_TIME_PER_OUTPUT_TOKEN_SECONDS),
            "e2e": _families(trtllm.TRTLLM_E2E_REQUEST_LATENCY_SECONDS),
        },
        _families(trtllm.TRTLLM_GENERATION_TOKENS_TOTAL),
        _families(trtllm.TRTLLM_NUM_REQUESTS_RUNNING),
        _families(trtllm.TRTLLM_NUM_REQUESTS_WAITING),
        _families(trtllm.TRTLLM_KV_CACHE_UTILIZATION),
        _families(trtllm.TRTLLM_PROMPT_CACHED_TOKENS_TOTAL),
        _families(trtllm.TRTLLM_PROMPT_TOKENS_TOTAL),
    ),
    Engine(
        "triton-trtllm",
        (triton_trtllm.NV_TRT_LLM_REQUEST_METRICS.name,),
        "model",
        # Triton's own, in wide buckets, and only where it was started with it.
        {"ttft": _families(triton.NV_INFERENCE_FIRST_RESPONSE_HISTOGRAM_MS)},
        running=_families(triton_trtllm.NV_TRT_LLM_REQUEST_METRICS, request_type="active"),
        waiting=_families(triton_trtllm.NV_TRT_LLM_REQUEST_METRICS, request_type="waiting"),
        kv_cache=_families(
            triton_trtllm.NV_TRT_LLM_KV_CACHE_BLOCK_METRICS, kv_cache_block_type="fraction"
        ),
    ),
    Engine(
        "triton-vllm",
        (triton.NV_INFERENCE_REQUEST_SUCCESS.name,),
        "model",
        {
            "ttft": _families(triton_vllm.TIME_TO_FIRST_TOKEN_SECONDS),
            # Called time per output token there, and filled with gaps between outputs.
            "itl": _families(triton_vllm.TIME_PER_OUTPUT_TOKEN_SECONDS),
            "e2e": _families(triton_vllm.E2E_REQUEST_LATENCY_SECONDS),
        },
        _families(triton_vllm.GENERATION_TOKENS_TOTAL),
        waiting=_families(triton.NV_INFERENCE_PENDING_REQUEST_COUNT),
    ),
)

ALL_NAMES = frozenset(name for engine in ENGINES for name in engine.names)


def engine_of(names: frozenset[str]) -> Engine | None:
    """Return the engine whose page has such series; None where it is no engine's."""
    for engine in ENGINES:
        if names.intersection(engine.shown_by):
            return engine
    return None
