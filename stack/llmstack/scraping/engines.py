"""Under which names each kind of server tells of the same things; the names are the catalogue's.

`llmdash.sources` says the same for dashboards, in far more detail; a test compares what both read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from llmdash.metrics import gateway, sglang, triton, triton_trtllm, triton_vllm, trtllm, vllm
from llmdash.metrics.metric import Metric
from llmstack.scraping.families import Families, Family, Match, families


@dataclass(frozen=True)
class Engine:
    """One kind of server."""

    #: As llmdash calls the source.
    name: str
    #: The label that names the model.
    model_label: str
    #: Series that it shows from its start; one of them at least is on its page.
    shown_by: tuple[str, ...]
    #: Histograms: ttft, itl (from one token to the next), tpot (each request's mean), and e2e.
    latencies: Mapping[str, Families]
    answer_tokens: Families = ()
    running: Families = ()
    waiting: Families = ()
    #: Shares from 0 to 1.
    kv_cache: Families = ()
    #: Tokens or blocks that were found in the prefix cache, and those that were looked up.
    found: Families = ()
    looked_up: Families = ()
    #: What its series have beside a model, and those of no other.
    besides: tuple[Match, ...] = ()
    #: Another kind whose series are on the same page, and are its own for the same model.
    core: Engine | None = None

    @property
    def identity(self) -> tuple[Match, ...]:
        """What its series have, and those of no other."""
        return (Match(self.model_label, "!=", ""), *self.besides)


# --- vLLM -----------------------------------------------------------------------------------------


def vllm_under(prefix: str) -> Engine:
    """Return vLLM, whose families some re-export under a prefix of their own.

    The router of its production stack re-exports the same names without a model.
    """

    def of(*metrics: Metric) -> Families:
        return families(*(metric.renamed("vllm:", prefix) for metric in metrics))

    running = of(vllm.NUM_REQUESTS_RUNNING)
    return Engine(
        "vllm",
        "model_name",
        running[0].names,
        {
            "ttft": of(vllm.TIME_TO_FIRST_TOKEN_SECONDS),
            "itl": of(vllm.INTER_TOKEN_LATENCY_SECONDS, vllm.TIME_PER_OUTPUT_TOKEN_SECONDS),
            "tpot": of(vllm.REQUEST_TIME_PER_OUTPUT_TOKEN_SECONDS),
            "e2e": of(vllm.E2E_REQUEST_LATENCY_SECONDS),
        },
        answer_tokens=of(vllm.GENERATION_TOKENS_TOTAL),
        running=running,
        waiting=of(vllm.NUM_REQUESTS_WAITING),
        kv_cache=of(vllm.KV_CACHE_USAGE_PERC, vllm.GPU_CACHE_USAGE_PERC),
        # Old ones counted blocks; found and looked up are of one page, and so of one unit.
        found=of(vllm.PREFIX_CACHE_HITS_TOTAL, vllm.GPU_PREFIX_CACHE_HITS_TOTAL),
        looked_up=of(vllm.PREFIX_CACHE_QUERIES_TOTAL, vllm.GPU_PREFIX_CACHE_QUERIES_TOTAL),
    )


VLLM = vllm_under("vllm:")


# --- Triton ---------------------------------------------------------------------------------------

TRITON = Engine(
    "triton",
    "model",
    (triton.NV_INFERENCE_REQUEST_SUCCESS.name,),
    # In wide buckets, and only where it was started with them.
    {"ttft": families(triton.NV_INFERENCE_FIRST_RESPONSE_HISTOGRAM_MS)},
    waiting=families(triton.NV_INFERENCE_PENDING_REQUEST_COUNT),
)

TRITON_VLLM = Engine(
    "triton-vllm",
    "model",
    TRITON.shown_by,
    {
        "ttft": families(triton_vllm.TIME_TO_FIRST_TOKEN_SECONDS),
        # Called time per output token there, and filled with gaps between outputs.
        "itl": families(triton_vllm.TIME_PER_OUTPUT_TOKEN_SECONDS),
        "e2e": families(triton_vllm.E2E_REQUEST_LATENCY_SECONDS),
    },
    answer_tokens=families(triton_vllm.GENERATION_TOKENS_TOTAL),
    # vLLM's own server calls the model model_name, so the two never mix.
    besides=(Match("model_name", "=", ""),),
    core=TRITON,
)


def trtllm_requests(kind: str) -> Family:
    """Return how many requests TensorRT-LLM has: `active`, `scheduled` or `waiting`."""
    return families(triton_trtllm.NV_TRT_LLM_REQUEST_METRICS, request_type=kind)[0]


def trtllm_blocks(kind: str) -> Family:
    """Return how many blocks its KV cache has: `max`, `used`, or the `fraction` of both."""
    return families(triton_trtllm.NV_TRT_LLM_KV_CACHE_BLOCK_METRICS, kv_cache_block_type=kind)[0]


(_OUTPUT_TOKENS,) = families(
    triton_trtllm.NV_LLM_OUTPUT_TOKEN_LEN, response_metric_type="total_output_tokens"
)

TRITON_TRTLLM = Engine(
    "triton-trtllm",
    "model",
    (triton_trtllm.NV_TRT_LLM_REQUEST_METRICS.name,),
    {},
    answer_tokens=(replace(_OUTPUT_TOKENS, part="sum"),),
    running=(trtllm_requests("scheduled"),),
    waiting=(trtllm_requests("waiting"),),
    kv_cache=(trtllm_blocks("fraction"),),
    core=TRITON,
)


# --- others ---------------------------------------------------------------------------------------

SGLANG = Engine(
    "sglang",
    "model_name",
    (sglang.NUM_RUNNING_REQS.name, f"{sglang.TIME_TO_FIRST_TOKEN_SECONDS.name}_count"),
    {
        "ttft": families(sglang.TIME_TO_FIRST_TOKEN_SECONDS),
        "itl": families(sglang.INTER_TOKEN_LATENCY_SECONDS),
        "tpot": families(sglang.REQUEST_TIME_PER_OUTPUT_TOKEN_SECONDS),
        "e2e": families(sglang.E2E_REQUEST_LATENCY_SECONDS),
    },
    answer_tokens=families(sglang.GENERATION_TOKENS_TOTAL),
    running=families(sglang.NUM_RUNNING_REQS),
    waiting=families(sglang.NUM_QUEUE_REQS),
    kv_cache=families(sglang.TOKEN_USAGE),
    found=families(sglang.CACHED_TOKENS_TOTAL),
    looked_up=families(sglang.PROMPT_TOKENS_TOTAL),
)

TRTLLM = Engine(
    "trtllm",
    "model_name",
    (
        trtllm.TRTLLM_NUM_REQUESTS_RUNNING.name,
        trtllm.TRTLLM_MODEL_CONFIG_INFO.name,
        trtllm.TRTLLM_REQUEST_SUCCESS_TOTAL.name,
    ),
    {
        "ttft": families(trtllm.TRTLLM_TIME_TO_FIRST_TOKEN_SECONDS),
        "tpot": families(trtllm.TRTLLM_TIME_PER_OUTPUT_TOKEN_SECONDS),
        "e2e": families(trtllm.TRTLLM_E2E_REQUEST_LATENCY_SECONDS),
    },
    answer_tokens=families(trtllm.TRTLLM_GENERATION_TOKENS_TOTAL),
    running=families(trtllm.TRTLLM_NUM_REQUESTS_RUNNING),
    waiting=families(trtllm.TRTLLM_NUM_REQUESTS_WAITING),
    kv_cache=families(trtllm.TRTLLM_KV_CACHE_UTILIZATION),
    found=families(trtllm.TRTLLM_PROMPT_CACHED_TOKENS_TOTAL),
    looked_up=families(trtllm.TRTLLM_PROMPT_TOKENS_TOTAL),
)

GATEWAY = Engine(
    "gateway",
    "model",
    (gateway.GATEWAY_ACTIVE_REQUESTS.name,),
    {
        "ttft": families(gateway.GATEWAY_TIME_TO_FIRST_TOKEN_SECONDS),
        "itl": families(gateway.GATEWAY_INTER_TOKEN_LATENCY_SECONDS),
        "e2e": families(gateway.GATEWAY_REQUEST_DURATION_SECONDS),
    },
    answer_tokens=families(gateway.GATEWAY_TOKENS_GENERATED_TOTAL),
    running=families(gateway.GATEWAY_ACTIVE_REQUESTS),
)
