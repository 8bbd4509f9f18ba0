"""A dashboard with one of everything, on an invented server; odd numbers show where they came from."""

from __future__ import annotations

from llmdash.dashboards.dashboard import Annotation, Dashboard, Link, Neighbours, Row
from llmdash.dashboards.panels import (
    BarGauge,
    Column,
    Gauge,
    Heatmap,
    LabelColumn,
    Mapping,
    Panel,
    PanelLink,
    Query,
    Stat,
    StateTimeline,
    Table,
    Text,
    Threshold,
    TimeSeries,
    dashboard_url,
)
from llmdash.dashboards.scatter import Scatter
from llmdash.dashboards.variables import (
    CustomVariable,
    DatasourceVariable,
    IntervalVariable,
    QueryVariable,
    TextboxVariable,
)
from llmdash.metrics.metric import Counter, Histogram, labels
from llmdash.metrics.metric import Gauge as GaugeMetric
from llmdash.promql.expressions import average, greatest, quantile, rate, total
from llmdash.promql.nodes import Expr, Matcher, Number, Variable
from llmdash.promql.units import RATIO, REQUESTS, SECONDS, STATE, TIMESTAMP, TOKENS
from llmdash.promql.windows import RATE_INTERVAL

MODEL = Variable("model")
ENGINE = Variable("engine", single=True)

WAITING = GaugeMetric(name="inn_requests_waiting", unit=REQUESTS, labels=labels("model", "engine"))
CACHE = GaugeMetric(name="inn_cache_usage", unit=RATIO, labels=labels("model", "engine"))
TOKENS_OUT = Counter(name="inn_tokens_total", unit=TOKENS, labels=labels("model", "engine"))
FIRST_TOKEN = Histogram(
    name="inn_first_token_seconds",
    unit=SECONDS,
    labels=labels("model", "engine"),
    edges=(0.11, 0.5, 1.3),
)
UP = GaugeMetric(name="up", unit=STATE, bounds=(0, 1))
INFO = GaugeMetric(name="inn_cache_info", unit=STATE, labels=labels("model", is_open=True))
STARTED = GaugeMetric(name="process_start_time_seconds", unit=TIMESTAMP)


def waiting() -> Expr:
    return total(WAITING.select(model=MODEL), ["model"])


def tokens() -> Expr:
    return total(rate(TOKENS_OUT.select(model=MODEL), RATE_INTERVAL), ["model"])


def first_token() -> Expr:
    buckets = rate(FIRST_TOKEN.bucket(model=MODEL), RATE_INTERVAL)
    return quantile(0.95, total(buckets, ["model", "le"]))


def buckets() -> Expr:
    return total(rate(FIRST_TOKEN.bucket(model=MODEL), RATE_INTERVAL), ["le"])


def time_series(key: str = "time-to-first-token", **changes: object) -> TimeSeries:
    fields: dict[str, object] = {
        "key": key,
        "title": "Time to first token",
        "description": "How long a request waits for its first token.",
        "queries": (Query("p95", first_token(), "p95 {{model}}", exemplar=True),),
        **changes,
    }
    return TimeSeries(**fields)  # type: ignore[arg-type]  # the fields are named by each test


def open_panels() -> tuple[Panel, ...]:
    return (
        Text(key="about", markdown="**One** of everything, for `$model`."),
        time_series(
            queries=(
                Query("p95", first_token(), "p95 {{model}}", exemplar=True),
                Query("limit", Number(0.7), "objective"),
            ),
            links=(PanelLink("Compare", dashboard_url("inn-compare", model="$model")),),
            thresholds=(Threshold(0.7, "red"),),
            decimals=3,
        ),
        TimeSeries(
            key="tokens",
            title="Tokens generated, $window",
            description="A flat line at zero is an idle model.",
            queries=(Query("rate", tokens(), "{{model}}"),),
            stack=True,
            fill=33,
        ),
        Stat(
            key="cache-of-engine",
            title="KV cache of engine $engine",
            description="Nearly full means that requests will be preempted.",
            queries=(Query("use", greatest(CACHE.select(model=MODEL, engine=ENGINE), ["engine"])),),
            repeat="engine",
            thresholds=(Threshold(0.71, "orange"), Threshold(0.91, "red")),
            color_mode="background",
            graph=True,
        ),
        Gauge(
            key="cache",
            title="KV cache",
            description="Nearly full means that requests will be preempted.",
            queries=(Query("use", greatest(CACHE.select(model=MODEL))),),
            thresholds=(Threshold(0.91, "red"),),
        ),
        BarGauge(
            key="waiting",
            title="Requests waiting",
            description="More than a few for long means that capacity is short.",
            queries=(Query("waiting", waiting(), "{{model}}"),),
            width=8,
        ),
        Stat(
            key="started",
            title="Started",
            description="A young server was restarted.",
            queries=(Query("started", greatest(STARTED.select())),),
        ),
    )


def hidden_panels() -> tuple[Panel, ...]:
    return (
        Table(
            key="models",
            title="Models",
            description="What each model does now.",
            queries=(Query("waiting", waiting()), Query("tokens", tokens())),
            by=(
                LabelColumn("model", "Model", dashboard_url("inn-model", model="${__value.text}")),
            ),
            columns=(
                Column("waiting", "Waiting", thresholds=(Threshold(17, "red"),)),
                Column("tokens", "Tokens", link="/d/inn-tokens", decimals=1),
            ),
            sort_by="Waiting",
        ),
        Table(
            key="settings",
            title="Cache settings",
            description="How each server was started.",
            queries=(Query("info", INFO.select(model=MODEL)),),
            by=("model", "block_size"),
            height=5,
        ),
        Heatmap(
            key="first-token-heatmap",
            title="Time to first token",
            description="A second band is a second kind of request.",
            queries=(Query("buckets", buckets(), exemplar=True),),
        ),
        StateTimeline(
            key="up",
            title="Servers",
            description="Red is a server that Prometheus cannot reach.",
            queries=(Query("up", UP.select(Matcher("job", "=", "inn")), "{{instance}}"),),
            mappings=(Mapping(1, "up", "green"), Mapping(0, "down", "red")),
        ),
        Scatter(
            key="waiting-over-tokens",
            title="Waiting over tokens",
            description="Where the points rise, more is asked for than is written.",
            queries=(
                Query("tokens", total(rate(TOKENS_OUT.select(), RATE_INTERVAL)), "tokens"),
                Query("sum", total(WAITING.select()), "in all", color="blue"),
                Query("most", greatest(WAITING.select()), "at one engine"),
            ),
        ),
    )


def example() -> Dashboard:
    """Return a dashboard with every kind of panel, variable, link and annotation."""
    return Dashboard(
        uid="inn-everything",
        title="Everything",
        description="One of everything.",
        tags=("llmdash", "inn"),
        folder="Inn",
        variables=(
            DatasourceVariable(),
            QueryVariable(
                name="model",
                selector=WAITING.select(),
                of="model",
                description="As the server calls it.",
            ),
            QueryVariable(name="engine", selector=WAITING.select(model=MODEL), of="engine"),
            TextboxVariable(name="floor", default="0.11"),
            CustomVariable(name="percentile", options=("p50", "p95"), default="p95"),
            CustomVariable(name="kinds", options=("ok", "error"), multi=True, include_all=True),
            IntervalVariable(name="window", options=("7m", "11m")),
        ),
        annotations=(
            Annotation(
                key="restarts",
                name="Restarts",
                expr=greatest(STARTED.select(), ["instance"]),
                title="Restart",
                text="{{instance}}",
                time_is_value=True,
            ),
            Annotation(
                key="idle",
                name="Idle",
                expr=average(WAITING.select(model=MODEL), ["model"]) < 1,
                title="{{model}} is idle",
                color="purple",
                enabled=False,
            ),
        ),
        links=(
            Link(title="Fleet", uid="inn-fleet", tooltip="All models"),
            Neighbours(title="Others", tag="llmdash"),
        ),
        rows=(
            Row(key="first", title="Above $floor at $percentile of $kinds", panels=open_panels()),
            Row(key="second", title="More", panels=hidden_panels(), collapsed=True),
            Row(key="third", title="Last", panels=(time_series("last-panel", width=24),)),
        ),
    )
