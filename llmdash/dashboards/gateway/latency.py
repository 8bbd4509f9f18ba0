"""What clients felt, by model and by class of prompt: who suffers, and with which prompts."""

from __future__ import annotations

from collections.abc import Iterator

from llmdash.dashboards.gateway.errors import error_share
from llmdash.dashboards.panels import Column, LabelColumn, Panel, Query, Table, TimeSeries
from llmdash.dashboards.policy import ERROR_SHARE, slow_limits
from llmdash.dashboards.source_page import SourcePage
from llmdash.dashboards.style import PROMPT_CLASSES
from llmdash.promql.nodes import Expr
from llmdash.promql.windows import RATE_INTERVAL
from llmdash.signals import PROMPT_CLASS

#: What a user feels, and how panels call it.
FELT = (
    ("time_to_first_token", "Time to first token"),
    ("inter_token_latency", "Inter-token latency"),
    ("end_to_end_latency", "End-to-end latency"),
)

#: The same where there is little room.
FELT_SHORT = ("TTFT p95", "Inter-token p95", "End to end p95")

_MODEL = "{{model}}"


def _quantile(page: SourcePage, name: str, by: str, share: float = 0.95) -> Expr:
    """Return a quantile of a latency by one label, p95 unless another is asked for."""
    return page.distribution(name).quantile(share, RATE_INTERVAL, (by,), page.matchers())


def suffering_panels(page: SourcePage) -> Iterator[Panel]:
    """Yield one graph for each question with a line for each model: who suffers, and who causes."""
    texts = {
        "time_to_first_token": "95 of 100 streams of a model began within this time. One line "
        "rising alone has longer prompts or its own queue; all together share a bottleneck, "
        "perhaps the gateway.",
        "inter_token_latency": "95 of 100 gaps in a model's streams were at most this long. One "
        "far above its usual line decodes in too large a batch, or on a slower engine.",
        "end_to_end_latency": "95 of 100 requests of a model ended within this time. Compare a "
        "model with its own past, not with others, whose answers have another length.",
    }
    for name, title in FELT:
        shown = _quantile(page, name, "model")
        yield TimeSeries(
            key=f"{name.replace('_', '-')}-by-model",
            title=f"{title} p95 by model",
            description=texts[name],
            queries=(Query("p95", shown, _MODEL),),
            thresholds=slow_limits(name, shown.facts.bounds[1]),
            width=8,
        )
    yield TimeSeries(
        key="error-share-by-model",
        title="Error share by model",
        description="Share of each model's requests that ended in an error, errors inside a stream "
        "included. One line alone is that model's engine; all of them, the gateway.",
        queries=(Query("share", error_share(page, "model"), _MODEL),),
        thresholds=ERROR_SHARE,
        zoomed=True,
        width=8,
    )
    yield TimeSeries(
        key="active-by-model",
        title="Active requests by model",
        description="Requests between arrival and last byte, by model. One line that climbs alone "
        "is that model's engine falling behind.",
        queries=(Query("active", page.gauge("requests_running", "sum", ("model",)), _MODEL),),
        width=8,
    )
    yield TimeSeries(
        key="models",
        title="Requests by model",
        description="Requests that ended each second, by the model asked for; one that is not "
        "served is called other. A line that falls alone has lost its clients or its engine.",
        queries=(Query("rate", page.counter("requests", ("model",)), _MODEL),),
        width=8,
        stack=True,
    )


def class_panels(page: SourcePage) -> Iterator[Panel]:
    """Yield how the first token and errors grow with the length of the prompt."""
    yield _class_table(page)
    yield _class_panel(page, *FELT[0])
    yield TimeSeries(
        key="class-errors",
        title="Error share by class",
        description="Share of a class's requests that ended in an error. Large prompts failing "
        "alone meet a time-out or the model's length; all classes together, the engine fails.",
        queries=(Query("share", error_share(page, PROMPT_CLASS), "{{prompt_class}}"),),
        colors=PROMPT_CLASSES,
        thresholds=ERROR_SHARE,
        zoomed=True,
    )


def class_details(page: SourcePage) -> Iterator[Panel]:
    """Yield the other latencies by class, whose newest values the table of classes has."""
    return (_class_panel(page, name, title) for name, title in FELT[1:])


def _class_table(page: SourcePage) -> Panel:
    shown = {name: _quantile(page, name, PROMPT_CLASS) for name, _ in FELT}
    median = "time-to-first-token-p50"
    return Table(
        key="class-table",
        title="Classes of prompt",
        description="How traffic, latency and errors grow with the prompt: small up to 512 "
        "tokens, medium up to 4096, large above, as estimated on arrival. Small prompts nearly "
        "as slow as large ones wait behind them; errors of large ones alone are time-outs or "
        "the model's length.",
        queries=(
            Query("errors", error_share(page, PROMPT_CLASS)),
            Query(median, _quantile(page, FELT[0][0], PROMPT_CLASS, 0.5)),
            *(Query(f"{name.replace('_', '-')}-p95", expr) for name, expr in shown.items()),
            Query("requests", page.counter("requests", (PROMPT_CLASS,))),
        ),
        by=(LabelColumn(PROMPT_CLASS, "Class"),),
        columns=(
            Column("errors", "Errors", thresholds=ERROR_SHARE),
            Column(median, "TTFT p50"),
            *(
                Column(
                    f"{name.replace('_', '-')}-p95",
                    title,
                    thresholds=slow_limits(name, expr.facts.bounds[1]),
                )
                for (name, expr), title in zip(shown.items(), FELT_SHORT, strict=True)
            ),
            Column("requests", "Requests"),
        ),
        sort_by="TTFT p95",
        height=5,
    )


def _class_panel(page: SourcePage, name: str, title: str) -> Panel:
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
    key, shown = name.replace("_", "-"), _quantile(page, name, PROMPT_CLASS)
    return TimeSeries(
        key=f"class-{key}",
        title=f"{title} p95 by class",
        description=texts[name],
        queries=(Query(f"{key}-p95", shown, "{{prompt_class}}"),),
        colors=PROMPT_CLASSES,
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
