"""Every model on every source, over recordings only: 2,000 replicas cost what 20 do."""

from __future__ import annotations

from collections.abc import Iterator

from llmdash.dashboards.dashboard import Dashboard, Row
from llmdash.dashboards.layer_page import LayerPage
from llmdash.dashboards.panels import (
    Column,
    LabelColumn,
    Panel,
    Query,
    Stat,
    Table,
    Threshold,
    TimeSeries,
    dashboard_url,
)
from llmdash.dashboards.policy import ERROR_SHARE, KV_CACHE, QUANTILES
from llmdash.dashboards.source_page import (
    FOLDER,
    NEIGHBOURS,
    TAG,
    percent,
)
from llmdash.dashboards.style import OUTCOMES
from llmdash.layer import Layer
from llmdash.promql.expressions import at_edges, quantile, total
from llmdash.promql.units import COUNT
from llmdash.signals import signal
from llmdash.sources.source import Role

UID = "llm-fleet"

#: Above this many edges in common, a quantile over all sources is still worth reading.
FEWEST_SHARED_EDGES = 6


_BY_MODEL = ("source", "model")
_LEGEND = "{{source}} {{model}}"


def fleet(layer: Layer) -> Dashboard | None:
    """Return the page; None where the pack has no engine."""
    if not layer.has("requests", role=Role.ENGINE):
        return None
    page = _Fleet(layer)
    rows = [
        Row(key="models", title="Models", panels=tuple(page.models())),
        Row(key="traffic", title="Traffic", panels=tuple(page.traffic())),
        Row(key="latency", title="Latency", panels=tuple(page.latency())),
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
        yield self._table()

    def _tiles(self) -> Iterator[Panel]:
        yield Stat(
            key="targets-up",
            title="Targets up",
            description="Targets that answer the scrape, over all sources chosen. Fewer than you "
            "run means that servers are down; no data, that none is known to Prometheus.",
            queries=(Query("up", total(self.page.of_source(self.layer.gauge("up", "sum")))),),
        )
        yield Stat(
            key="targets-down",
            title="Targets down",
            description="Targets that Prometheus knows and that do not answer. Above zero, look at "
            "the targets by source below, and at Prometheus's own list.",
            queries=(
                Query(
                    "down",
                    total(self.page.of_source(self.layer.gauge("up", "count")))
                    - total(self.page.of_source(self.layer.gauge("up", "sum"))),
                ),
            ),
            thresholds=(Threshold(1, "red"),),
        )
        yield Stat(
            key="requests-now",
            title="Requests ended",
            description="Requests that ended each second, whatever their outcome.",
            queries=(Query("rate", self.page.counter("requests")),),
            graph=True,
        )
        yield Stat(
            key="error-share-now",
            title="Errors",
            description="Share of ended requests that failed. What an engine does not count "
            "(dropped streams, rejected requests) is missing here: see signals.md.",
            queries=(Query("share", self.page.error_share()),),
            thresholds=ERROR_SHARE,
        )
        if self.layer.has("generation_tokens"):
            yield Stat(
                key="generation-now",
                title="Generation tokens",
                description="Tokens generated each second by all engines that count them.",
                queries=(Query("rate", self.page.counter("generation_tokens")),),
                graph=True,
            )
        if self.layer.has("requests_waiting"):
            yield Stat(
                key="waiting-now",
                title="Waiting",
                description="Requests in the queues of all engines. Steadily above zero, the fleet "
                "has less capacity than its traffic needs.",
                queries=(Query("waiting", total(self.page.gauge("requests_waiting"))),),
            )

    def _table(self) -> Panel:
        filtered = dashboard_url(
            UID,
            source="${__data.fields.source:percentencode}",
            model="${__data.fields.model:percentencode}",
        )
        columns = [
            ("requests", "Requests", self.page.counter("requests", _BY_MODEL), ()),
            (
                "errors",
                "Errors",
                self.page.error_share(_BY_MODEL),
                ERROR_SHARE,
            ),
        ]
        for name, key, title in (
            ("time_to_first_token", "ttft", "TTFT p95"),
            ("inter_token_latency", "itl", "Inter-token p95"),
        ):
            if self.layer.has(name, buckets=True):
                columns.append((key, title, self.page.quantile(name, 0.95, _BY_MODEL), ()))
        if self.layer.has("end_to_end_latency"):
            columns.append(
                ("e2e", "End to end, mean", self.page.mean("end_to_end_latency", _BY_MODEL), ())
            )
        if self.layer.has("generation_tokens"):
            tokens = self.page.counter("generation_tokens", _BY_MODEL)
            columns.append(("generation", "Generation", tokens, ()))
        for name, title in (("requests_running", "Running"), ("requests_waiting", "Waiting")):
            if self.layer.has(name):
                key = name.replace("_", "-")
                columns.append((key, title, total(self.page.gauge(name), _BY_MODEL), ()))
        if self.layer.has("kv_cache_use"):
            fullest = self.page.fullest(_BY_MODEL)
            columns.append(("kv", "KV cache, fullest", fullest, KV_CACHE))
        return Table(
            key="models",
            title="Models",
            description="A line for each model on each source. A name filters the page to it. "
            "A cell without data is a question that the source does not answer, not a zero.",
            by=(
                LabelColumn("model", "Model", filtered, "Show this model only"),
                LabelColumn("source", "Source"),
            ),
            queries=tuple(Query(key, expression) for key, _, expression, _ in columns),
            columns=tuple(
                Column(key, title, thresholds=thresholds) for key, title, _, thresholds in columns
            ),
            sort_by="Requests",
            height=9,
        )

    def traffic(self) -> Iterator[Panel]:
        """Yield how much is asked and answered."""
        yield TimeSeries(
            key="requests",
            title="Requests ended",
            description="Requests that ended each second, by source and model. A line at zero "
            "is an idle or stalled model, one that breaks off has lost its servers.",
            queries=(Query("rate", self.page.counter("requests", _BY_MODEL), _LEGEND),),
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
                by = (*_BY_MODEL, split) if split else _BY_MODEL
                legend = f"{_LEGEND} {{{{{split}}}}}" if split else _LEGEND
                yield TimeSeries(
                    key=name.replace("_", "-"),
                    title=title,
                    description=text,
                    queries=(Query("rate", self.page.counter(name, by), legend),),
                    stack=True,
                )

    def latency(self) -> Iterator[Panel]:
        """Yield how long users wait: in total, by source, by model."""
        for name, text in (
            (
                "time_to_first_token",
                "From arrival to the first token. All lines rising together means load, one alone "
                "means that source's or model's own trouble.",
            ),
            (
                "inter_token_latency",
                "The gap between two outputs of a stream. It rises with the batch of the engine.",
            ),
            (
                "end_to_end_latency",
                "From arrival to the last token, of finished requests. It follows the length of "
                "answers first.",
            ),
            (
                "queue_time",
                "Waiting before work begins, written when a request finishes. Anything steadily "
                "above zero is too little capacity.",
            ),
        ):
            if self.layer.has(name):
                yield from self._latency_of(name, text)

    def _latency_of(self, name: str, text: str) -> Iterator[Panel]:
        asked, key = signal(name), name.replace("_", "-")
        mean = Query("mean-all", self.page.mean(name), "mean, all")
        means = Query("mean", self.page.mean(name, ("source",)), "{{source}} mean")
        if not self.layer.has(name, buckets=True):
            yield TimeSeries(
                key=key,
                title=asked.title,
                description=f"{text} No source here has buckets, so only means are known.",
                queries=(mean, means),
            )
            return
        yield TimeSeries(
            key=key,
            title=asked.title,
            description=f"{text} Quantiles are by source, each over its own buckets; "
            "the mean is also over all of them. A gap means no traffic.",
            queries=(
                *(
                    Query(
                        percent(share),
                        self.page.quantile(name, share, ("source",)),
                        f"{{{{source}}}} {percent(share)}",
                    )
                    for share in QUANTILES
                ),
                means,
                mean,
            ),
        )
        yield TimeSeries(
            key=f"{key}-by-model",
            title=f"{asked.title} by model, p95",
            description=f"{text} Only sources with buckets are shown.",
            queries=(Query("p95", self.page.quantile(name, 0.95, _BY_MODEL), _LEGEND),),
        )
        yield from self._total_over_sources(name, text)

    def _total_over_sources(self, name: str, text: str) -> Iterator[Panel]:
        """Yield quantiles over all sources, when they share enough edges to say anything."""
        buckets = self.layer.buckets(name)
        edges = buckets.series.edges
        if edges is None or len(edges.by_source) < 2 or len(edges.values) < FEWEST_SHARED_EDGES:
            return
        shared = at_edges(self.page.chosen(buckets), edges.values)
        asked = signal(name)
        yield TimeSeries(
            key=f"{name.replace('_', '-')}-total",
            title=f"{asked.title}, all sources",
            description=f"{text} Over the {len(edges.values)} bucket edges that all sources share; "
            f"the top one is {edges.values[-1]:g} s, and no quantile can be read above it.",
            queries=tuple(
                Query(percent(share), quantile(share, total(shared, ("le",))), percent(share))
                for share in QUANTILES
            ),
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
            queries=(Query("share", self.page.error_share(_BY_MODEL), _LEGEND),),
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
                    Query(
                        "running", total(self.page.gauge("requests_running"), _BY_MODEL), _LEGEND
                    ),
                ),
                stack=True,
            )
        if self.layer.has("requests_waiting"):
            waiting = total(self.page.gauge("requests_waiting"), (*_BY_MODEL, "reason"))
            yield TimeSeries(
                key="waiting",
                title="Requests waiting by reason",
                description="capacity: more replicas help; deferred: held back for something else, "
                "more replicas do not. Growth without end is overload.",
                queries=(Query("waiting", waiting, f"{_LEGEND} {{{{reason}}}}"),),
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
                        self.page.fullest(_BY_MODEL),
                        f"{_LEGEND} fullest",
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
                    Query("ratio", self.page.ratio("prefix_cache_hit_ratio", _BY_MODEL), _LEGEND),
                ),
            )
        if self.layer.has("preemptions"):
            yield TimeSeries(
                key="preemptions",
                title="Preemptions",
                description="Requests thrown out of the batch each second for want of KV cache. "
                "Anything steadily above zero is work done twice.",
                queries=(Query("rate", self.page.counter("preemptions", _BY_MODEL), _LEGEND),),
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
