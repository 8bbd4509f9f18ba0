"""Every model on every source, over recordings only: 2,000 replicas cost what 20 do."""

from __future__ import annotations

from collections.abc import Iterator

from llmdash.dashboards.dashboard import Dashboard, Row
from llmdash.dashboards.fleet.latency import BY_MODEL, LEGEND, latency_panels
from llmdash.dashboards.fleet.models_table import models_table
from llmdash.dashboards.layer_page import LayerPage
from llmdash.dashboards.panels import Panel, Query, Stat, Threshold, TimeSeries
from llmdash.dashboards.policy import ERROR_SHARE, KV_CACHE, QUEUE
from llmdash.dashboards.source_page import FOLDER, NEIGHBOURS, TAG
from llmdash.dashboards.style import OUTCOMES
from llmdash.layer import Layer
from llmdash.promql.expressions import total
from llmdash.promql.units import COUNT
from llmdash.signals import signal
from llmdash.sources.source import Role

UID = "llm-fleet"


def fleet(layer: Layer) -> Dashboard | None:
    """Return the page; None where the pack has no engine."""
    if not layer.has("requests", role=Role.ENGINE):
        return None
    page = _Fleet(layer)
    rows = [
        Row(key="models", title="Models", panels=tuple(page.models())),
        Row(key="traffic", title="Traffic", panels=tuple(page.traffic())),
        Row(key="latency", title="Latency", panels=tuple(latency_panels(page.page))),
        Row(key="errors", title="Errors", panels=tuple(page.errors())),
        Row(key="saturation", title="Saturation", panels=tuple(page.saturation())),
    ]
    return Dashboard(
        uid=UID,
        title="LLM fleet",
        description="Every model on every engine: traffic, latency, errors and saturation, over "
        "recordings. A name in the table filters the page.",
        tags=(TAG, "fleet"),
        folder=FOLDER,
        variables=page.page.choices("source", "model"),
        links=NEIGHBOURS,
        annotations=tuple(page.page.events()),
        rows=tuple(rows),
    )


class _Fleet:
    """Builds the page's panels from the recordings that the pack's engines fill."""

    def __init__(self, layer: Layer) -> None:
        self.layer = layer
        self.page = LayerPage(layer)

    # --- rows ------------------------------------------------------------------------------------

    def models(self) -> Iterator[Panel]:
        """Yield the tiles and the table whose links filter the page."""
        yield from self._tiles()
        yield models_table(self.page, UID)

    def _tiles(self) -> Iterator[Panel]:
        known, up = (
            total(self.page.of_source(self.layer.gauge("up", how))) for how in ("count", "sum")
        )
        yield Stat(
            key="targets-down",
            title="Targets down",
            description="Targets that Prometheus knows and that do not answer. Above zero, look at "
            "the targets by source below, and at Prometheus's own list; no data, none is known.",
            queries=(Query("down", known - up),),
            thresholds=(Threshold(1, "red"),),
        )
        yield Stat(
            key="error-share-now",
            title="Errors",
            description="Share of ended requests that failed. What an engine does not count "
            "(dropped streams, rejected requests) is missing here: see signals.md.",
            queries=(Query("share", self.page.error_share()),),
            thresholds=ERROR_SHARE,
        )
        if self.layer.has("requests_waiting"):
            yield Stat(
                key="waiting-now",
                title="Waiting",
                description="Requests in the queues of all engines. Steadily above zero, the fleet "
                "has less capacity than its traffic needs.",
                queries=(Query("waiting", total(self.page.gauge("requests_waiting"))),),
                thresholds=QUEUE,
            )
        if self.layer.has("kv_cache_use"):
            yield Stat(
                key="kv-cache-now",
                title="KV cache, fullest",
                description="Share of the KV cache that live requests hold, on the fullest engine "
                "of all. Near 1, its model's requests wait, however idle the others are.",
                queries=(Query("use", self.page.fullest()),),
                thresholds=KV_CACHE,
            )
        yield Stat(
            key="requests-now",
            title="Requests ended",
            description="Requests that ended each second, whatever their outcome.",
            queries=(Query("rate", self.page.counter("requests")),),
            graph=True,
        )
        if self.layer.has("generation_tokens"):
            yield Stat(
                key="generation-now",
                title="Generation tokens",
                description="Tokens generated each second by all engines that count them.",
                queries=(Query("rate", self.page.counter("generation_tokens")),),
                graph=True,
            )

    def traffic(self) -> Iterator[Panel]:
        """Yield how much is asked and answered."""
        yield TimeSeries(
            key="requests",
            title="Requests ended",
            description="Requests that ended each second, by source and model. A line at zero "
            "is an idle or stalled model, one that breaks off has lost its servers.",
            queries=(Query("rate", self.page.counter("requests", BY_MODEL), LEGEND),),
            stack=True,
        )
        for name, title, text in (
            (
                "generation_tokens",
                "Generation tokens",
                "Tokens generated each second. Falling while requests wait is a saturated engine.",
            ),
            (
                "prompt_tokens",
                "Prompt tokens",
                "Prompt tokens taken in each second, cached ones included. A step up is new "
                "traffic or longer prompts.",
            ),
            (
                "cached_prompt_tokens",
                "Cached prompt tokens",
                "Prompt tokens that needed no prefill, by where they came from. Falling while "
                "prompt tokens hold means that the caches help less.",
            ),
        ):
            if self.layer.has(name):
                split = signal(name).split_by
                by = (*BY_MODEL, split) if split else BY_MODEL
                legend = f"{LEGEND} {{{{{split}}}}}" if split else LEGEND
                yield TimeSeries(
                    key=name.replace("_", "-"),
                    title=title,
                    description=text,
                    queries=(Query("rate", self.page.counter(name, by), legend),),
                    stack=True,
                )

    def errors(self) -> Iterator[Panel]:
        """Yield how requests end."""
        yield TimeSeries(
            key="outcomes",
            title="Requests by outcome",
            description="ok, error and cancelled requests each second, all models together. A band "
            "of errors that grows with the load is overload, one at any load is a fault.",
            queries=(Query("rate", self.page.counter("requests", ("outcome",)), "{{outcome}}"),),
            stack=True,
            colors=OUTCOMES,
        )
        yield TimeSeries(
            key="error-share",
            title="Error share by model",
            description="Share of ended requests that failed, for each model. A gap means no "
            "traffic. Engines do not count every failure: see signals.md.",
            queries=(Query("share", self.page.error_share(BY_MODEL), LEGEND),),
            thresholds=ERROR_SHARE,
            zoomed=True,
        )

    def saturation(self) -> Iterator[Panel]:
        """Yield how full the engines are."""
        if self.layer.has("requests_running"):
            yield TimeSeries(
                key="running",
                title="Requests running",
                description="Requests being worked on, by source and model. Flat while requests "
                "wait means that the batch is full.",
                queries=(
                    Query("running", total(self.page.gauge("requests_running"), BY_MODEL), LEGEND),
                ),
                stack=True,
            )
        if self.layer.has("requests_waiting"):
            waiting = total(self.page.gauge("requests_waiting"), (*BY_MODEL, "reason"))
            yield TimeSeries(
                key="waiting",
                title="Requests waiting by reason",
                description="capacity: more replicas help; deferred: held back for something else, "
                "more replicas do not. Growth without end is overload.",
                queries=(Query("waiting", waiting, f"{LEGEND} {{{{reason}}}}"),),
                stack=True,
            )
        if self.layer.has("kv_cache_use"):
            yield TimeSeries(
                key="kv-cache",
                title="KV cache use",
                description="Share of the KV cache that live requests hold, on the fullest engine "
                "of each model. Near 1, requests wait or are preempted.",
                queries=(
                    Query(
                        "max",
                        self.page.fullest(BY_MODEL),
                        f"{LEGEND} fullest",
                    ),
                ),
                thresholds=KV_CACHE,
            )
        if self.layer.has("prefix_cache_hit_ratio"):
            yield TimeSeries(
                key="prefix-cache",
                title="Prefix cache hit ratio",
                maximum=1,
                description="Share of looked-up prompt tokens found in the prefix cache, weighted "
                "by tokens. Falling, prompts share less or the cache is too small.",
                queries=(
                    Query("ratio", self.page.ratio("prefix_cache_hit_ratio", BY_MODEL), LEGEND),
                ),
            )
        if self.layer.has("preemptions"):
            yield TimeSeries(
                key="preemptions",
                title="Preemptions",
                description="Requests thrown out of the batch each second for want of KV cache. "
                "Anything steadily above zero is work done twice.",
                queries=(Query("rate", self.page.counter("preemptions", BY_MODEL), LEGEND),),
            )
        known, up = (self.page.of_source(self.layer.gauge("up", how)) for how in ("count", "sum"))
        yield TimeSeries(
            key="targets",
            title="Targets",
            description="Targets known to Prometheus and targets that answer, by source. A known "
            "line above the answering one is a server that is down; both falling is one that "
            "service discovery lost.",
            queries=(
                Query("known", total(known, ("source",)), "{{source}} known"),
                Query("up", total(up, ("source",)), "{{source}} up"),
            ),
            unit=COUNT,
        )
