"""How long clients of the gateway wait: by class of prompt, in all, and by model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from llmdash.dashboards.gateway.errors import error_share
from llmdash.dashboards.panels import Column, LabelColumn, Panel, Query, Table, TimeSeries
from llmdash.dashboards.policy import ERROR_SHARE
from llmdash.dashboards.source_page import SourcePage, percent
from llmdash.dashboards.style import PROMPT_CLASSES
from llmdash.promql.windows import RATE_INTERVAL
from llmdash.signals import PROMPT_CLASS

#: What a user feels, and how panels call it.
FELT = (
    ("time_to_first_token", "Time to first token"),
    ("inter_token_latency", "Inter-token latency"),
    ("end_to_end_latency", "End-to-end latency"),
)


def class_panels(page: SourcePage) -> Iterator[Panel]:
    """Yield how latency and errors grow with the length of the prompt."""

    def quantile(name: str, share: float) -> Query:
        answer = page.distribution(name)
        expr = answer.quantile(share, RATE_INTERVAL, (PROMPT_CLASS,), page.matchers())
        return Query(f"{name.replace('_', '-')}-{percent(share)}", expr)

    first, gap, whole = (quantile(name, 0.95) for name, _ in FELT)
    median = quantile("time_to_first_token", 0.5)
    yield Table(
        key="class-table",
        title="Classes of prompt",
        description="How traffic, latency and errors grow with the prompt: small up to 512 "
        "tokens, medium up to 4096, large above, as estimated on arrival. Small prompts nearly "
        "as slow as large ones wait behind them; errors of large ones alone are time-outs or "
        "the model's length.",
        queries=(
            Query("requests", page.counter("requests", (PROMPT_CLASS,))),
            median,
            first,
            gap,
            whole,
            Query("errors", error_share(page, PROMPT_CLASS)),
        ),
        by=(LabelColumn(PROMPT_CLASS, "Class"),),
        columns=(
            Column("requests", "Requests"),
            Column(median.key, "TTFT p50"),
            Column(first.key, "TTFT p95"),
            Column(gap.key, "Inter-token p95"),
            Column(whole.key, "End to end p95"),
            Column("errors", "Errors", thresholds=ERROR_SHARE),
        ),
        sort_by="TTFT p95",
        height=5,
    )
    texts = {
        "time_to_first_token": "95 of 100 streams of a class began within this time. Large "
        "prompts take longer to read; small ones that rise with them queue behind them: chunked "
        "prefill or replicas of their own help.",
        "inter_token_latency": "95 of 100 gaps in streams of a class were at most this long. The "
        "classes share batches, so lines that part mean that classes are served by different "
        "engines or that long contexts decode slowly.",
        "end_to_end_latency": "95 of 100 requests of a class ended within this time. Compare a "
        "class with its own past: answers of the classes differ in length.",
    }
    for (name, title), query in zip(FELT, (first, gap, whole), strict=True):
        yield TimeSeries(
            key=f"class-{name.replace('_', '-')}",
            title=f"{title} p95 by class",
            description=texts[name],
            queries=(replace(query, legend="{{prompt_class}}"),),
            colors=PROMPT_CLASSES,
        )
    yield TimeSeries(
        key="class-errors",
        title="Error share by class",
        description="Share of a class's requests that ended in an error. Large prompts failing "
        "alone meet a time-out or the model's length; all classes together, the engine fails.",
        queries=(Query("share", error_share(page, PROMPT_CLASS), "{{prompt_class}}"),),
        colors=PROMPT_CLASSES,
        minimum=0,
    )


def latency_panels(page: SourcePage) -> Iterator[Panel]:
    """Yield what users feel, all models together."""
    texts = {
        "time_to_first_token": "From the request's arrival to the first piece of its stream. p99 "
        "leaving p50 behind means that some requests wait; all rising together, that every "
        "prompt does. Answers in one piece are not in it.",
        "inter_token_latency": "The gap between two pieces of a stream, as sent to the client: how "
        "fluently it reads. Spikes are long prefills in the engine, or a gateway short of CPU.",
        "end_to_end_latency": "From a request's arrival to its last byte. It follows the length of "
        "answers first; quick failures pull it down, so read it beside the error share.",
    }
    for name, title in FELT:
        yield TimeSeries(
            key=name.replace("_", "-"),
            title=title,
            description=texts[name],
            queries=page.quantiles(name),
            width=8,
        )


def model_panels(page: SourcePage) -> Iterator[Panel]:
    """Yield what users feel, a panel for each model."""
    texts = {
        "time_to_first_token": "One panel for each model chosen. One model rising alone has longer "
        "prompts or its own queue; all together share a bottleneck, perhaps the gateway.",
        "inter_token_latency": "One panel for each model chosen. A model far above its usual line "
        "decodes in too large a batch, or on a slower engine.",
        "end_to_end_latency": "One panel for each model chosen, from arrival to last byte. Compare "
        "a model with its own past, not with others, whose answers have another length.",
    }
    for name, title in FELT:
        yield TimeSeries(
            key=f"model-{name.replace('_', '-')}",
            title=f"{title} of $model",
            description=texts[name],
            queries=page.quantiles(name, one_model=True),
            repeat="model",
        )
