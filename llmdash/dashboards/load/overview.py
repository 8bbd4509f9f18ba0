"""A run of load as its client saw it: what was offered, what came back, and what to make of it."""

from __future__ import annotations

from collections.abc import Iterator

from llmdash.dashboards.dashboard import Annotation, Dashboard, Row
from llmdash.dashboards.load.client_and_servers import compared_panels
from llmdash.dashboards.load.knee import knee_panels
from llmdash.dashboards.load.traffic import amount_panels, failed_share, offered, traffic_panels
from llmdash.dashboards.load.trust import lag_share, trust_panels
from llmdash.dashboards.panels import LabelColumn, Panel, Query, Stat, Table, TimeSeries
from llmdash.dashboards.policy import CLIENT_LAG, ERROR_SHARE, slow_limits
from llmdash.dashboards.rows import row_of
from llmdash.dashboards.source_page import SourcePage
from llmdash.dashboards.tiles import side_by_side
from llmdash.layer import Layer
from llmdash.metrics import load as metrics
from llmdash.metrics.metric import Gauge
from llmdash.promql.expressions import greatest, over_time
from llmdash.promql.windows import RANGE, Duration
from llmdash.sources.source import Source

#: A run's end is shown for a scrape or two, and annotations are looked for once a minute.
_REMEMBERED = Duration.parse("2m")
_LATENCIES = (
    ("time_to_first_token", "Time to first token", "TTFT p95"),
    ("inter_token_latency", "Inter-token latency", "Inter-token p95"),
    ("end_to_end_latency", "End-to-end latency", "End to end p95"),
)


def load_overview(source: Source, layer: Layer) -> Dashboard:
    """Return the page."""
    page = SourcePage(source)
    return page.dashboard(
        "overview",
        "Runs of llmstack load and replay as their client saw them: offered and answered load, "
        "latency, what the servers say of the same requests, and whether the client itself was in "
        "time.",
        rows=(
            Row(key="now", title="Summary", panels=side_by_side(_now(page))),
            Row(key="traffic", title="Load", panels=tuple(traffic_panels(page))),
            Row(key="latency", title="Latency", panels=tuple(_latency(page))),
            Row(key="knee", title="Over offered load", panels=tuple(knee_panels(page))),
            *row_of("servers", "Client against servers", compared_panels(page, layer)),
            Row(key="trust", title="Can it be trusted?", panels=tuple(trust_panels(page))),
            *row_of("amounts", "Tokens and bytes", amount_panels(page), collapsed=True),
            Row(key="runs", title="Runs", panels=(*_times(page), _runs(page))),
        ),
        annotations=(
            _event(page, metrics.LOAD_RUN_START_TIME_SECONDS, "run-start", "Run begins", "blue"),
            _event(page, metrics.LOAD_RUN_END_TIME_SECONDS, "run-end", "Run ends", "purple"),
        ),
    )


def _event(page: SourcePage, metric: Gauge, key: str, name: str, color: str) -> Annotation:
    seen = over_time("last", page.select(metric), _REMEMBERED)
    return Annotation(
        key=key,
        name=name,
        expr=greatest(seen, ("instance", "model")),
        title=name,
        text="{{model}}, by {{instance}}",
        color=color,
        time_is_value=True,
    )


def _now(page: SourcePage) -> Iterator[Panel]:
    yield Stat(
        key="offered-now",
        title="Offered",
        description="Requests whose time had come, each second. It is what was planned, however "
        "slow the server is, unless the run is a closed loop.",
        queries=(Query("rate", offered(page)),),
        graph=True,
    )
    yield Stat(
        key="answered-now",
        title="Answered",
        description="Requests that ended well, each second. For long below what is offered, the "
        "server is beyond what it can take.",
        queries=(Query("rate", page.rate(metrics.LOAD_REQUESTS_TOTAL, outcome="ok")),),
        graph=True,
    )
    yield Stat(
        key="failed-now",
        title="Failed",
        description="Share of the requests that ended which failed; those left at the end of a run "
        "are none. Below is what went wrong with them.",
        queries=(Query("share", failed_share(page)),),
        thresholds=ERROR_SHARE,
    )
    for (name, _, title), meaning in zip(
        _LATENCIES,
        (
            "95 of 100 streams began within this time of when they were to be sent: waiting until "
            "they were is in it, which other tools hide.",
            "95 of 100 tokens came within this time of the one before. A rise with the offered "
            "load is a batch that grows; spikes are long prompts that are read in between.",
            "95 of 100 requests ended within this time of when they were to be sent. It follows "
            "the length of answers first, the load second.",
        ),
        strict=True,
    ):
        p95 = page.quantile(name, 0.95)
        yield Stat(
            key=f"{name.replace('_', '-')}-now",
            title=title,
            description=meaning,
            queries=(Query("p95", p95),),
            thresholds=slow_limits(name, p95.facts.bounds[1]),
        )
    yield Stat(
        key="active-now",
        title="In flight",
        description="Requests sent and not ended. Climbing at an equal rate, the server falls "
        "behind: the run would never settle.",
        queries=(Query("active", page.gauge("requests_running", "sum")),),
    )
    yield Stat(
        key="lag-now",
        title="Client's lag over TTFT",
        description="How late the client read (p99), over the median of the first token. Above "
        "5 % what is shown here is the client's own time: give it a core, or a lower rate.",
        queries=(Query("share", lag_share(page, metrics.LOAD_READ_LAG_SECONDS)),),
        thresholds=CLIENT_LAG,
    )


def _latency(page: SourcePage) -> Iterator[Panel]:
    texts = {
        "time_to_first_token": "From when a request was to be sent to its first token. A server "
        "that stalls shows it here even if it is asked nothing meanwhile: what was to be sent "
        "then waits, and that counts.",
        "inter_token_latency": "The time between two tokens, from the usage that the server tells "
        "with each event, else between events. Nothing here with traffic: it says neither.",
        "end_to_end_latency": "From when a request was to be sent to its last byte. It follows the "
        "length of answers first, which a plan holds equal between runs.",
    }
    for name, title, _ in _LATENCIES:
        yield TimeSeries(
            key=name.replace("_", "-"),
            title=title,
            description=texts[name],
            queries=page.quantiles(name),
            width=8,
        )


def _times(page: SourcePage) -> Iterator[Panel]:
    for metric, key, title, text in (
        (
            metrics.LOAD_RUN_START_TIME_SECONDS,
            "began",
            "Last run began",
            "When the last run on screen began, by the client's clock.",
        ),
        (
            metrics.LOAD_RUN_END_TIME_SECONDS,
            "ended",
            "Last run ended",
            "When the last run that ended on screen did. Before the beginning beside it, one is "
            "under way, or was killed.",
        ),
    ):
        yield Stat(
            key=key,
            title=title,
            description=text,
            queries=(Query(key, greatest(over_time("last", page.select(metric), RANGE))),),
            height=5,
        )


def _runs(page: SourcePage) -> Panel:
    return Table(
        key="runs",
        title="Runs on screen",
        description="The runs of the time on screen, one line each, with the id that their results "
        "have. Two at once from one client's address overwrite each other where they are pushed.",
        by=(
            LabelColumn("run", "Run"),
            LabelColumn("name", "Name"),
            LabelColumn("model", "Model"),
            LabelColumn("api", "API"),
            LabelColumn("loop", "Loop"),
            LabelColumn("plan", "Plan"),
            LabelColumn("instance", "Client"),
        ),
        queries=(
            Query(
                "info",
                greatest(
                    over_time("last", page.select(metrics.LOAD_RUN_INFO), RANGE),
                    ("run", "name", "model", "api", "loop", "plan", "instance"),
                ),
            ),
        ),
        width=16,
        height=5,
        no_value="none",
    )
