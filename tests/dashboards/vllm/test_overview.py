"""vLLM's overview: the answer first, who suffers in one graph, and nothing lost behind it."""

from __future__ import annotations

from llmdash.dashboards.dashboard import Row
from llmdash.dashboards.panels import Stat, StateTimeline, TimeSeries
from llmdash.dashboards.style import FINISH_REASONS, OUTCOMES, hue
from llmdash.dashboards.vllm.overview import KEYS_HERE, TILES, vllm_overview
from llmdash.layer import Layer
from llmdash.metrics.metric import Versions
from llmdash.sources import vllm
from llmdash.sources.source import Source
from tests.dashboards.engine_pages import panels_of, queries_of

SOURCE = vllm()
PAGE = vllm_overview(SOURCE, Layer((SOURCE,)))

#: What the page held when all of it was open; links to these panels still lead somewhere.
ONCE_OPEN = {
    *("requests-now", "error-share-now", "ttft-now", "itl-now", "e2e-now", "generation-now"),
    *("running-now", "waiting-now", "kv-now", "requests-total", "prompt-total"),
    *("generation-total", "finish-reasons", "outcomes", "tokens", "generation-by-model"),
    *("requests-by-model", "prompt-by-source", "ttft", "itl", "e2e", "tpot", "ttft-by-model"),
    *("itl-by-model", "e2e-by-model", "running-waiting", "waiting-reasons", "kv-cache"),
    *("prefix-cache", "preemptions", "engines-running"),
}


def keys(source: Source) -> list[str]:
    return list(panels_of(vllm_overview(source, Layer((source,)))))


def closed() -> list[Row]:
    return [row for row in PAGE.rows if row.collapsed]


def quantile(*families: str) -> str:
    rates = " or ".join(
        f"rate(vllm:{family}_seconds_bucket{{CHOSEN}}[$__rate_interval])" for family in families
    )
    return f"histogram_quantile(0.95, sum by (model_name, le) ({rates}))"


def test_the_page_begins_with_what_holds_models_back() -> None:
    """The state of each model, then tiles over the whole width; what is judged is coloured."""
    first, *tiles = PAGE.rows[0].panels

    assert isinstance(first, StateTimeline)
    assert ("bottleneck", 24) == (first.key, first.width)
    assert [KEYS_HERE.get(key, key) for key in TILES] == [tile.key for tile in tiles]
    assert 24 == sum(tile.width for tile in tiles)
    assert {"error-share-now", "ttft-now", "itl-now", "waiting-now", "kv-now"} == {
        tile.key for tile in tiles if isinstance(tile, Stat) and tile.thresholds
    }


def test_who_suffers_is_one_graph_a_latency() -> None:
    """A line for each model, side by side; the panels repeated for each model wait, closed."""
    by_model = {
        key: queries_of(PAGE, key)
        for row in PAGE.rows
        if row.key == "models"
        for key in (panel.key for panel in row.panels)
    }
    repeated = {panel.key for row in PAGE.rows for panel in row.panels if panel.repeat}

    assert {
        "time-to-first-token-by-model": {"p95": quantile("time_to_first_token")},
        "inter-token-latency-by-model": {
            "p95": quantile("inter_token_latency", "time_per_output_token")
        },
        "end-to-end-latency-by-model": {"p95": quantile("e2e_request_latency")},
    } == by_model
    assert {"ttft-by-model", "itl-by-model", "e2e-by-model"} == repeated
    assert repeated == {panel.key for row in closed() for panel in row.panels if panel.repeat}


def test_a_full_model_is_seen_among_others() -> None:
    """The fullest engine stands for its model: a mean would hide it."""
    assert {
        "max": "max by (model_name) (vllm:kv_cache_usage_perc{CHOSEN} or "
        "vllm:gpu_cache_usage_perc{CHOSEN})"
    } == queries_of(PAGE, "kv-by-model")


def test_an_error_is_red_and_an_answer_green() -> None:
    """Palette colours would draw what ended well in red."""
    panels = panels_of(PAGE)
    reasons, outcomes = panels["finish-reasons"], panels["outcomes"]

    assert isinstance(reasons, TimeSeries)
    assert isinstance(outcomes, TimeSeries)
    assert (FINISH_REASONS, OUTCOMES) == (reasons.colors, outcomes.colors)
    assert [hue("prompt_tokens"), hue("generation_tokens")] == [
        query.color for query in panels["tokens"].queries
    ]


def test_nothing_is_lost() -> None:
    """What answers nothing at night is in closed rows, under the key that it had."""
    assert set() == ONCE_OPEN - set(panels_of(PAGE))
    assert {"requests-total", "prompt-total", "generation-total"} <= {
        panel.key for row in closed() for panel in row.panels
    }


def test_what_v0_had_is_asked_of_v0_alone() -> None:
    """V1 neither swaps nor has a cache in CPU memory of its own."""
    old = vllm(v0=True)

    assert {"swapped", "cpu-cache"} == set(keys(old)) - set(keys(SOURCE))


def test_old_releases_show_what_they_have() -> None:
    """0.8.4 knows neither reasons to wait nor where tokens came from; the answer still is first."""
    found = keys(vllm(versions=Versions("0.8.4", "0.9.1")))

    assert "bottleneck" == found[0]
    assert {"kv-by-model", "outcomes", "running-waiting"} <= set(found)
    assert set() == set(found) & {"waiting-reasons", "prompt-by-source", "prefix-cache", "tpot"}
