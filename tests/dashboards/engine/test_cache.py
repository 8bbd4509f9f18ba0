"""The caches of any engine: what is asked of which source, and what caching saves."""

from __future__ import annotations

import pytest

from llmdash.dashboards.engine.cache import engine_cache
from llmdash.dashboards.panels import Stat
from llmdash.layer import Layer
from llmdash.sources import ENGINES, vllm
from tests.dashboards.engine_pages import panels_of, queries_of, source_named

LAYER = Layer(ENGINES)
PAGE = engine_cache(vllm(), LAYER)
OF_TRTLLM = 'model_name!="", model_name=~"$model", instance=~"$instance"'


@pytest.mark.parametrize("name", ["triton", "triton-vllm"])
def test_who_tells_nothing_of_a_cache_has_no_page(name: str) -> None:
    """Triton's core knows of no KV cache, and its vLLM backend does not tell."""
    assert engine_cache(source_named(name), LAYER) is None


def test_a_share_of_prompts_spared_is_not_told_twice() -> None:
    """Where the hit ratio is cached over all prompt tokens, "prefill avoided" is the same line."""
    assert "spared" in panels_of(PAGE)
    assert "spared" not in panels_of(engine_cache(source_named("sglang"), LAYER))


def test_no_two_tiles_say_the_same() -> None:
    """Without other tiers prefix hits are the prefill avoided: those tiles wait with the tiers."""
    assert PAGE is not None
    rows = {row.key: row for row in PAGE.rows}

    assert ["kv-fullest-now", "prefix-now", "saved-now"] == [
        panel.key for panel in rows["cache-now"].panels
    ]
    assert ["external-now", "spared-now"] == [
        panel.key for panel in rows["other-tiers"].panels if isinstance(panel, Stat)
    ]
    assert rows["other-tiers"].collapsed


def test_work_avoided_leaves_out_servers_that_do_not_tell() -> None:
    """Releases before 0.16 count prompts but not what was cached: they would dilute the share."""
    cached = (
        "sum by (model_name, instance) "
        '(rate(vllm:prompt_tokens_by_source_total{source!="local_compute", CHOSEN}'
        "[$__rate_interval]))"
    )
    prompts = (
        "sum by (model_name, instance) (rate(vllm:prompt_tokens_total{CHOSEN}[$__rate_interval]))"
    )

    assert {
        "share": f"sum by (model_name) ({cached}) / sum by (model_name) ({prompts} and {cached})"
    } == queries_of(PAGE, "spared")


def test_time_saved_is_cached_tokens_at_the_measured_price() -> None:
    """Prefill time and computed tokens are of the same requests of the same servers."""
    cached = (
        "sum by (model_name, instance) "
        '(rate(vllm:prompt_tokens_by_source_total{source!="local_compute", CHOSEN}'
        "[$__rate_interval]))"
    )
    reading = (
        "sum by (model_name, instance) "
        "(rate(vllm:request_prefill_time_seconds_sum{CHOSEN}[$__rate_interval]))"
    )
    computed = (
        "sum by (model_name, instance) "
        "(rate(vllm:request_prefill_kv_computed_tokens_sum{CHOSEN}[$__rate_interval]))"
    )

    assert {
        "saved": f"sum by (model_name) ({cached}) * (sum by (model_name) ({reading} and "
        f"{computed}) / sum by (model_name) ({computed}))"
    } == queries_of(PAGE, "saved")


def test_computed_tokens_are_what_no_cache_had() -> None:
    """A server without such a histogram counts prompts and cached tokens, both at the end."""
    (saved,) = queries_of(engine_cache(source_named("trtllm"), LAYER), "saved-now").values()
    computed = (
        f"sum by (model_name, instance) (rate(trtllm_prompt_tokens_total{{{OF_TRTLLM}}}"
        "[$__rate_interval])) - sum by (model_name, instance) "
        f"(rate(trtllm_prompt_cached_tokens_total{{{OF_TRTLLM}}}[$__rate_interval]))"
    )

    assert saved.endswith(f"/ sum({computed}))")


def test_room_is_told_in_tokens_where_the_size_is_known() -> None:
    """Capacity and use are joined engine by engine before they are added up."""
    page = engine_cache(source_named("sglang"), LAYER)
    each = "max by (model_name, instance, dp_rank)"

    assert "kv-free-tokens" not in panels_of(PAGE)
    assert {
        "free": f"sum by (model_name) ({each} (sglang:max_total_num_tokens{{{OF_TRTLLM}}}) * "
        f"(1 - {each} (sglang:token_usage{{{OF_TRTLLM}}})))"
    } == queries_of(page, "kv-free-tokens")


@pytest.mark.parametrize(
    ("name", "legend"),
    [("vllm", "{{source}}"), ("sglang", "{{cache_source}}"), ("trtllm", "cached")],
)
def test_cached_tokens_name_their_tier_where_it_is_told(name: str, legend: str) -> None:
    """The label is the exporter's own; without one there is a single line."""
    panel = panels_of(engine_cache(source_named(name), LAYER))["cached-tokens"]

    assert [legend] == [query.legend for query in panel.queries]
