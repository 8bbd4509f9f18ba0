"""KV blocks outside the GPU: one line across a renaming, and nothing that a release lacks."""

from __future__ import annotations

from llmdash.dashboards.vllm.cache import vllm_cache
from llmdash.layer import Layer
from llmdash.metrics.metric import Versions
from llmdash.sources import ENGINES, vllm
from tests.dashboards.engine_pages import panels_of, queries_of

LAYER = Layer(ENGINES)
PAGE = vllm_cache(vllm(), LAYER)


def test_offload_is_one_line_across_its_renaming() -> None:
    """Both names are on one target for some releases: the newer counts, and nothing twice."""
    assert {
        "load": "sum(rate(vllm:kv_offload_load_bytes_total{CHOSEN}[$__rate_interval]) or "
        "ignoring (transfer_type) rate(vllm:kv_offload_total_bytes_total"
        '{transfer_type="CPU_to_GPU", CHOSEN}[$__rate_interval]))',
        "store": "sum(rate(vllm:kv_offload_store_bytes_total{CHOSEN}[$__rate_interval]) or "
        "ignoring (transfer_type) rate(vllm:kv_offload_total_bytes_total"
        '{transfer_type="GPU_to_CPU", CHOSEN}[$__rate_interval]))',
    } == queries_of(PAGE, "offload-bytes")


def test_before_its_renaming_offload_has_its_older_name_alone() -> None:
    """Releases up to 0.23 are asked for what they have."""
    page = vllm_cache(vllm(versions=Versions("0.16.0", "0.23")), LAYER)

    assert {
        "load": 'sum(rate(vllm:kv_offload_total_bytes_total{transfer_type="CPU_to_GPU", CHOSEN}'
        "[$__rate_interval]))",
        "store": 'sum(rate(vllm:kv_offload_total_bytes_total{transfer_type="GPU_to_CPU", CHOSEN}'
        "[$__rate_interval]))",
    } == queries_of(page, "offload-bytes")
    assert not {"offload-pinned", "tier-hits", "simple-outcomes"} & set(panels_of(page))


def test_bandwidth_is_bytes_over_the_time_of_transfers() -> None:
    """Not over the time that passed: an idle link is no slow one."""
    panel = panels_of(PAGE)["offload-bandwidth"]

    assert "bytes/s" == str(panel.shown_unit)
    assert "vllm:kv_offload_load_time_total" in queries_of(PAGE, "offload-bandwidth")["load"]


def test_rows_that_need_a_connector_are_closed() -> None:
    """A server without one asks Prometheus for none of them until a reader opens the row."""
    assert PAGE is not None
    rows = {row.key: row.collapsed for row in PAGE.rows}

    assert (True, True, True) == (rows["offload"], rows["tiers"], rows["simple-offload"])


def test_a_tiers_hits_are_of_what_was_asked_of_it() -> None:
    """Ratios of tiers are told side by side, never added or averaged."""
    parts = [
        f"sum by (tier) (rate(vllm:kv_offload_tiering_chunk_{part}_total{{CHOSEN}}"
        "[$__rate_interval]))"
        for part in ("hits", "queries")
    ]

    assert {"ratio": " / ".join(parts)} == queries_of(PAGE, "tier-hits")
