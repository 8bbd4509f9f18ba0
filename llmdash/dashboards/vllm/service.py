"""The twelve panels of a vLLM service, with text that teaches what each means and what to do."""

from __future__ import annotations

from llmdash.dashboards.dashboard import Dashboard, Row
from llmdash.dashboards.events import engine_events
from llmdash.dashboards.panels import Heatmap, Panel, Query, Text, TimeSeries
from llmdash.dashboards.policy import KV_CACHE
from llmdash.dashboards.source_page import SourcePage
from llmdash.dashboards.style import FINISH_REASONS, PLAIN, hue, shade
from llmdash.layer import Layer
from llmdash.metrics import vllm as metrics
from llmdash.promql.expressions import total
from llmdash.promql.nodes import Expr
from llmdash.promql.windows import RATE_INTERVAL
from llmdash.sources.source import Source


def vllm_service(source: Source, layer: Layer) -> Dashboard:
    """Return the page."""
    del layer  # it reads the exporter alone
    page = SourcePage(source)
    return page.dashboard(
        "service",
        "Twelve panels that explain a vLLM service: what each measures, why it "
        "matters, and what to do when its shape is bad.",
        rows=(
            Row(key="experience", title="What users feel", panels=_experience(page)),
            Row(key="phases", title="Where the time goes", panels=_phases(page)),
            Row(key="engine", title="What the engine does", panels=_engine(page)),
            Row(key="shape", title="What is asked for", panels=_shape(page)),
        ),
        annotations=tuple(engine_events(page)),
    )


def _lesson(key: str, markdown: str) -> Text:
    return Text(key=key, markdown=markdown, height=2)


def _experience(page: SourcePage) -> tuple[Panel, ...]:
    return (
        _lesson(
            "lesson-experience",
            "**A user waits twice.** First for the answer to begin (time to first token), then "
            "between its words (inter-token latency). End-to-end latency is the first plus as many "
            "of the second as the answer has tokens, so it says more about the length of answers "
            "than about the server.",
        ),
        TimeSeries(
            key="e2e",
            title="End-to-end latency",
            description="**Definition** Time from a request's arrival to its last token, of "
            "requests that finished.\n\n**Significance** The whole wait of a caller that does not "
            "stream.\n\n**What to do** When it rises with generation length, nothing is wrong. "
            "When it rises alone, look at queue time, then at inter-token latency.",
            queries=page.quantiles("end_to_end_latency"),
            width=8,
        ),
        TimeSeries(
            key="ttft",
            title="Time to first token",
            description="**Definition** Time from arrival to the first token: waiting, then "
            "reading the prompt.\n\n**Significance** How long a user looks at an empty "
            "screen.\n\n**What to do** Queue time high: add replicas or raise --max-num-seqs. "
            "Prefill time high: shorten prompts, use the prefix cache, or more tensor parallelism.",
            queries=page.quantiles("time_to_first_token"),
            width=8,
        ),
        TimeSeries(
            key="itl",
            title="Inter-token latency",
            description="**Definition** Time between two outputs of a stream after the first.\n\n"
            "**Significance** How fluently an answer can be read; people read at about 0.15 s a "
            "token.\n\n**What to do** Rising with requests running: the batch is large, add "
            "replicas. Spikes: long prefills in between, lower --max-num-batched-tokens.",
            queries=page.quantiles("inter_token_latency"),
            width=8,
        ),
    )


def _phases(page: SourcePage) -> tuple[Panel, ...]:
    return (
        _lesson(
            "lesson-phases",
            "**A request waits, is read, is answered.** Queue, prefill and decode are written when "
            "the request *finishes*: during a stall these lines are silent, so look at running and "
            "waiting too. Their first bucket ends at 0.3 s: below that, trust the mean and not the "
            "quantiles.",
        ),
        TimeSeries(
            key="queue-time",
            title="Queue time",
            description="**Definition** Time from arrival until the request was first "
            "scheduled.\n\n**Significance** Pure waiting: none of it produces a token.\n\n**What "
            "to do** A mean above zero that stays means too little capacity: add replicas, or find "
            "what fills the KV cache.",
            queries=page.quantiles("queue_time"),
        ),
        TimeSeries(
            key="prefill-decode",
            title="Prefill and decode time",
            description="**Definition** Prefill: from scheduling to the first token. Decode: from "
            "the first token to the last.\n\n**Significance** Prefill is bound by compute and "
            "grows with the prompt; decode is bound by memory bandwidth and grows with the "
            "answer.\n\n**What to do** Prefill dominates: prefix caching, shorter prompts. Decode "
            "dominates: smaller batches, quantisation, speculative decoding.",
            queries=(
                *_p95_and_mean(page, "prefill_time", "prefill"),
                *_p95_and_mean(page, "decode_time", "decode"),
            ),
        ),
    )


def _p95_and_mean(page: SourcePage, name: str, word: str) -> tuple[Query, Query]:
    p95, mean = page.quantile(name, 0.95), page.mean(name)
    return (
        Query(f"{word}-p95", p95, f"{word} p95", color=shade(name, 0.99)),
        Query(f"{word}-mean", mean, f"{word} mean", color=shade(name, 0.9)),
    )


def _engine(page: SourcePage) -> tuple[Panel, ...]:
    waiting = total(page.select(metrics.NUM_REQUESTS_WAITING))
    scheduler = [
        _of("requests_running", page.gauge("requests_running", "sum"), "running"),
        _of("requests_waiting", waiting, "waiting"),
    ]
    if page.has("requests_swapped"):
        swapped = page.gauge("requests_swapped", "sum")
        scheduler.append(_of("requests_swapped", swapped, "swapped"))
    return (
        _lesson(
            "lesson-engine",
            "**The batch is bounded twice**: by --max-num-seqs and by the KV cache. Whichever is "
            "reached first makes requests wait. A full cache also preempts: work is thrown away "
            "and done again.",
        ),
        TimeSeries(
            key="tokens",
            title="Token throughput",
            description="**Definition** Prompt tokens read and tokens generated each second.\n\n"
            "**Significance** The work done. Prompt tokens jump when a prefill ends and include "
            "cached ones; generation tokens move with every step.\n\n**What to do** Generation "
            "flat while requests wait: the engine is at its limit. Generation at zero while "
            "requests run: it hangs, restart it.",
            queries=(
                _of("prompt_tokens", page.counter("prompt_tokens"), "prompt"),
                _of("generation_tokens", page.counter("generation_tokens"), "generation"),
            ),
            width=8,
        ),
        TimeSeries(
            key="scheduler",
            title="Scheduler state",
            description="**Definition** Requests in the batch and in the queue.\n\n"
            "**Significance** Whether there is room.\n\n**What to do** Waiting grows while running "
            "is flat: the batch (--max-num-seqs) or the KV cache is full, add replicas. Running "
            "high with nothing waiting: answers are long, and each of them is slower for it.",
            queries=tuple(scheduler),
            width=8,
        ),
        TimeSeries(
            key="cache",
            title="KV cache use",
            description="**Definition** Share of KV cache blocks that live requests hold; blocks "
            "kept only for the prefix cache count as free.\n\n**Significance** When it is full, "
            "requests wait or are preempted.\n\n**What to do** Near 1 for minutes: raise "
            "--gpu-memory-utilization, quantise the cache, or add replicas. A smaller "
            "--max-model-len adds no cache; it only limits what one request can hold.",
            queries=(
                Query(
                    "max",
                    page.gauge("kv_cache_use", "max"),
                    "fullest engine",
                    color=hue("kv_cache_use"),
                ),
                Query("avg", page.gauge("kv_cache_use", "avg"), "mean of engines", color=PLAIN),
            ),
            thresholds=KV_CACHE,
            width=8,
        ),
    )


def _of(signal: str, expr: Expr, word: str) -> Query:
    """Return a line in the hue of its signal."""
    return Query(word, expr, word, color=hue(signal))


def _shape(page: SourcePage) -> tuple[Panel, ...]:
    reasons = page.rate(metrics.REQUEST_SUCCESS_TOTAL, ("finished_reason",))
    limits = page.distribution("max_generation_tokens")
    by_model = ("model_name",)
    return (
        _lesson(
            "lesson-shape",
            "**Latency follows what is asked.** Twice as long a prompt is twice the prefill; twice "
            "as long an answer is twice the decode. Before blaming the server, see whether the "
            "requests changed. Buckets end at each model's own length, so every model has its own "
            "heatmap.",
        ),
        TimeSeries(
            key="finish-reasons",
            title="Finish reasons",
            description="**Definition** Requests ended each second, by why they "
            "ended.\n\n**Significance** stop is the model's own end; length means that a limit cut "
            "the answer; abort and error are answers that nobody got; repetition was cut because "
            "it looped.\n\n**What to do** Much length: raise max_tokens, or the model rambles. "
            "Errors: read the server's log.",
            queries=(Query("rate", reasons, "{{finished_reason}}"),),
            stack=True,
            colors=FINISH_REASONS,
        ),
        TimeSeries(
            key="max-generation-tokens",
            title="Maximum generation tokens",
            description="**Definition** The longest answer of each request (of its n samples), as "
            "quantile and mean for each model.\n\n**Significance** Long answers hold KV cache for "
            "long, and everyone behind them waits.\n\n**What to do** p95 far above the mean: few "
            "requests hold the cache; cap max_tokens or give them servers of their own.",
            queries=(
                Query(
                    "p95",
                    limits.quantile(0.95, RATE_INTERVAL, by_model, page.matchers()),
                    "{{model_name}} p95",
                ),
                Query(
                    "mean",
                    limits.mean(RATE_INTERVAL, by_model, page.matchers()),
                    "{{model_name}} mean",
                ),
            ),
        ),
        Heatmap(
            key="prompt-length",
            title="Prompt length of $model",
            description="**Definition** How many finished requests had prompts of which length, "
            "over time.\n\n**Significance** Prefill time and KV cache use follow the length of "
            "prompts.\n\n**What to do** A band that moves up explains a slower first token; a new "
            "band is a new kind of client.",
            queries=(Query("buckets", page.buckets_of_one_model("prompt_length")),),
            repeat="model",
        ),
        Heatmap(
            key="generation-length",
            title="Generation length of $model",
            description="**Definition** How many finished requests had answers of which length, "
            "over time.\n\n**Significance** Decode time and end-to-end latency follow the length "
            "of answers.\n\n**What to do** A band at the model's limit means answers are cut; one "
            "at very few tokens, that requests fail early or are refused by the model.",
            queries=(Query("buckets", page.buckets_of_one_model("generation_length")),),
            repeat="model",
        ),
    )
