"""vLLM at a glance: what holds models back, who suffers, and the traffic behind it.

What its pages on a subject show too is taken from them; read from the exporter, so zooming works.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from llmdash.dashboards.dashboard import Dashboard, Row
from llmdash.dashboards.engine.latency import latency_rows
from llmdash.dashboards.engine.scheduler import scheduler_rows
from llmdash.dashboards.events import engine_events
from llmdash.dashboards.panel_rows import picked
from llmdash.dashboards.panels import Panel, Query, Stat, TimeSeries
from llmdash.dashboards.policy import KV_CACHE
from llmdash.dashboards.rows import row_of
from llmdash.dashboards.source_page import SourcePage
from llmdash.dashboards.tiles import side_by_side
from llmdash.dashboards.vllm.cache import vllm_cache_rows
from llmdash.dashboards.vllm.scheduler import bottleneck_panel
from llmdash.dashboards.vllm.traffic import vllm_traffic_rows
from llmdash.layer import Layer
from llmdash.metrics import vllm as metrics
from llmdash.sources.source import Source

#: What users feel and what is full; the other numbers answer a second question.
TILES = (
    "requests-now",
    "error-share-now",
    "ttft-now",
    "itl-now",
    "e2e-now",
    "generation-now",
    "waiting-now",
    "kv-fullest-now",
)

#: Links to panels of this page that bear another key on the page of their subject.
KEYS_HERE = {
    "kv-fullest-now": "kv-now",
    "kv-by-engine": "kv-cache",
    "prefix-ratio": "prefix-cache",
    "running-by-engine": "engines-running",
}


def vllm_overview(source: Source, layer: Layer) -> Dashboard:
    """Return the page."""
    del layer  # it reads the exporter alone
    page = SourcePage(source)
    return page.dashboard(
        "overview",
        "What holds vLLM back and who suffers; then saturation and traffic, by model, instance and "
        "engine. The closed rows at the end answer what is asked next.",
        rows=tuple(_rows(page)),
        annotations=tuple(engine_events(page)),
    )


def _rows(page: SourcePage) -> Iterator[Row]:
    everything = tuple(
        row
        for subject in (vllm_traffic_rows, latency_rows, scheduler_rows, vllm_cache_rows)
        for row in subject(page)
    )

    def taken(*keys: str) -> Iterator[Panel]:
        for panel in picked(everything, keys):
            yield replace(panel, key=KEYS_HERE.get(panel.key, panel.key))

    yield from row_of("now", "Summary", (bottleneck_panel(page), *side_by_side(taken(*TILES))))
    felt = taken(
        "time-to-first-token-by-model",
        "inter-token-latency-by-model",
        "end-to-end-latency-by-model",
    )
    yield from row_of("models", "Who suffers", (replace(panel, width=8) for panel in felt))
    yield from row_of(
        "saturation",
        "Saturation",
        (
            *taken("running-waiting", "waiting-reasons"),
            _kv_by_model(page),
            *taken("preemptions"),
        ),
    )
    yield from row_of("traffic", "Traffic", taken("outcomes", "tokens"))
    for key, title, panels in (
        (
            "traffic-details",
            "Traffic by reason and by model",
            taken("finish-reasons", "prompt-by-source", "requests-by-model", "generation-by-model"),
        ),
        (
            "totals",
            "Running now, and totals in range",
            side_by_side((*taken("running-now"), *_totals(page))),
        ),
        ("latency", "Latency, all models together", taken("ttft", "itl", "e2e", "tpot")),
        ("latency-by-model", "Latency of each model", _each_model(page)),
        (
            "engines",
            "Engines and caches",
            taken("kv-by-engine", "running-by-engine", "prefix-ratio", "swapped", "cpu-cache"),
        ),
    ):
        yield from row_of(key, title, panels, collapsed=True)


def _kv_by_model(page: SourcePage) -> Panel:
    return TimeSeries(
        key="kv-by-model",
        title="KV cache use by model, fullest engine",
        description="Share of its KV cache that live requests hold, on the fullest engine of each "
        "model. From orange on its requests begin to queue, from red on they are preempted; the "
        "bar on top says which of the two it has come to.",
        queries=(
            Query("max", page.gauge("kv_cache_use", "max", (page.model,)), f"{{{{{page.model}}}}}"),
        ),
        thresholds=KV_CACHE,
    )


def _totals(page: SourcePage) -> tuple[Panel, ...]:
    return (
        Stat(
            key="requests-total",
            title="Requests in range",
            description="Requests that ended within the time range on screen.",
            queries=(Query("total", page.increase(metrics.REQUEST_SUCCESS_TOTAL)),),
            decimals=0,
        ),
        Stat(
            key="prompt-total",
            title="Prompt tokens in range",
            description="Prompt tokens taken in within the time range on screen, cached included.",
            queries=(Query("total", page.increase(metrics.PROMPT_TOKENS_TOTAL)),),
            decimals=0,
        ),
        Stat(
            key="generation-total",
            title="Generation tokens in range",
            description="Tokens generated within the time range on screen.",
            queries=(Query("total", page.increase(metrics.GENERATION_TOKENS_TOTAL)),),
            decimals=0,
        ),
    )


def _each_model(page: SourcePage) -> tuple[Panel, ...]:
    return (
        TimeSeries(
            key="ttft-by-model",
            title="Time to first token of $model",
            description="One panel for each model chosen. One model rising alone has longer "
            "prompts or its own queue; all rising together share a bottleneck.",
            queries=page.quantiles("time_to_first_token", one_model=True),
            repeat="model",
        ),
        TimeSeries(
            key="itl-by-model",
            title="Inter-token latency of $model",
            description="One panel for each model chosen. A model far above its usual line decodes "
            "with too large a batch, or on slower hardware.",
            queries=page.quantiles("inter_token_latency", one_model=True),
            repeat="model",
        ),
        TimeSeries(
            key="e2e-by-model",
            title="End-to-end latency of $model",
            description="One panel for each model chosen, of finished requests. Compare a model "
            "with its own past, not with others: answers differ in length.",
            queries=page.quantiles("end_to_end_latency", one_model=True),
            repeat="model",
        ),
    )
