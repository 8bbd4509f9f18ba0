"""vLLM's traffic page: reasons, refusals, sources of prompt tokens, and bytes at the API server."""

from __future__ import annotations

import pytest

from llmdash.dashboards.dashboard import Dashboard
from llmdash.dashboards.panel_rows import panel_keys
from llmdash.dashboards.panels import TimeSeries
from llmdash.dashboards.style import FINISH_REASONS
from llmdash.dashboards.vllm.traffic import vllm_traffic
from llmdash.layer import Layer
from llmdash.metrics import vllm as metrics
from llmdash.metrics.metric import Versions
from llmdash.promql.printer import GRAFANA, to_text
from llmdash.sources import vllm
from llmdash.sources.source import Source

MODEL = 'model_name!="", model_name=~"$model", instance=~"$instance"'
ENGINE = f'{MODEL}, engine=~"$engine"'


def page(source: Source) -> Dashboard:
    found = vllm_traffic(source, Layer((source,)))
    assert found is not None
    return found


def text(panel: str, query: str) -> str:
    found = {each.key: each for each in page(vllm()).panel(panel).queries}
    return to_text(found[query].expr, GRAFANA)


def ended(more: str = "") -> str:
    return f"sum(rate(vllm:request_success_total{{{ENGINE}{more}}}[$__rate_interval]))"


FAILED = ended(', finished_reason="error"')


@pytest.mark.parametrize(
    ("panel", "query", "expected"),
    [
        (
            "error-share-now",
            "share",
            f"({FAILED} or {ended()} * 0) / {ended()}",
        ),
        (
            "cached-share",
            "share",
            'sum(rate(vllm:prompt_tokens_by_source_total{source!="local_compute", '
            f"{ENGINE}}}[$__rate_interval])) / "
            f"sum(rate(vllm:prompt_tokens_by_source_total{{{ENGINE}}}[$__rate_interval]))",
        ),
        (
            "rejections",
            "rate",
            f"sum by (reason) (rate(vllm:admission_rejections_total{{{MODEL}}}[$__rate_interval]))",
        ),
        (
            "request-size",
            "mean",
            'sum by (handler) (rate(http_request_size_bytes_sum{job="vllm", instance=~"$instance"}'
            "[$__rate_interval])) / sum by (handler) (rate(http_request_size_bytes_count"
            '{job="vllm", instance=~"$instance"}[$__rate_interval]))',
        ),
    ],
)
def test_shares_and_means_are_of_one_family(panel: str, query: str, expected: str) -> None:
    """Both sides are told by the same servers, so a release that lacks one distorts nothing."""
    assert expected == text(panel, query)


def test_a_tier_does_not_stand_beside_all_sources() -> None:
    """The sources of all prompt tokens hold the cached ones: the smaller panel makes way."""
    found = panel_keys(page(vllm()).rows)

    assert "prompt-by-source" in found
    assert "cached-by-source" not in found


def test_a_reason_has_its_colour() -> None:
    """Each reason that the catalogue knows is coloured, so that an error is red everywhere."""
    panel = page(vllm()).panel("finish-reasons")
    reasons = dict(metrics.REQUEST_SUCCESS_TOTAL.labels.values)["finished_reason"]

    assert isinstance(panel, TimeSeries)
    assert set(reasons) == set(FINISH_REASONS) == set(panel.colors)


def test_a_small_share_is_seen() -> None:
    """One answer in ten that is cut is a line through the graph, not one along its floor."""
    panel = page(vllm()).panel("cut-share")

    assert isinstance(panel, TimeSeries)
    assert (0, None) == panel.limits


def test_refusals_are_closed() -> None:
    """Most servers set no limits at the door and have nothing to show there."""
    (row,) = [row for row in page(vllm()).rows if "rejections" in panel_keys((row,))]

    assert ("refused", True) == (row.key, row.collapsed)


@pytest.mark.parametrize("versions", [Versions("0.8.4"), Versions("0.8.4", "0.12")])
def test_tiles_fill_their_line(versions: Versions) -> None:
    """The tile of errors is vLLM's own, whether or not any engine's page would have one."""
    tiles = page(vllm(versions=versions)).rows[0].panels

    assert "error-share-now" in {tile.key for tile in tiles}
    assert 24 == sum(tile.width for tile in tiles)


def test_sources_of_tokens_are_coloured() -> None:
    """Each source that the catalogue knows has its colour: what was computed is prefill's."""
    panel = page(vllm()).panel("prompt-by-source")
    known = dict(metrics.PROMPT_TOKENS_BY_SOURCE_TOTAL.labels.values)["source"]

    assert isinstance(panel, TimeSeries)
    assert set(known) == set(panel.colors)


def test_old_releases_show_what_they_have() -> None:
    """Before 0.16 nobody told where prompt tokens came from, before 0.32 nobody was refused."""
    found = panel_keys(page(vllm(versions=Versions("0.8.4", "0.15"))).rows)

    assert {"finish-reasons", "tokens", "answers-asked"} <= found
    assert set() == found & {"prompt-by-source", "cached-by-tier", "cached-share", "rejections"}
