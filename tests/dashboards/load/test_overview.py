"""The page of our load generator: what it asks, of itself and of the servers that it asks."""

from __future__ import annotations

import pytest

from llmdash.dashboards.dashboard import Dashboard
from llmdash.dashboards.load.overview import load_overview
from llmdash.dashboards.policy import CLIENT_LAG
from llmdash.dashboards.scatter import Scatter
from llmdash.layer import Layer
from llmdash.metrics import load as metrics
from llmdash.promql.printer import GRAFANA, to_text
from llmdash.promql.rewrite import selectors
from llmdash.sources import dcgm, gateway, load, triton, vllm
from llmdash.sources.source import Source

CHOSEN = 'model!="", model=~"$model", instance=~"$instance"'
ENDED = f"rate(load_requests_total{{{CHOSEN}}}[$__rate_interval])"
FAILED = f'rate(load_requests_total{{{CHOSEN}, outcome="error"}}[$__rate_interval])'
FIRST = f"load_time_to_first_token_seconds_bucket{{{CHOSEN}}}"


def page(*servers: Source) -> Dashboard:
    return load_overview(load(), Layer(servers))


def text(dashboard: Dashboard, panel: str, query: str) -> str:
    found = {each.key: each for each in dashboard.panel(panel).queries}
    return to_text(found[query].expr, GRAFANA)


@pytest.mark.parametrize(
    ("panel", "query", "expected"),
    [
        ("failed-now", "share", f"(sum({FAILED}) or sum({ENDED}) * 0) / sum({ENDED})"),
        (
            "offered-and-answered",
            "offered",
            f"sum(rate(load_requests_offered_total{{{CHOSEN}}}[$__rate_interval]))",
        ),
        (
            "failures",
            "rate",
            f"sum by (kind) (rate(load_failures_total{{{CHOSEN}}}[$__rate_interval]))",
        ),
        # The lag is of the client, whatever model it asks.
        (
            "lag-share",
            "read",
            "histogram_quantile(0.99, sum by (le) (rate(load_read_lag_seconds_bucket"
            '{instance=~"$instance"}[$__rate_interval]))) / histogram_quantile(0.5, sum by (le) '
            f"(rate({FIRST}[$__rate_interval])))",
        ),
        (
            "runs",
            "info",
            "max by (run, name, model, api, loop, plan, instance) "
            f"(last_over_time(load_run_info{{{CHOSEN}}}[$__range]))",
        ),
    ],
)
def test_what_is_asked(panel: str, query: str, expected: str) -> None:
    """Shares keep what they pick out of their lower side; a run is found when it is over, too."""
    assert expected == text(page(), panel, query)


def test_every_family_is_asked() -> None:
    """What a run shows is on its page."""
    asked = {
        selector.series.family
        for panel in page().panels()
        for query in panel.queries
        for selector in selectors(query.expr)
    }

    assert {metric.name for metric in metrics.METRICS} == asked


def test_latency_is_drawn_over_offered_load() -> None:
    """The rate that was offered is the axis below, whatever stands over it."""
    knees = [panel for panel in page().panels() if isinstance(panel, Scatter)]

    assert 3 == len(knees)
    assert {text(page(), "offered-and-answered", "offered")} == {
        to_text(each.across.expr, GRAFANA) for each in knees
    }
    assert ["p50", "p95"] == [each.key for each in knees[0].over]


def test_all_sides_tell_of_the_same_minutes() -> None:
    """The client is asked over the window of the recordings, each side by its own edges."""
    own = page(vllm(), gateway())

    assert {
        "client": f"histogram_quantile(0.95, sum by (model, le) (rate({FIRST}[5m])))",
        **{
            side: "histogram_quantile(0.95, sum by (source, model, le) "
            f'(llm:time_to_first_token_seconds_bucket:rate5m{{role="{side}", model=~"$model"}}))'
            for side in ("gateway", "engine")
        },
    } == {
        query: text(own, "time-to-first-token-of-all", query)
        for query in ("client", "gateway", "engine")
    }


def test_what_servers_do_not_see_is_a_difference_of_means() -> None:
    """Quantiles of two histograms cannot be subtracted; nothing adds the sides up."""

    def mean(of: str, where: str, window: str = "") -> str:
        parts = (f"{of}_{part}" for part in ("sum", "count"))
        wrapped = (
            f"sum by (model) (rate({part}{{{where}}}[5m]))"
            if window
            else f"sum by (model) ({part}:rate5m{{{where}}})"
            for part in parts
        )
        return " / ".join(wrapped)

    ours = mean("load_time_to_first_token_seconds", CHOSEN, "5m")
    theirs = mean("llm:time_to_first_token_seconds", 'role="engine", model=~"$model"')

    assert f"{ours} - {theirs}" == text(page(vllm()), "unseen-by-servers", "engine")


@pytest.mark.parametrize(
    ("servers", "keys"),
    [
        ((), []),
        ((dcgm(),), []),
        (
            (triton(),),
            # It tells nothing of the time between two tokens.
            ["time-to-first-token-of-all", "unseen-by-servers", "requests-of-all"],
        ),
        (
            (gateway(),),
            [
                "time-to-first-token-of-all",
                "inter-token-latency-of-all",
                "unseen-by-servers",
                "requests-of-all",
            ],
        ),
    ],
)
def test_servers_are_asked_what_they_can_tell(servers: tuple[Source, ...], keys: list[str]) -> None:
    """A client alone has a page, too."""
    rows = {row.key: [panel.key for panel in row.panels] for row in page(*servers).rows}

    assert keys == rows.get("servers", [])


def test_a_run_is_drawn_over_all_graphs() -> None:
    """When it began and ended, for longer than its last values are shown."""
    events = {each.key: each for each in page().annotations}

    assert {
        f"run-{which}": "max by (instance, model) "
        f"(last_over_time(load_run_{which}_time_seconds{{{CHOSEN}}}[2m]))"
        for which in ("start", "end")
    } == {key: to_text(events[key].expr, GRAFANA) for key in ("run-start", "run-end")}
    assert all(events[key].time_is_value for key in ("run-start", "run-end"))


@pytest.mark.parametrize("panel", ["lag-now", "lag-share"])
def test_a_late_client_is_red(panel: str) -> None:
    """Above what a run itself calls not to be trusted."""
    assert CLIENT_LAG == page().panel(panel).thresholds  # type: ignore[attr-defined]  # it has some
