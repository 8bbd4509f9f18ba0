"""Capacity: what is free, what would have been needed, and what is left out where it is not known."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import pytest

from llmdash.dashboards.dashboard import Dashboard
from llmdash.dashboards.fleet.capacity import capacity
from llmdash.dashboards.grafana import render
from llmdash.dashboards.panels import Stat, Table, TimeSeries
from llmdash.dashboards.policy import ANY, KV_HEADROOM
from llmdash.intervals import Intervals
from llmdash.layer import Layer
from llmdash.pack import Pack
from llmdash.prices import Prices
from llmdash.promql.nodes import Call
from llmdash.promql.printer import GRAFANA, concrete, to_text
from llmdash.promql.windows import Duration
from llmdash.sources import dcgm, gateway, sglang, triton, vllm
from llmdash.sources.source import Source
from tests.dashboards.judged_by_promtool import judged
from tests.oracle import violations

GPUS = {"vllm": {"a:8000": ("GPU-7", "GPU-8")}}
PRICES = Prices(per_kwh=0.5, per_gpu_hour=2, currency="EUR")
CHOSEN = 'role="engine", source=~"$source", model=~"$model"'
ENGINE = 'role="engine",source="vllm",model="m"'


def layer(
    *sources: Source,
    gpus: Mapping[str, Mapping[str, tuple[str, ...]]] | None = None,
    prices: Prices | None = None,
    retention: str = "35d",
) -> Layer:
    intervals = Intervals(retention=Duration.parse(retention))
    return Pack(sources=sources, target_gpus=gpus or {}, prices=prices, intervals=intervals).layer


BARE = layer(vllm(), triton())
FULL = layer(vllm(), sglang(), gateway(), dcgm(), gpus=GPUS, prices=PRICES)


def page(of: Layer) -> Dashboard:
    found = capacity(of)
    assert found is not None
    return found


def shown(of: Layer, panel: str, query: str) -> str:
    queries = {each.key: each.expr for each in page(of).panel(panel).queries}
    return to_text(queries[query], GRAFANA)


def asked(of: Layer, panel: str, query: str) -> str:
    queries = {each.key: each.expr for each in page(of).panel(panel).queries}
    return to_text(queries[query], concrete({}, {"source": ".*", "model": ".*"}))


@pytest.mark.parametrize("of", [BARE, FULL, Pack().layer], ids=["bare", "full", "everything"])
def test_the_page_is_valid(of: Layer, grafana_schemas: Path) -> None:
    """Nothing is wrong with it, by our own checks and by Grafana's schemas."""
    assert () == page(of).problems()
    assert [] == violations(render(page(of)), grafana_schemas)


@pytest.mark.parametrize(
    ("of", "rows"),
    [
        (layer(triton()), ["now", "headroom", "demand"]),
        (BARE, ["now", "headroom", "demand"]),
        (layer(vllm(), prices=PRICES), ["now", "headroom", "demand"]),
        (layer(vllm(), dcgm()), ["now", "headroom", "demand", "gpus"]),
        (layer(vllm(), dcgm(), prices=PRICES), ["now", "headroom", "demand", "gpus", "cost"]),
        (layer(vllm(), dcgm(), gpus=GPUS), ["now", "headroom", "demand", "gpus", "idle"]),
        (FULL, ["now", "headroom", "tokens", "demand", "gpus", "idle", "cost"]),
    ],
    ids=["Triton", "other GPUs", "prices alone", "GPUs", "GPUs, prices", "placed GPUs", "all"],
)
def test_rows_follow_the_pack(of: Layer, rows: list[str]) -> None:
    """No GPU source, no GPUs; no prices, no money; no placement, nobody is called idle."""
    assert rows == [row.key for row in page(of).rows]


def test_without_engines_there_is_no_page() -> None:
    """A gateway and GPUs say nothing of how full anything is."""
    assert capacity(layer(gateway(), dcgm())) is None


def test_a_page_without_kv_cache_says_what_it_can() -> None:
    """Triton counts requests and a queue: peaks, growth and waiting are left."""
    keys = [panel.key for panel in page(layer(triton())).panels()]

    assert ["growth-now", "models", "waiting", "requests-and-a-week-ago", "growth"] == keys


@pytest.mark.parametrize(
    ("retention", "columns", "graphs"),
    [
        (
            "8d",
            ["missing", "room", "engines", "needed", "peak-requests", "peak-tokens", "growth-requests", "growth-generation-tokens"],
            ["requests-and-a-week-ago", "generation-tokens-and-a-week-ago", "growth"],
        ),
        (
            "7d",
            ["missing", "room", "engines", "needed", "peak-requests", "peak-tokens"],
            ["requests", "generation-tokens"],
        ),
        ("23h", ["room", "engines"], ["requests", "generation-tokens"]),
    ],
)  # fmt: skip
def test_nothing_looks_back_further_than_prometheus_keeps(
    retention: str, columns: list[str], graphs: list[str]
) -> None:
    """A day a week ago needs eight days; what would be cut off is left out."""
    short = page(layer(vllm(), retention=retention))
    table = short.panel("models")
    assert isinstance(table, Table)

    assert ["kv", *columns] == [column.query_key for column in table.columns]
    assert graphs == [
        panel.key for row in short.rows if row.key == "demand" for panel in row.panels
    ]


def test_days_are_asked_for_once() -> None:
    """A window of a day is asked of one moment: over a range of time it would be read hundredfold."""
    lines = [p for p in page(FULL).panels() if isinstance(p, TimeSeries) or (isinstance(p, Stat) and p.graph)]  # fmt: skip
    texts = [to_text(query.expr, GRAFANA) for panel in lines for query in panel.queries]

    assert 20 < len(texts)
    assert [] == [text for text in texts if "[1d]" in text]


@pytest.mark.parametrize(
    ("panel", "query", "expected"),
    [
        ("kv-headroom-now", "headroom", f"1 - max(llm:kv_cache_use_ratio:max{{{CHOSEN}}})"),
        (
            "models",
            "needed",
            f"ceil(max by (source, model) (max_over_time(llm:requests_running:count{{{CHOSEN}}}[1d])) * "
            f"(max by (source, model) (max_over_time(llm:kv_cache_use_ratio:avg{{{CHOSEN}}}[1d])) / 0.85 + "
            f'max by (source, model) (max_over_time(llm:requests_waiting:sum{{{CHOSEN}, reason="capacity"}}[1d])) / '
            f"max by (source, model) (max_over_time(llm:requests_running:sum{{{CHOSEN}}}[1d]))))",
        ),
        (
            "time-to-full",
            "time",
            f"clamp_max((1 - max by (source, model) (llm:kv_cache_use_ratio:avg{{{CHOSEN}}})) / "
            f"clamp_min(max by (source, model) (deriv(llm:kv_cache_use_ratio:avg{{{CHOSEN}}}[30m])), 1e-09), 21600) * "
            f"(max by (source, model) (llm:kv_cache_use_ratio:max{{{CHOSEN}}}) < bool 0.95)",
        ),
        (
            "growth-now",
            "growth",
            f"sum(sum_over_time(llm:generation_tokens:rate5m{{{CHOSEN}}}[1d])) / "
            f"sum(sum_over_time(llm:generation_tokens:rate5m{{{CHOSEN}}}[1d] offset 1w)) - 1",
        ),
        (
            "models",
            "peak-requests",
            f'sum by (source, model) (max_over_time(llm:requests:rate5m{{{CHOSEN}, outcome="ok"}}[1d]))',
        ),
    ],
)  # fmt: skip
def test_what_is_asked(panel: str, query: str, expected: str) -> None:
    """Shares are compared and never added up; peaks are each series' own."""
    assert expected == shown(FULL, panel, query)


def busy(engines: str, full: str, waiting: str, running: str) -> dict[str, str]:
    return {
        f"llm:requests_running:count{{{ENGINE}}}": engines,
        f"llm:kv_cache_use_ratio:avg{{{ENGINE}}}": full,
        f'llm:requests_waiting:sum{{{ENGINE},reason="capacity"}}': waiting,
        f'llm:requests_waiting:sum{{{ENGINE},reason="deferred"}}': "500x30",
        f"llm:requests_running:sum{{{ENGINE}}}": running,
    }


@pytest.mark.parametrize(
    ("series", "expected"),
    [
        # One engine at its target is enough; a little more is not.
        (busy("1x30", "0.85x30", "0x30", "10x30"), 1.0),
        (busy("1x30", "0.86x30", "0x30", "10x30"), 2.0),
        # Four engines at 0.34 on average are the work of 1.6.
        (busy("4x30", "0.34x30", "0x30", "40x30"), 2.0),
        # The queue of 25 is that of two engines and a half with ten requests each.
        (busy("2x30", "0.85x30", "25x30", "20x30"), 5.0),
        # The peak is over, and so is the second engine: both count still.
        (busy("2x10 1x20", "0.85x10 0.1x20", "0x30", "20x10 1x20"), 2.0),
        # Nothing ran all day.
        (busy("3x30", "0x30", "0x30", "0x30"), math.nan),
    ],
    ids=["at target", "above", "idle engines", "queue", "peak over", "no traffic"],
)
def test_engines_needed(
    promtool: Path, tmp_path: Path, series: dict[str, str], expected: float
) -> None:
    """Engines at the day's greatest mean use over the target, and the queue in engines' worth."""
    text = asked(FULL, "models", "needed")
    labels = '{source="vllm", model="m"}'

    assert "" == judged(promtool, tmp_path, text, series, expected, labels)


def named(model: str, series: dict[str, str]) -> dict[str, str]:
    return {name.replace('model="m"', f'model="{model}"'): of for name, of in series.items()}


#: It needs five engines at its peak, and has two.
SHORT = busy("2x30", "0.85x30", "25x30", "20x30")
#: It needs one, and has nine.
AMPLE = named("ample", busy("9x30", "0.05x30", "0x30", "20x30"))
IDLE = named("idle", busy("1x30", "0x30", "0x30", "0x30"))
#: It needed three until it lost them all.
LOST = named("lost", busy("3x10 stale", "0.85x10 stale", "0x10 stale", "20x10 stale"))


@pytest.mark.parametrize(
    ("series", "expected"),
    [
        (SHORT, 3.0),
        (SHORT | AMPLE, 3.0),
        (SHORT | AMPLE | IDLE, 3.0),
        (SHORT | LOST, 6.0),
        (AMPLE, 0.0),
        (IDLE, 0.0),
        ({}, None),
    ],
    ids=["short", "one to spare", "one idle", "one lost", "enough", "no traffic", "nothing"],
)
def test_engines_missing(
    promtool: Path, tmp_path: Path, series: dict[str, str], expected: float | None
) -> None:
    """One model's spare engines do not hide another's shortage, nor does an idle one."""
    text = asked(FULL, "engines-missing-now", "engines")

    assert "" == judged(promtool, tmp_path, text, series, expected)


def test_the_table_says_whose_engines_are_missing(promtool: Path, tmp_path: Path) -> None:
    """A model with too few is coloured in its own line; one that was idle all day has no number."""
    table = page(FULL).panel("models")
    assert isinstance(table, Table)
    (column,) = (each for each in table.columns if each.query_key == "missing")
    text = asked(FULL, "models", "missing")

    assert ANY == column.thresholds
    for series, model, expected in (
        (SHORT, "m", 3.0),
        (AMPLE, "ample", 0.0),
        (IDLE, "idle", math.nan),
    ):
        labels = f'{{source="vllm", model="{model}"}}'
        assert "" == judged(promtool, tmp_path, text, series, expected, labels)


@pytest.mark.parametrize(
    ("values", "fullest", "expected"),
    [
        # A hundredth in 15 s, from 0.3 to 0.5: the other half takes 750 s.
        ("0.3+0.01x30", "0.949x30", 750.0),
        ("0.5x30", "0.6x30", 21600.0),
        ("0.7-0.01x30", "0.6x30", 21600.0),
        ("1x30", "1x30", 0.0),
        # Full, and no longer rising; and no longer quite full, but above what is called so.
        ("0.98x30", "0.99x30", 0.0),
        ("0.98-0.001x30", "0.95x30", 0.0),
        # Ten days from now is told as six hours.
        ("0.1+0.00001x30", "0.2x30", 21600.0),
    ],
    ids=["rises", "flat", "falls", "full", "stays full", "nearly full", "far"],
)
def test_time_to_full(
    promtool: Path, tmp_path: Path, values: str, fullest: str, expected: float
) -> None:
    """A rising use is drawn on to 1; what does not rise is told as the longest, what is full as 0."""
    text = f"round({asked(FULL, 'time-to-full', 'time')})"
    series = {
        f"llm:kv_cache_use_ratio:avg{{{ENGINE}}}": values,
        f"llm:kv_cache_use_ratio:max{{{ENGINE}}}": fullest,
    }
    labels = '{source="vllm", model="m"}'

    assert "" == judged(promtool, tmp_path, text, series, expected, labels)


@pytest.mark.parametrize(
    ("running", "use", "expected"), [("20x30", "0.4x30", 30.0), ("0x30", "0x30", math.nan)]
)
def test_room(promtool: Path, tmp_path: Path, running: str, use: str, expected: float) -> None:
    """Twenty requests that fill two fifths leave room for thirty more; of none, nothing follows."""
    series = {
        f"llm:requests_running:sum{{{ENGINE}}}": running,
        f"llm:kv_cache_use_ratio:avg{{{ENGINE}}}": use,
    }
    text = f"round({asked(FULL, 'room', 'room')}, 0.001)"
    labels = '{source="vllm", model="m"}'

    assert "" == judged(promtool, tmp_path, text, series, expected, labels)


def test_colours_of_headroom_are_those_of_use() -> None:
    """What warns at 85 % and is critical at 95 % of use is the same from the other end."""
    assert [(0.05, "orange"), (0.15, "text")] == [(t.value, t.color) for t in KV_HEADROOM]
    panel = page(BARE).panel("kv-headroom-now")
    assert isinstance(panel, Stat)
    assert "red" == panel.color_at_rest


@pytest.mark.parametrize("key", ["time-to-full-now", "time-to-full"])
def test_little_time_is_red(key: str) -> None:
    """Red below ten minutes, orange below an hour, in the tile and in the graph."""
    panel = page(BARE).panel(key)
    assert isinstance(panel, Stat | TimeSeries)

    assert "red" == panel.color_at_rest
    assert [(600, "orange"), (3600, "text")] == [(t.value, t.color) for t in panel.thresholds]


def test_free_tokens_say_of_which_engines() -> None:
    """vLLM does not tell how much its cache holds, so a fleet of it has no line there."""
    assert "Free KV cache in tokens, sglang" == page(FULL).panel("free-tokens").title
    assert "free-tokens" not in {panel.key for panel in page(BARE).panels()}


def test_what_is_often_empty_is_folded_away() -> None:
    """Few engines tell tokens, and lines of idle GPUs are usually zero: they take no room."""
    assert ["tokens", "idle"] == [row.key for row in page(FULL).rows if row.collapsed]


def test_the_slope_has_a_window_of_its_own() -> None:
    """The slope is read over half an hour, whatever the time on screen."""
    (query,) = page(FULL).panel("time-to-full").queries
    slopes = [n for n in query.expr.walk() if isinstance(n, Call) and n.function == "deriv"]

    assert ["deriv(llm:kv_cache_use_ratio:avg{" + CHOSEN + "}[30m])"] == [
        to_text(slope, GRAFANA) for slope in slopes
    ]
