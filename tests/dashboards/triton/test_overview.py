"""Triton's overview and its details: quantiles that cannot be combined, and what releases lack."""

from __future__ import annotations

import pytest

from llmdash.dashboards.dashboard import Dashboard
from llmdash.dashboards.triton.overview import triton_overview
from llmdash.layer import Layer
from llmdash.metrics.metric import Versions
from llmdash.promql.printer import GRAFANA, to_text
from llmdash.sources import triton, triton_trtllm, triton_vllm
from llmdash.sources.source import Source

CHOSEN = 'model!="", model=~"$model", instance=~"$instance"'


def page(source: Source) -> Dashboard:
    return triton_overview(source, Layer((source,)))


def details(source: Source) -> list[str]:
    (row,) = [row for row in page(source).rows if row.key == "details"]
    return [panel.key for panel in row.panels]


def text(panel: str, query: str) -> str:
    found = {each.key: each for each in page(triton()).panel(panel).queries}
    return to_text(found[query].expr, GRAFANA)


@pytest.mark.parametrize(
    ("panel", "query", "expected"),
    [
        (
            "request-summary",
            "p95",
            "max by (model, instance) "
            f'(nv_inference_request_summary_us{{quantile="0.95", {CHOSEN}}}) / 1000000',
        ),
        (
            "response-cache-time",
            "hit",
            f"sum by (model) (rate(nv_cache_hit_duration_per_model{{{CHOSEN}}}[$__rate_interval]))"
            " / 1000000 / "
            f"sum by (model) (rate(nv_cache_num_hits_per_model{{{CHOSEN}}}[$__rate_interval]))",
        ),
        (
            "load-time",
            "load",
            f"max by (model, instance) (nv_model_load_duration_secs{{{CHOSEN}}})",
        ),
        (
            "gpu-energy",
            "power",
            "sum by (instance, gpu_uuid) "
            '(rate(nv_energy_consumption{instance=~"$instance"}[$__rate_interval]))',
        ),
    ],
)
def test_what_is_asked(panel: str, query: str, expected: str) -> None:
    """A quantile a server, never combined; means of microseconds; joules a second are watts."""
    assert expected == text(panel, query)


def test_the_hit_ratio_is_of_all_lookups() -> None:
    """Hits are divided by hits and misses, not by misses."""
    (query,) = page(triton()).panel("response-cache-ratio").queries
    written = to_text(query.expr, GRAFANA)

    assert written.endswith(f"nv_cache_num_misses_per_model{{{CHOSEN}}}[$__rate_interval])))")
    assert 2 == written.count("nv_cache_num_hits_per_model")


@pytest.mark.parametrize("source", [triton_vllm(), triton_trtllm()], ids=lambda each: each.name)
def test_every_kind_of_triton_has_them(source: Source) -> None:
    """The families are Triton's own, whichever backend it runs."""
    assert details(triton()) == details(source)


def test_an_older_triton_lacks_load_time_and_pinned_memory() -> None:
    """Load time came with 24.11 and the pinned pool with 24.01: before, their panels are not there."""
    older = details(triton(versions=Versions("23.09", "23.12")))

    assert {"load-time", "pinned-memory"} == set(details(triton())) - set(older)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (triton(), "needs --metrics-config histogram_latencies=true, from 24.11."),
        (triton_vllm(), "needs the model parameter REPORT_CUSTOM_METRICS."),
    ],
    ids=lambda each: getattr(each, "name", ""),
)
def test_first_responses_say_what_they_need(source: Source, expected: str) -> None:
    """Triton's own histogram and its vLLM backend's are switched on in different ways."""
    assert page(source).panel("first-response").description.endswith(expected)
