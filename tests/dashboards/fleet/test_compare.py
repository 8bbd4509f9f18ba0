"""Back ends side by side: every question by source, one load, and no request counted twice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from llmdash.dashboards.dashboard import Dashboard
from llmdash.dashboards.fleet.compare import compare
from llmdash.dashboards.grafana import render
from llmdash.dashboards.panels import Table, TimeSeries
from llmdash.dashboards.style import source_colors
from llmdash.layer import Layer
from llmdash.pack import Pack
from llmdash.promql.nodes import Aggregate, Expr, Selector
from llmdash.promql.printer import GRAFANA, concrete, to_text
from llmdash.promql.rewrite import selectors
from llmdash.sources import dcgm, gateway, sglang, triton, triton_vllm, trtllm, vllm
from tests.dashboards.judged_by_promtool import judged
from tests.oracle import violations

BARE = Layer((vllm(), triton()))
GPUS = {"vllm": {"a:8000": ("GPU-7", "GPU-8")}}
PLACED = Pack(sources=(vllm(), triton(), gateway(), dcgm()), target_gpus=GPUS).layer
EVERYTHING = Pack().layer

CHOSEN = 'source=~"$source", model=~"$model"'


def page(layer: Layer) -> Dashboard:
    found = compare(layer)
    assert found is not None
    return found


def shown(layer: Layer, panel: str, query: str = "by-source") -> str:
    queries = {each.key: each.expr for each in page(layer).panel(panel).queries}
    return to_text(queries[query], GRAFANA)


def expressions(dashboard: Dashboard) -> Iterator[Expr]:
    for panel in dashboard.panels():
        yield from (query.expr for query in panel.queries)


def roles_in(expression: Expr) -> set[str]:
    return {
        str(matcher.value)
        for each in selectors(expression)
        for matcher in each.matchers
        if matcher.label == "role"
    }


@pytest.mark.parametrize("layer", [BARE, PLACED, EVERYTHING], ids=["bare", "placed", "everything"])
def test_the_page_is_valid(layer: Layer, grafana_schemas: Path) -> None:
    """Nothing is wrong with it, by our own checks and by Grafana's schemas."""
    assert () == page(layer).problems()
    assert [] == violations(render(page(layer)), grafana_schemas)


def test_one_engine_is_no_comparison() -> None:
    """A gateway beside one engine is a second view of the same requests, no second back end."""
    assert compare(Layer((vllm(), gateway()))) is None
    assert compare(Layer((vllm(), sglang()))) is not None


@pytest.mark.parametrize("layer", [BARE, PLACED, EVERYTHING], ids=["bare", "placed", "everything"])
def test_no_sum_crosses_roles(layer: Layer) -> None:
    """Gateway and engine count one request each: whatever is added up is of one role."""
    sums = [
        node
        for expression in expressions(page(layer))
        for node in expression.walk()
        if isinstance(node, Aggregate)
    ]

    assert 50 < len(sums)
    assert [] == [to_text(node, GRAFANA) for node in sums if len(roles_in(node)) != 1]


@pytest.mark.parametrize("layer", [BARE, PLACED, EVERYTHING], ids=["bare", "placed", "everything"])
def test_the_page_reads_the_fleets_recordings(layer: Layer) -> None:
    """It costs the same for any number of replicas, and asks no exporter."""
    names = {each.series.name for e in expressions(page(layer)) for each in e.walk() if isinstance(each, Selector)}  # fmt: skip

    assert set() == {name for name in names if not name.startswith("llm:")}


@pytest.mark.parametrize(
    ("panel", "query", "expected"),
    [
        (
            "time-to-first-token-p95",
            "by-source",
            "histogram_quantile(0.95, sum by (source, le) "
            f'(llm:time_to_first_token_seconds_bucket:rate5m{{role="engine", {CHOSEN}}}))',
        ),
        (
            "tokens-per-request",
            "by-source",
            f'sum by (source) (llm:generation_tokens:rate5m{{role="engine", {CHOSEN}}}) / '
            f'sum by (source) (llm:end_to_end_latency_seconds_sum:rate5m{{role="engine", {CHOSEN}}})',
        ),
        (
            "tokens-per-engine",
            "by-source",
            f'sum by (source) (llm:generation_tokens:rate5m{{role="engine", {CHOSEN}}}) / '
            f'(sum by (source) (llm:requests_running:count{{role="engine", {CHOSEN}}}) or '
            'sum by (source) (llm:up:sum{role="engine", source=~"$source"}))',
        ),
        (
            "gap",
            "added",
            'sum by (model) (llm:time_to_first_token_seconds_sum:rate5m{role="gateway", model=~"$model"}) / '
            'sum by (model) (llm:time_to_first_token_seconds_count:rate5m{role="gateway", model=~"$model"}) - '
            'sum by (model) (llm:time_to_first_token_seconds_sum:rate5m{role="engine", model=~"$model"}) / '
            'sum by (model) (llm:time_to_first_token_seconds_count:rate5m{role="engine", model=~"$model"})',
        ),
        (
            "energy-per-token",
            "energy",
            'sum by (model) (avg_over_time(llm:gpu_power_watts:sum{role="gpu", model=~"$model"}[5m])) / '
            '(sum by (model) (llm:generation_tokens:rate5m{role="engine", model=~"$model"}) + '
            'sum by (model) (llm:prompt_tokens:rate5m{role="engine", model=~"$model"}))',
        ),
    ],
)  # fmt: skip
def test_what_is_compared(panel: str, query: str, expected: str) -> None:
    """Quantiles are over each source's own edges; a gateway's mean less the engines' is a gap."""
    assert expected == shown(PLACED, panel, query)


def test_a_description_names_the_edges_of_each_source() -> None:
    """A line cannot rise above the last bucket of its source, which is another one's middle."""
    text = page(PLACED).panel("time-to-first-token-p95").description

    assert "no line rises above its last edge: triton 5 s, vllm 2560 s." in text


def test_sources_that_know_means_have_means() -> None:
    """Where nobody has buckets there are no quantiles; where one has, the others' means stay."""
    means = page(Layer((triton(job="one"), triton(name="other", job="other"))))
    keys = {panel.key for panel in means.panels()}

    assert {"queue-time-mean", "end-to-end-latency-mean"} <= keys
    assert set() == keys & {"queue-time-p95", "queue-time-p50", "end-to-end-latency-p95"}
    queries = page(BARE).panel("queue-time-p50").queries
    assert ["{{source}} p50", "{{source}} mean"] == [query.legend for query in queries]


def test_the_table_has_what_its_sources_answer() -> None:
    """A column is there as soon as one source fills it, and the load stands beside the results."""
    table = page(PLACED).panel("back-ends")
    bare = page(Layer((triton(job="one"), triton(name="other", job="other")))).panel("back-ends")
    assert isinstance(table, Table)
    assert isinstance(bare, Table)

    assert [
        "errors", "waiting", "kv", "ttft-p95", "itl-p95",
        "per-engine", "per-request", "ttft-p50", "e2e-p95", "e2e-mean", "hits",
        "requests", "prompt-length", "generation-length",
    ] == [column.query_key for column in table.columns]  # fmt: skip
    assert ["errors", "waiting", "ttft-p95", "ttft-p50", "e2e-mean", "requests"] == [
        column.query_key for column in bare.columns
    ]


def test_the_table_judges_first() -> None:
    """What has a colour comes before what has none, and the back end that suffers is on top."""
    table = page(EVERYTHING).panel("back-ends")
    assert isinstance(table, Table)
    judged_first = [bool(column.thresholds) for column in table.columns]

    assert sorted(judged_first, reverse=True) == judged_first
    assert ("Waiting", True) == (table.sort_by, table.descending)


def test_a_limit_beyond_the_buckets_is_left_out() -> None:
    """Triton's buckets end at 5 s, so no p95 of its can reach the 10 s at which others turn red."""
    table = page(Layer((triton(job="one"), triton(name="other", job="other")))).panel("back-ends")
    assert isinstance(table, Table)
    (column,) = (each for each in table.columns if each.query_key == "ttft-p95")

    assert [2] == [limit.value for limit in column.thresholds]


def test_gateway_and_engines_have_hues_of_their_own() -> None:
    """Lines of one model on both sides are told apart by their side."""
    for key in (
        "gateway-and-engine-ttft",
        "gateway-and-engine-requests",
        "gateway-and-engine-errors",
    ):
        queries = page(PLACED).panel(key).queries

        assert ["blue", "orange"] == [query.color for query in queries]


@pytest.mark.parametrize(
    ("layer", "rows"),
    [
        (BARE, []),
        (Layer((vllm(), triton(), gateway())), ["gap"]),
        (Layer((vllm(), triton(), dcgm())), []),
        (PLACED, ["gap", "energy"]),
    ],
    ids=["engines", "gateway", "GPUs of nobody", "GPUs of models"],
)
def test_rows_follow_the_pack(layer: Layer, rows: list[str]) -> None:
    """A gap needs a gateway, energy by model needs to know which GPU works for which model."""
    usual = ["back-ends", "load", "latency", "throughput"]

    assert [*usual, *rows] == [row.key for row in page(layer).rows]


def test_a_source_has_one_colour() -> None:
    """Whatever is compared, a source's line looks the same, also where another is missing."""
    graphs = [panel for panel in page(EVERYTHING).panels() if isinstance(panel, TimeSeries)]
    found = {panel.colors["vllm"] for panel in graphs if "vllm" in panel.colors}

    assert {"blue"} == found
    names = [f"s{number}" for number in range(8)]
    colors = source_colors(names, " p50")
    assert len(names) == len(set(colors.values()))
    assert ("blue", "dark-blue", "light-blue") == (
        colors["s0 p50"], colors["s6 p50"], source_colors(names, pale=True)["s0"],
    )  # fmt: skip


LENGTHS = {
    'llm:prompt_tokens:rate5m{role="engine",source="trtllm",model="m"}': "600x30",
    'llm:requests:rate5m{role="engine",source="trtllm",model="m",outcome="ok"}': "2x30",
    'llm:requests:rate5m{role="engine",source="trtllm",model="m",outcome="error"}': "1x30",
    'llm:prompt_length_sum:rate5m{role="engine",source="vllm",model="m"}': "700x30",
    'llm:prompt_length_count:rate5m{role="engine",source="vllm",model="m"}': "7x30",
    'llm:prompt_tokens:rate5m{role="engine",source="vllm",model="m"}': "999x30",
    'llm:requests:rate5m{role="engine",source="vllm",model="m",outcome="ok"}': "9x30",
}
ENGINES = {
    'llm:generation_tokens:rate5m{role="engine",source="vllm",model="m"}': "60x30",
    'llm:requests_running:count{role="engine",source="vllm",model="m"}': "4x30",
    'llm:up:sum{role="engine",source="vllm"}': "2x30",
    'llm:generation_tokens:rate5m{role="engine",source="triton-vllm",model="m"}': "60x30",
    'llm:up:sum{role="engine",source="triton-vllm"}': "3x30",
}


@pytest.mark.parametrize(
    ("layer", "panel", "source", "series", "expected"),
    [
        (Layer((vllm(), trtllm())), "mean-prompt-length", "trtllm", LENGTHS, 200.0),
        (Layer((vllm(), trtllm())), "mean-prompt-length", "vllm", LENGTHS, 100.0),
        (Layer((vllm(), triton_vllm())), "tokens-per-engine", "vllm", ENGINES, 15.0),
        (Layer((vllm(), triton_vllm())), "tokens-per-engine", "triton-vllm", ENGINES, 20.0),
    ],
    ids=["tokens over requests", "own lengths", "own engines", "targets"],
)
def test_weaker_answers_stand_in_for_what_is_not_counted(
    promtool: Path,
    tmp_path: Path,
    layer: Layer,
    panel: str,
    source: str,
    series: dict[str, str],
    expected: float,
) -> None:
    """Lengths and engines of a source that counts none come from tokens and targets, by source."""
    chosen = concrete({}, {"source": source, "model": ".*"})
    text = to_text(page(layer).panel(panel).queries[0].expr, chosen)

    assert "" == judged(promtool, tmp_path, text, series, expected, f'{{source="{source}"}}')
