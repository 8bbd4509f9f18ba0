"""vLLM's caches: the life of blocks, their configuration, and what older releases had."""

from __future__ import annotations

from llmdash.dashboards.engine.cache import engine_cache
from llmdash.dashboards.panels import Table
from llmdash.dashboards.vllm.cache import vllm_cache
from llmdash.layer import Layer
from llmdash.metrics.metric import Versions
from llmdash.sources import ENGINES, vllm
from tests.dashboards.engine_pages import panels_of, queries_of

LAYER = Layer(ENGINES)
PAGE = vllm_cache(vllm(), LAYER)


def test_it_holds_what_any_engine_has() -> None:
    """Nothing of the general page is lost."""
    assert set() == set(panels_of(engine_cache(vllm(), LAYER))) - set(panels_of(PAGE))


def test_more_cache_pays_when_reuse_comes_as_late_as_eviction() -> None:
    """Evictions of the sampled blocks are rare: the tile looks at the whole range on screen."""

    def late(family: str, share: str) -> str:
        return (
            f"histogram_quantile({share}, sum by (le) "
            f"(rate(vllm:kv_block_{family}_seconds_bucket{{CHOSEN}}[$__range])))"
        )

    assert {
        "ratio": f"{late('reuse_gap', '0.9')} / {late('idle_before_evict', '0.5')}"
    } == queries_of(PAGE, "more-cache-now")


def test_the_configuration_is_a_table_of_labels() -> None:
    """It has no model_name, so the choice of a model must not hide it."""
    panel = panels_of(PAGE)["settings"]

    assert isinstance(panel, Table)
    assert () == panel.columns
    assert {"num_gpu_blocks", "block_size", "cache_dtype"} <= {
        column.label for column in panel.label_columns
    }
    assert {
        "info": 'vllm:cache_config_info{instance=~"$instance", engine=~"$engine"}'
    } == queries_of(PAGE, "settings")


def test_what_v0_had_is_asked_of_v0_alone() -> None:
    """V1 has no cache in CPU memory of its own."""
    added = set(panels_of(vllm_cache(vllm(v0=True), LAYER))) - set(panels_of(PAGE))

    assert {"cpu-cache", "prefix-v0"} == added


def test_a_release_before_all_of_it_still_has_a_page() -> None:
    """0.8.4 to 0.9.1 tell how full the cache is and how it is configured, and no hits."""
    page = vllm_cache(vllm(versions=Versions("0.8.4", "0.9.1")), LAYER)

    assert ["kv-fullest-now", "kv-use", "kv-by-engine", "settings"] == list(panels_of(page))
