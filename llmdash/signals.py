"""The questions that any LLM server can be asked, in one unit and of one form each.

Exporters answer in their own dialects (`sources/`); dashboards and rules ask only these.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from llmdash.errors import SourceError
from llmdash.promql.labels import with_nearest
from llmdash.promql.units import (
    RATIO,
    REQUESTS,
    SECONDS,
    STATE,
    TIMESTAMP,
    TOKENS,
    Unit,
    base,
)

PREEMPTIONS = base("preemptions")


class Form(Enum):
    """What kind of answer a question has."""

    #: Buckets, sum and count; a source that has only sum and count answers with a mean.
    DISTRIBUTION = "distribution"
    COUNTER = "counter"
    GAUGE = "gauge"
    #: Two counters, so that a ratio over several sources is weighted, never averaged.
    RATIO = "ratio"


@dataclass(frozen=True)
class Signal:
    """One question."""

    name: str
    title: str
    #: What is asked, in a sentence that an operator would say.
    question: str
    form: Form
    unit: Unit
    #: Declared grouping: a label with its closed set of values (`outcome`: ok, error, cancelled).
    split_by: str = ""
    values: tuple[str, ...] = ()
    #: How gauges of several replicas are combined.
    combine: tuple[str, ...] = ("sum",)
    #: Also recorded for each instance and engine, for straggler and saturation alerts.
    per_instance: bool = False
    #: The names of the two counters of a ratio.
    parts: tuple[str, str] = ("", "")
    #: The greatest value possible, where there is one.
    maximum: float | None = None

    @property
    def metric(self) -> str:
        """The name in recordings: with its unit, as Prometheus names go."""
        suffix = _SUFFIXES.get(self.unit, "")
        return self.name if not suffix or self.name.endswith(suffix) else self.name + suffix


_SUFFIXES = {SECONDS: "_seconds", RATIO: "_ratio", TIMESTAMP: "_seconds"}

OUTCOMES = ("ok", "error", "cancelled")
WAITING_REASONS = ("capacity", "deferred")


def _latency(name: str, title: str, question: str) -> Signal:
    return Signal(name, title, question, Form.DISTRIBUTION, SECONDS)


def _length(name: str, title: str, question: str) -> Signal:
    return Signal(name, title, question, Form.DISTRIBUTION, TOKENS)


SIGNALS: tuple[Signal, ...] = (
    Signal(
        "requests",
        "Requests",
        "How many requests end each second, and how?",
        Form.COUNTER,
        REQUESTS,
        split_by="outcome",
        values=OUTCOMES,
    ),
    _latency(
        "time_to_first_token",
        "Time to first token",
        "How long does a user wait before the answer begins?",
    ),
    _latency(
        "inter_token_latency",
        "Inter-token latency",
        "How long is the gap between two outputs of a stream?",
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
    _length("generation_length", "Generation length", "How long are the answers?"),
    _length(
        "max_generation_tokens",
        "Maximum generation tokens",
        "How long is the longest answer of each request?",
    ),
    Signal(
        "requests_running",
        "Requests running",
        "How many requests are being worked on?",
        Form.GAUGE,
        REQUESTS,
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
)

_BY_NAME = {signal.name: signal for signal in SIGNALS}


def signal(name: str) -> Signal:
    """Return a signal by name.

    Raises:
        SourceError: no signal has that name; the nearest is named.
    """
    if name not in _BY_NAME:
        raise SourceError(with_nearest(f"no signal is called {name}", name, _BY_NAME))
    return _BY_NAME[name]
