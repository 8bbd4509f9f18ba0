"""The page of an app that embeds an engine: five families, by endpoint, and no model anywhere."""

from __future__ import annotations

import pytest

from llmdash.dashboards.app.overview import app_overview
from llmdash.dashboards.dashboard import Dashboard
from llmdash.dashboards.style import OUTCOMES
from llmdash.layer import Layer
from llmdash.metrics import app as metrics
from llmdash.promql.printer import GRAFANA, to_text
from llmdash.promql.rewrite import selectors
from llmdash.sources import app

CHOSEN = 'endpoint!="", instance=~"$instance", endpoint=~"$endpoint"'
ALL = f"rate(llm_requests_total{{{CHOSEN}}}[$__rate_interval])"
#: What such apps export, ours by its middleware.
FAMILIES = {
    "llm_requests_total",
    "llm_request_duration_seconds",
    "llm_tokens_generated_total",
    "llm_request_size_bytes",
    "llm_active_requests",
}
FAILED = f'rate(llm_requests_total{{{CHOSEN}, status="error"}}[$__rate_interval])'


def page() -> Dashboard:
    own = app()
    return app_overview(own, Layer((own,)))


def text(panel: str, query: str) -> str:
    found = {each.key: each for each in page().panel(panel).queries}
    return to_text(found[query].expr, GRAFANA)


def size(part: str) -> str:
    return f"sum by (endpoint) (rate(llm_request_size_bytes_{part}{{{CHOSEN}}}[$__rate_interval]))"


@pytest.mark.parametrize(
    ("panel", "query", "expected"),
    [
        ("error-share-now", "share", f"(sum({FAILED}) or sum({ALL}) * 0) / sum({ALL})"),
        ("size-by-endpoint", "mean", f"{size('sum')} / {size('count')}"),
        (
            "size",
            "p95",
            "histogram_quantile(0.95, sum by (le) "
            f"(rate(llm_request_size_bytes_bucket{{{CHOSEN}}}[$__rate_interval])))",
        ),
        (
            "duration-by-endpoint",
            "p95",
            "histogram_quantile(0.95, sum by (endpoint, le) "
            f"(rate(llm_request_duration_seconds_bucket{{{CHOSEN}}}[$__rate_interval])))",
        ),
        ("requests", "error", f"sum by (endpoint) ({FAILED})"),
    ],
)
def test_what_is_asked(panel: str, query: str, expected: str) -> None:
    """Failures over all, whose status stands above only; quantiles by edges; means of sums."""
    assert expected == text(panel, query)


def test_a_status_has_the_colour_of_its_outcome() -> None:
    """Every status of the catalogue is drawn, in shades of what its outcome looks like elsewhere."""
    known = metrics.LLM_REQUESTS_TOTAL.labels.allowed("status") or ()
    drawn = {query.key: query.color for query in page().panel("requests").queries}

    assert set(known) == set(drawn)
    assert OUTCOMES == {{"success": "ok"}.get(name, name): color for name, color in drawn.items()}


def test_all_five_families_are_asked() -> None:
    """What such an app exports is on its page."""
    asked = {
        selector.series.family
        for panel in page().panels()
        for query in panel.queries
        for selector in selectors(query.expr)
    }

    assert {"up"} == asked - FAMILIES
    assert set() == FAMILIES - asked


def test_it_is_chosen_by_instance_and_endpoint() -> None:
    """The five families name no model, so there is none to choose."""
    assert ["datasource", "instance", "endpoint"] == [each.name for each in page().variables]
