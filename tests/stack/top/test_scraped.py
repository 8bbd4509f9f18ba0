"""What pages of servers say: real ones, played ones of every kind, and a few lines for what is rare."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from math import isnan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmstack.top.engines import NOTES, is_beyond
from llmstack.top.figures import Figure, Reading, Row
from llmstack.top.frame import frame
from llmstack.top.history import History
from llmstack.top.joined import joined
from llmstack.top.json_lines import json_line
from llmstack.top.page_reader import NAMES
from llmstack.top.power import gpus_on
from llmstack.top.scraped import Scrape, rows_on
from tests.exposition import EXPOSITIONS
from tests.stack.top.made import view
from tests.stack.top.pages import Played, lines, scrape

LATENCIES = {Figure.TTFT, Figure.TPOT, Figure.E2E}
GAUGES = {Figure.RUNNING, Figure.WAITING, Figure.KV_CACHE}
#: What each kind of server tells, of a model that it served.
TOLD = {
    "vllm": LATENCIES | GAUGES | {Figure.TOKENS},
    "sglang": LATENCIES | GAUGES | {Figure.TOKENS},
    "trtllm": LATENCIES | GAUGES | {Figure.TOKENS},
    "triton-vllm": LATENCIES | {Figure.TOKENS, Figure.WAITING, Figure.E2E_MEAN},
    "triton-trtllm": GAUGES | {Figure.TOKENS, Figure.TTFT, Figure.E2E_MEAN},
}


def rows(*scrapes: Scrape) -> list[Row]:
    return joined(rows_on(scrapes))


def only(found: Iterable[Row]) -> Row:
    (row,) = found
    return row


def served(*scrapes: Scrape) -> Row:
    """The one row of a model that tells tokens."""
    return only(row for row in rows(*scrapes) if Figure.TOKENS in row.figures)


# --- servers --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("engine", "told"), TOLD.items())
def test_every_engine_is_read(engine: str, told: set[Figure]) -> None:
    """It is known by its families; it tells what it can, and each figure is one of its traffic."""
    row = served(Played(engine).scrape(rate=3, seconds=60))

    assert (engine, told) == (row.source, set(row.figures))
    # Three requests a second with a hundred tokens each, on average.
    assert 150 < row.figures[Figure.TOKENS] < 450
    for latency in (LATENCIES | {Figure.E2E_MEAN}) & told:
        assert 0.001 < row.figures[latency] < 60, latency
    assert NOTES[engine]


def test_what_engines_tell_agrees() -> None:
    """The same traffic on the same model has the same figures, whoever tells of it."""
    found = {engine: served(Played(engine).scrape(1, 60)).figures for engine in TOLD}
    first = {figures[Figure.TTFT] for figures in found.values()}
    tokens = {round(figures[Figure.TOKENS]) for figures in found.values()}

    assert 1 == len(tokens), found
    # Buckets differ, so a quantile is near the same place only; Triton's own next edge is five times further.
    assert max(first) < 5 * min(first)


@pytest.mark.parametrize("engine", ["triton-vllm", "triton-trtllm"])
def test_a_quantile_beyond_all_buckets(engine: str) -> None:
    """Is marked as being that, for it may be anywhere: here ten times as much."""
    overloaded, quick = served(Played(engine).scrape(4, 60)), served(Played(engine).scrape(0.5, 60))

    assert is_beyond(overloaded, Figure.TTFT)
    assert not is_beyond(quick, Figure.TTFT)
    assert not any(is_beyond(overloaded, figure) for figure in (Figure.TPOT, Figure.TOKENS))


@pytest.mark.parametrize("version", ["0.8.5", "0.9.2", "0.12.0", "0.20.0", "0.32.0"])
def test_releases_of_vllm(version: str) -> None:
    """Whatever a release calls its families, all figures are there."""
    assert TOLD["vllm"] == set(served(Played("vllm", version).scrape(3, 60)).figures)


def test_nothing_has_happened() -> None:
    """Latencies are told to be of no traffic, and tokens are none; nothing is left out."""
    played = Played("vllm")
    played.work(3, 20)
    page = played.page.text()
    row = served(scrape(page, page))

    assert TOLD["vllm"] == set(row.figures)
    assert all(isnan(row.figures[latency]) for latency in LATENCIES)
    assert 0 == row.figures[Figure.TOKENS]


def test_without_an_earlier_page_there_are_gauges() -> None:
    """And nothing that is over a time."""
    page = scrape("", Played("vllm").page.text()).page

    assert GAUGES == set(only(rows(Scrape(page))).figures)


# --- real pages -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("vllm-0.32.0.prom", [("vllm", "tiny", TOLD["vllm"])]),
        ("vllm-0.27.0.prom", [("vllm", "tiny", TOLD["vllm"])]),
        (
            "triton-2.51.0.prom",
            [
                ("triton", "echo", {Figure.WAITING, Figure.E2E_MEAN}),
            ],
        ),
        (
            "gateway-0.1.0.prom",
            [
                # What was asked of a model that there is not.
                ("gateway", "other", {Figure.E2E, Figure.TOKENS, Figure.RUNNING}),
                ("gateway", "tiny", LATENCIES | {Figure.TOKENS, Figure.RUNNING}),
            ],
        ),
    ],
)
def test_real_servers(file: str, expected: list[tuple[str, str, set[Figure]]]) -> None:
    """Pages that real servers have shown: the second of two scrapes, of which the first was empty."""
    found = rows(scrape("", (EXPOSITIONS / file).read_text()))

    assert expected == [(row.source, row.model, set(row.figures)) for row in found]


def test_figures_of_a_real_page() -> None:
    """Worked out by hand from its lines."""
    figures = only(rows(scrape("", (EXPOSITIONS / "vllm-0.32.0.prom").read_text(), 10))).figures

    assert {
        Figure.RUNNING: 0,
        Figure.WAITING: 0,
        Figure.KV_CACHE: 0,
        Figure.TOKENS: pytest.approx(24_002.4),
        # Of 4,746 the 4,508.7th: 4,389 are up to 40 ms, and 4,554 up to 60 ms.
        Figure.TTFT: pytest.approx(0.04 + 0.02 * (4508.7 - 4389) / (4554 - 4389)),
        # Of 235,278 the 223,514.1th: 215,941 are up to 10 ms, and 230,779 up to 25 ms.
        Figure.TPOT: pytest.approx(0.01 + 0.015 * (223514.1 - 215941) / (230779 - 215941)),
        # Of 4,744 the 4,506.8th: 4,500 are up to 0.8 s, and 4,591 up to 1 s.
        Figure.E2E: pytest.approx(0.8 + 0.2 * (4506.8 - 4500) / (4591 - 4500)),
    } == figures


# --- garbage --------------------------------------------------------------------------------------

VALUES = st.sampled_from(["0", "1", "7.5", "1e300", "-3", "NaN", "+Inf", "-Inf", "1e-300"])
SERIES = st.builds(
    lambda name, labels, value: f"{name}{{{','.join(labels)}}} {value}",
    st.sampled_from(sorted(NAMES)),
    st.lists(
        st.sampled_from(
            [
                'model="a"',
                'model_name="a"',
                'model_name="b"',
                'UUID="g"',
                *(f'le="{edge}"' for edge in ("1", "1.0", "-1", "0", "NaN", "+Inf", "x")),
            ]
        ),
        unique_by=lambda label: label.partition("=")[0],
        max_size=4,
    ),
    VALUES,
)


@given(st.lists(SERIES, min_size=1, max_size=25), st.lists(SERIES, min_size=1, max_size=25))
def test_no_page_ends_the_view(before: list[str], after: list[str]) -> None:
    """Whatever values a server shows, there is a picture of them, and a line of JSON."""
    found = scrape("\n".join(before), "\n".join(after), 2)
    reading = Reading(tuple(rows(found)), gpus_on([found.page]))
    history = History()
    history.add(reading)

    assert all(each.cell_len <= 80 for each in frame(view(reading, history), 80, 24))
    assert json.loads(json_line(reading, datetime.now(UTC)))["version"] == 1


# --- what is rare ---------------------------------------------------------------------------------


def test_replicas_are_one_row() -> None:
    """Tokens and requests are added up, the fullest cache counts, quantiles are over all requests."""
    quick = {
        'vllm:num_requests_running{model_name="m",engine="0"}': 3,
        'vllm:num_requests_running{model_name="m",engine="1"}': 4,
        'vllm:kv_cache_usage_perc{model_name="m",engine="0"}': 0.5,
        'vllm:generation_tokens_total{model_name="m",engine="0"}': 100,
        'vllm:e2e_request_latency_seconds_bucket{model_name="m",engine="0",le="1.0"}': 90,
        'vllm:e2e_request_latency_seconds_bucket{model_name="m",engine="0",le="2.0"}': 90,
        'vllm:e2e_request_latency_seconds_bucket{model_name="m",engine="0",le="+Inf"}': 90,
    }
    slow = {
        'vllm:num_requests_running{model_name="m",engine="0"}': 5,
        'vllm:kv_cache_usage_perc{model_name="m",engine="0"}': 0.75,
        'vllm:generation_tokens_total{model_name="m",engine="0"}': 50,
        'vllm:e2e_request_latency_seconds_bucket{model_name="m",engine="0",le="1.0"}': 0,
        'vllm:e2e_request_latency_seconds_bucket{model_name="m",engine="0",le="2.0"}': 10,
        'vllm:e2e_request_latency_seconds_bucket{model_name="m",engine="0",le="+Inf"}': 10,
    }
    found = only(rows(scrape("", lines(quick), 10), scrape("", lines(slow), 5))).figures

    assert {
        Figure.RUNNING: 12,
        Figure.KV_CACHE: 0.75,
        Figure.TOKENS: 20,
        # 9 a second below 1 s, 2 between 1 and 2 s; of 11 the 10.45th is 1.45 of 2 into the second.
        Figure.E2E: pytest.approx(1 + 1.45 / 2),
    } == found


def test_models_of_one_server_have_rows_of_their_own() -> None:
    """And the router of vLLM's stack, which names no model, has none."""
    page = {
        'vllm:num_requests_running{model_name="a"}': 1,
        'vllm:num_requests_running{model_name="b"}': 2,
        'vllm:num_requests_running{server="x"}': 3,
    }

    assert [("a", 1), ("b", 2)] == [(row.model, row.figures[Figure.RUNNING]) for row in rows(scrape("", lines(page)))]  # fmt: skip


@pytest.mark.parametrize("prefix", ["vllm:", "vllm_", "ray_vllm:", "ray_vllm_", "kserve_vllm:"])
def test_prefixes_of_vllm(prefix: str) -> None:
    """Ray and KServe put their own before its names."""
    page = {f'{prefix}num_requests_running{{model_name="m"}}': 1}

    assert ("vllm", 1) == (only(found := rows(scrape("", lines(page)))).source, found[0].figures[Figure.RUNNING])  # fmt: skip


def test_ranks_of_one_scheduler_count_once() -> None:
    """Each scheduler has a queue, and another for requests whose grammar is not compiled yet."""
    page = {
        f'sglang:{name}{{model_name="m",dp_rank="{dp}",tp_rank="{tp}"}}': value
        for name, value in (("num_queue_reqs", 3), ("num_grammar_queue_reqs", 2))
        for dp in (0, 1)
        for tp in (0, 1)
    }

    assert {Figure.WAITING: 10} == only(rows(scrape("", lines(page)))).figures


def test_old_releases_of_the_tensorrt_llm_backend() -> None:
    """Say neither who waits nor the share of the cache, but what both are worked out from."""
    page = {
        'nv_trt_llm_request_metrics{model="m",request_type="active",version="1"}': 9,
        'nv_trt_llm_request_metrics{model="m",request_type="scheduled",version="1"}': 6,
        'nv_trt_llm_kv_cache_block_metrics{model="m",kv_cache_block_type="used",version="1"}': 30,
        'nv_trt_llm_kv_cache_block_metrics{model="m",kv_cache_block_type="max",version="1"}': 40,
    }

    assert {Figure.RUNNING: 6, Figure.WAITING: 3, Figure.KV_CACHE: 0.75} == only(rows(scrape("", lines(page)))).figures  # fmt: skip


def test_streams_only_have_a_first_token() -> None:
    """SGLang times the first chunk of answers that are no streams too, which is all of them."""
    page = {
        f'sglang:time_to_first_token_seconds_bucket{{model_name="m",is_streaming="{way}",le="{edge}"}}': count
        for way, counts in (("true", (10, 10)), ("false", (0, 1000)))
        for edge, count in zip(("0.1", "+Inf"), counts, strict=True)
    }

    assert {Figure.TTFT: pytest.approx(0.095)} == only(rows(scrape("", lines(page)))).figures
