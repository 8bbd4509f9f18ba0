"""vLLM's latency page: the engine's own time, and what the API server in front of it counts."""

from __future__ import annotations

from llmdash.dashboards.dashboard import Dashboard
from llmdash.dashboards.panel_rows import panel_keys
from llmdash.dashboards.vllm.latency import vllm_latency
from llmdash.layer import Layer
from llmdash.metrics.metric import Versions
from llmdash.promql.printer import GRAFANA, to_text
from llmdash.sources import vllm
from llmdash.sources.source import Source

HTTP = 'job="vllm", instance=~"$instance"'


def page(source: Source) -> Dashboard:
    found = vllm_latency(source, Layer((source,)))
    assert found is not None
    return found


def text(panel: str, query: str) -> str:
    found = {each.key: each for each in page(vllm()).panel(panel).queries}
    return to_text(found[query].expr, GRAFANA)


def test_a_share_of_http_errors_is_zero_before_the_first_one() -> None:
    """A status is born with its first response; the web server names no model, so none is chosen."""
    whole = f"sum(rate(http_requests_total{{{HTTP}}}[$__rate_interval]))"
    for query, status in (("client", "4xx"), ("server", "5xx")):
        some = f'sum(rate(http_requests_total{{{HTTP}, status="{status}"}}[$__rate_interval]))'

        assert f"({some} or {whole} * 0) / {whole}" == text("http-error-share", query)


def test_what_http_does_not_see_is_said() -> None:
    """Both panels of errors say that a stream that breaks stays 2xx."""
    for panel in ("http-errors-now", "http-error-share"):
        assert "dropped midway stays 2xx" in page(vllm()).panel(panel).description


def test_paths_have_means_and_no_quantiles() -> None:
    """Three edges up to 1 s say nothing of a language model, but sum over count does."""
    sum_of, count_of = (
        f"sum by (handler) (rate(http_request_duration_seconds_{part}{{{HTTP}}}[$__rate_interval]))"
        for part in ("sum", "count")
    )

    assert f"{sum_of} / {count_of}" == text("http-duration-by-path", "mean")
    assert "Buckets end at 60 s" not in page(vllm()).panel("http-duration-by-path").description


def test_what_says_no_more_than_its_parts_is_closed() -> None:
    """Time in the engine is prefill and decode, which stand open."""
    (row,) = [row for row in page(vllm()).rows if "inference-time" in panel_keys((row,))]

    assert row.collapsed


def test_old_releases_show_what_they_have() -> None:
    """Before 0.8.3 there was no web server to ask, and the rest of the page stands."""
    found = panel_keys(page(vllm(versions=Versions("0.6.4", "0.8.2"))).rows)

    assert {"inference-time", "ttft", "first-token-parts"} <= found
    assert set() == {key for key in found if key.startswith("http-")}
