"""The questions that whatever serves requests is asked: engines, gateways, and apps alike."""

from __future__ import annotations

from llmdash.promql.units import RATIO, REQUESTS, SECONDS, STATE, TIMESTAMP, TOKENS, base
from llmdash.signals.signal import Form, Signal

PREEMPTIONS = base("preemptions")

OUTCOMES = ("ok", "error", "cancelled")
WAITING_REASONS = ("capacity", "deferred")
#: How long a prompt is, as a gateway estimates it when the request arrives.
PROMPT_CLASS = "prompt_class"
PROMPT_CLASSES = ("small", "medium", "large")


def _latency(
    name: str, title: str, question: str, *also_by: str, per_instance: bool = False
) -> Signal:
    return Signal(
        name,
        title,
        question,
        Form.DISTRIBUTION,
        SECONDS,
        also_by=also_by,
        per_instance=per_instance,
    )


def _length(name: str, title: str, question: str) -> Signal:
    return Signal(name, title, question, Form.DISTRIBUTION, TOKENS)


SERVING_SIGNALS: tuple[Signal, ...] = (
    Signal(
        "requests",
        "Requests",
        "How many requests end each second, and how?",
        Form.COUNTER,
        REQUESTS,
        split_by="outcome",
        values=OUTCOMES,
        also_by=(PROMPT_CLASS,),
    ),
    _latency(
        "time_to_first_token",
        "Time to first token",
        "How long does a user wait before the answer begins?",
        PROMPT_CLASS,
    ),
    _latency(
        "inter_token_latency",
        "Inter-token latency",
        "How long is the gap between two outputs of a stream?",
        PROMPT_CLASS,
        per_instance=True,
    ),
    _latency(
        "time_per_output_token",
        "Time per output token",
        "How long does a request take per token after the first, on its own average?",
    ),
    _latency(
        "end_to_end_latency",
        "End-to-end latency",
        "How long does a request take from start to end?",
        PROMPT_CLASS,
    ),
    _latency("queue_time", "Queue time", "How long does a request wait before work on it begins?"),
    _latency("prefill_time", "Prefill time", "How long does reading the prompt take?"),
    _latency("decode_time", "Decode time", "How long does writing the answer take?"),
    Signal(
        "prompt_tokens",
        "Prompt tokens",
        "How many prompt tokens are taken in each second, cached ones included?",
        Form.COUNTER,
        TOKENS,
    ),
    Signal(
        "generation_tokens",
        "Generation tokens",
        "How many tokens are generated each second?",
        Form.COUNTER,
        TOKENS,
        per_instance=True,
    ),
    Signal(
        "cached_prompt_tokens",
        "Cached prompt tokens",
        "How many prompt tokens need no prefill because a cache has them, by where they come from?",
        Form.COUNTER,
        TOKENS,
        split_by="token_source",
    ),
    _length("prompt_length", "Prompt length", "How long are the prompts?"),
    _length(
        "computed_length",
        "Computed prompt length",
        "How much of its prompt does a request's prefill really compute?",
    ),
    _length("generation_length", "Generation length", "How long are the answers?"),
    _length(
        "max_generation_tokens",
        "Maximum generation tokens",
        "How long is the longest answer of each request?",
    ),
    Signal(
        "requests_running",
        "Requests running",
        "How many requests are being worked on, and by how many engines?",
        Form.GAUGE,
        REQUESTS,
        combine=("sum", "count"),
        per_instance=True,
    ),
    Signal(
        "requests_waiting",
        "Requests waiting",
        "How many requests wait, and for what?",
        Form.GAUGE,
        REQUESTS,
        split_by="reason",
        values=WAITING_REASONS,
        per_instance=True,
    ),
    Signal(
        "requests_swapped",
        "Requests swapped",
        "How many requests have been moved out to CPU memory?",
        Form.GAUGE,
        REQUESTS,
    ),
    Signal(
        "kv_cache_use",
        "KV cache use",
        "Which share of the KV cache do live requests hold?",
        Form.GAUGE,
        RATIO,
        combine=("avg", "max"),
        per_instance=True,
        maximum=1,
    ),
    Signal(
        "prefix_cache_hit_ratio",
        "Prefix cache hit ratio",
        "Which share of the prompt tokens looked up is found in the prefix cache?",
        Form.RATIO,
        TOKENS,
        parts=("prefix_cache_hits", "prefix_cache_queries"),
        maximum=1,
    ),
    Signal(
        "external_cache_hit_ratio",
        "External cache hit ratio",
        "Which share of the prompt tokens asked of another cache tier is found there?",
        Form.RATIO,
        TOKENS,
        parts=("external_cache_hits", "external_cache_queries"),
        maximum=1,
    ),
    Signal(
        "kv_cache_capacity",
        "KV cache capacity",
        "How many tokens does the KV cache hold when it is full?",
        Form.GAUGE,
        TOKENS,
    ),
    Signal(
        "draft_acceptance_ratio",
        "Draft acceptance ratio",
        "Which share of the tokens that speculative decoding drafts is accepted?",
        Form.RATIO,
        TOKENS,
        parts=("accepted_draft_tokens", "draft_tokens"),
        maximum=1,
    ),
    Signal(
        "adapter_combinations",
        "Adapter combinations",
        "How many combinations of LoRA adapters had to wait within the last ten minutes?",
        Form.GAUGE,
        STATE,
        per_instance=True,
    ),
    Signal(
        "preemptions",
        "Preemptions",
        "How many requests are thrown out of the batch each second for want of KV cache?",
        Form.COUNTER,
        PREEMPTIONS,
    ),
    _length(
        "iteration_tokens", "Tokens per iteration", "How many tokens does one engine step work on?"
    ),
    Signal(
        "up",
        "Targets up",
        "How many targets answer the scrape?",
        Form.GAUGE,
        STATE,
        combine=("sum", "count"),
        per_instance=True,
        maximum=1,
    ),
    Signal(
        "start_time",
        "Start time",
        "When did the youngest process start?",
        Form.GAUGE,
        TIMESTAMP,
        combine=("max",),
    ),
    Signal(
        "configuration_changes",
        "Configuration changes",
        "How many engines run with a configuration not seen on them in the hour before?",
        Form.GAUGE,
        STATE,
    ),
    Signal(
        "configurations",
        "Configurations",
        "In how many configurations do the engines of a model run?",
        Form.GAUGE,
        STATE,
    ),
)
