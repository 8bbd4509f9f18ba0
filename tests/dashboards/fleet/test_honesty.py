"""The page that says whether the others can be trusted: what it asks, and what promtool answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from llmdash.dashboards.dashboard import Dashboard
from llmdash.dashboards.fleet.bucket_reach import Reach
from llmdash.dashboards.fleet.count_health import Counts
from llmdash.dashboards.fleet.honesty import honesty
from llmdash.dashboards.fleet.rule_health import Rules
from llmdash.dashboards.fleet.scrape_health import Scrapes
from llmdash.dashboards.grafana import render
from llmdash.dashboards.panels import Panel, Table, TimeSeries
from llmdash.dashboards.visuals import visual
from llmdash.layer import Layer
from llmdash.pack import DEFAULT
from llmdash.promql.nodes import Expr
from llmdash.promql.printer import GRAFANA, to_text
from llmdash.promql.units import COUNT
from llmdash.sources import dcgm, gateway, triton, vllm
from tests.oracle import violations
from tests.prometheus_tools import said_against

LAYER = Layer((vllm(), gateway(), dcgm()))


def page_of(layer: Layer) -> Dashboard:
    page = honesty(layer)
    assert page is not None
    return page


def keys(page: Dashboard, row: str = "") -> list[str]:
    return [panel.key for each in page.rows if row in ("", each.key) for panel in each.panels]


def panel(key: str, layer: Layer = LAYER) -> Panel:
    return next(each for row in page_of(layer).rows for each in row.panels if each.key == key)


def asked(key: str, query: str, layer: Layer = LAYER) -> str:
    found = next(each for each in panel(key, layer).queries if each.key == query)
    return to_text(found.expr, GRAFANA)


def test_the_page_is_sound(grafana_schemas: Path) -> None:
    """Grafana accepts what the default pack's page is rendered to."""
    assert [] == violations(render(page_of(DEFAULT.layer)), grafana_schemas)


def test_the_verdict_stands_first() -> None:
    """Whoever opens the page sees what to doubt before anything else; no number stands twice."""
    page = page_of(LAYER)

    assert "verdict" == page.rows[0].key
    assert [
        "targets-down",
        "slow-scrapes",
        "scraped-twice",
        "counts-apart",
        "restarts-now",
        "silent-now",
        "beyond-now",
        # Without data where Prometheus does not scrape itself.
        "rules-now",
        "configuration-now",
        "alertmanagers-now",
    ] == keys(page, "verdict")
    assert len(keys(page)) == len(set(keys(page)))


def test_where_nothing_is_recorded_there_is_nothing_to_doubt() -> None:
    """A pack of a load generator alone has its own page, and no other."""
    assert honesty(Layer(())) is None


def test_what_no_source_can_tell_is_left_out() -> None:
    """GPUs alone have no latencies; without a gateway nothing counts a request again."""
    gpus, engines = keys(page_of(Layer((dcgm(),)))), keys(page_of(Layer((vllm(), triton()))))

    assert {"littles-law", "reach", "beyond-now", "counts-apart"}.isdisjoint(gpus)
    assert {"targets-down", "groups", "recording-age"} <= set(gpus)
    assert "gateway-over-engines" in keys(page_of(LAYER))
    assert "gateway-over-engines" not in engines


def test_each_source_has_its_own_last_edge() -> None:
    """The share beyond is that at its top edge, in either spelling; those with the same share it."""
    assert (
        "1 - sum by (source, role) (llm:time_to_first_token_seconds_bucket:rate5m"
        '{source=~"vllm|gateway", le=~"2560|2560\\\\.0"}) / sum by (source, role) '
        "(llm:time_to_first_token_seconds_count:rate5m) or "
        "1 - sum by (source, role) (llm:time_to_first_token_seconds_bucket:rate5m"
        '{source="triton", le=~"5|5\\\\.0"}) / sum by (source, role) '
        "(llm:time_to_first_token_seconds_count:rate5m)"
    ) == asked("reach", "time-to-first-token-beyond", Layer((vllm(), gateway(), triton())))


def test_scrapes_are_measured_by_their_own_interval() -> None:
    """GPUs are scraped more often, so a slow scrape of theirs is a shorter one."""
    assert (
        'max by (job) (max by (cluster, job, instance) (scrape_duration_seconds{job=~"gateway|vllm"}'
        ' / 15) or max by (cluster, job, instance) (scrape_duration_seconds{job="dcgm"} / 5))'
    ) == asked("scrape-share", "share")


# --- asked of promtool ----------------------------------------------------------------------------


def check(
    promtool: Path,
    folder: Path,
    series: Mapping[str, str],
    *wanted: tuple[Expr, Mapping[str, float]],
    interval: str = "1m",
) -> None:
    """Ask promtool at 70 minutes; values are written as promtool's tests write them, each minute."""
    cases = [
        {
            "expr": to_text(expression, GRAFANA),
            "eval_time": "70m",
            "exp_samples": [{"labels": name, "value": value} for name, value in answer.items()],
        }
        for expression, answer in wanted
    ]
    inputs = [{"series": name, "values": values} for name, values in series.items()]
    tests = {"tests": [{"interval": interval, "input_series": inputs, "promql_expr_test": cases}]}
    file = folder / "honesty.test.yaml"
    file.write_text(json.dumps(tests))  # JSON is YAML

    assert "" == said_against(promtool, file)


def number(key: str, query: str) -> Expr:
    return next(each.expr for each in panel(key).queries if each.key == query)


def of(name: str, role: str = "engine", source: str = "vllm", more: str = "") -> str:
    return f'llm:{name}{{role="{role}", source="{source}"{more}}}'


@pytest.mark.parametrize(
    ("running", "latency", "apart"),
    [
        # 5 run and 2 wait: 7 seconds of latency in each second.
        ("5", "7", 0),
        # The gauge, then the latency, is counted twice.
        ("12", "7", 1),
        ("5", "14", 1),
        # Requests that hang have no latency at all.
        ("5", "0", 1),
    ],
)
def test_littles_law_finds_what_is_counted_twice(
    promtool: Path, tmp_path: Path, running: str, latency: str, apart: int
) -> None:
    """What latencies say of an engine and what its gauges say are compared, queues included."""
    counts = Counts(LAYER)
    ratio = float(latency) / (float(running) + 2)
    check(
        promtool,
        tmp_path,
        {
            of("requests_running:sum", more=', model="llama"'): f"{running}x80",
            of("requests_waiting:sum", more=', model="llama", reason="capacity"'): "2x80",
            of("end_to_end_latency_seconds_sum:rate5m", more=', model="llama"'): f"{latency}x80",
            # The gateway holds 9 requests, and has no queue of its own.
            of("requests_running:sum", "gateway", "gateway", ', model="llama"'): "9x80",
            of(
                "end_to_end_latency_seconds_sum:rate5m", "gateway", "gateway", ', model="a"'
            ): "4x80",
            of(
                "end_to_end_latency_seconds_sum:rate5m", "gateway", "gateway", ', model="b"'
            ): "5x80",
        },
        (
            counts.little(),
            {
                '{role="engine", source="vllm"}': ratio,
                '{role="gateway", source="gateway"}': 1,
            },
        ),
        (number("counts-apart", "apart"), {"{}": apart}),
    )


def test_little_is_not_asked_of_a_source_at_rest(promtool: Path, tmp_path: Path) -> None:
    """A gauge that is read now and then misses the few requests of a quiet hour: nobody is blamed."""
    check(
        promtool,
        tmp_path,
        {
            of("requests_running:sum", more=', model="llama"'): "0x80",
            of("requests_waiting:sum", more=', model="llama", reason="capacity"'): "0x80",
            of("end_to_end_latency_seconds_sum:rate5m", more=', model="llama"'): "0.25x80",
        },
        (number("counts-apart", "apart"), {"{}": 0}),
    )


def test_targets_scraped_twice_are_found_under_any_job(promtool: Path, tmp_path: Path) -> None:
    """Also where the second job is none of ours; two clusters may have the same address."""
    check(
        promtool,
        tmp_path,
        {
            'up{job="vllm", instance="a:8000", cluster="east"}': "1x80",
            'up{job="kubernetes-pods", instance="a:8000", cluster="east"}': "1x80",
            'up{job="vllm", instance="a:8000", cluster="west"}': "1x80",
            'up{job="dcgm", instance="a:9400", cluster="east"}': "0x80",
            # What is no server of ours may be scraped as often as it likes.
            'up{job="node", instance="a:9100"}': "1x80",
            'up{job="host", instance="a:9100"}': "1x80",
        },
        (number("scraped-twice", "twice"), {"{}": 1}),
        (
            number("jobs-of-the-twice-scraped", "scrapes"),
            {
                '{cluster="east", instance="a:8000", job="vllm"}': 1,
                '{cluster="east", instance="a:8000", job="kubernetes-pods"}': 1,
            },
        ),
        (number("targets-down", "down"), {"{}": 1}),
    )


def test_slow_scrapes_are_counted(promtool: Path, tmp_path: Path) -> None:
    """Three seconds are little for a server and too much for a GPU's exporter."""
    check(
        promtool,
        tmp_path,
        {
            'up{job="vllm", instance="a:8000"}': "1x80",
            'scrape_duration_seconds{job="vllm", instance="a:8000"}': "3x80",
            'up{job="dcgm", instance="a:9400"}': "1x80",
            'scrape_duration_seconds{job="dcgm", instance="a:9400"}': "3x80",
        },
        (number("slow-scrapes", "slow"), {"{}": 1}),
        (
            Scrapes(LAYER).share_of_interval(),
            {
                '{instance="a:8000", job="vllm"}': 0.2,
                '{instance="a:9400", job="dcgm"}': 0.6,
            },
        ),
    )


def test_a_source_that_fell_silent_is_counted(promtool: Path, tmp_path: Path) -> None:
    """It was recorded within the hour and is not now; one that never was is none."""
    check(
        promtool,
        tmp_path,
        {
            of("up:count"): "3x80",
            of("up:count", "gateway", "gateway"): "1x40 stale",
        },
        (number("silent-now", "silent"), {"{}": 1}),
        (Rules(LAYER).silent(), {'{role="gateway", source="gateway"}': 1}),
        (Rules(LAYER).age(), {'{role="engine", source="vllm"}': 0}),
    )


@pytest.mark.parametrize(
    ("samples", "late"),
    # Asked at 70 minutes of what should be written each half minute.
    [("3x140", 0), ("3x139", 0), ("3x138", 30), ("3x134", 150)],
    ids=["new", "an interval old", "one left out", "five left out"],
)
def test_recordings_are_late_beyond_their_interval(
    promtool: Path, tmp_path: Path, samples: str, late: int
) -> None:
    """Between two evaluations nothing is late, so the line of what is well is flat."""
    check(
        promtool,
        tmp_path,
        {of("up:count"): samples},
        (number("recording-age", "age"), {'{role="engine", source="vllm"}': late}),
        interval="30s",
    )


def test_an_empty_list_of_faults_says_so() -> None:
    """Nothing scraped twice is good news and no missing data."""
    found = panel("jobs-of-the-twice-scraped")
    assert isinstance(found, Table)

    assert "none" == found.no_value
    assert "none" == visual(found).defaults["noValue"]


def test_who_is_beyond_its_buckets_stands_on_top() -> None:
    """What is judged comes first, and the table is sorted by it."""
    found = panel("reach")
    assert isinstance(found, Table)
    judged_first = [bool(column.thresholds) for column in found.columns]

    assert sorted(judged_first, reverse=True) == judged_first
    assert ("TTFT, beyond", True) == (found.sort_by, found.descending)


@pytest.mark.parametrize("key", ["littles-law", "gateway-over-engines"])
def test_one_is_shown_as_one(key: str) -> None:
    """What should be 1 is not shown as 100 %: its text says that 2 is counted twice."""
    assert COUNT == panel(key).shown_unit


def test_both_counts_of_a_source_share_a_hue() -> None:
    """Sources differ by hue, and the two ways to count one by shade."""
    found = panel("both-ways")
    assert isinstance(found, TimeSeries)

    assert {
        "engine vllm counted": "blue",
        "engine vllm by latency": "light-blue",
        "gateway gateway counted": "purple",
        "gateway gateway by latency": "light-purple",
    } == dict(found.colors)


def test_only_our_rules_are_judged(promtool: Path, tmp_path: Path) -> None:
    """A failing rule of somebody else's is their trouble; the file of ours may have any name."""
    failures, missed = (
        f"prometheus_rule_{name}"
        for name in ("evaluation_failures_total", "group_iterations_missed_total")
    )
    check(
        promtool,
        tmp_path,
        {
            f'{failures}{{rule_group="/rules/llmdash-vllm.yaml;llmdash-vllm"}}': "0x40 3x40",
            f'{failures}{{rule_group="/rules/all.yaml;llmdash-dcgm"}}': "5x80",
            f'{failures}{{rule_group="/rules/theirs.yaml;node"}}': "0+1x80",
            f'{missed}{{rule_group="/rules/llmdash-vllm.yaml;llmdash-vllm"}}': "7x80",
        },
        (number("rules-now", "failed"), {"{}": 1}),
        (number("rules-now", "missed"), {"{}": 0}),
    )


def test_what_lies_beyond_the_buckets(promtool: Path, tmp_path: Path) -> None:
    """Five of 32 are above vLLM's last edge; the gateway, at rest, says neither yes nor no."""
    name = "time_to_first_token_seconds"
    reach = Reach(LAYER, "time_to_first_token")
    idle = ("gateway", "gateway")
    check(
        promtool,
        tmp_path,
        {
            of(f"{name}_bucket:rate5m", more=', model="llama", le="0.001"'): "8x80",
            of(f"{name}_bucket:rate5m", more=', model="llama", le="2560.0"'): "27x80",
            of(f"{name}_bucket:rate5m", more=', model="llama", le="+Inf"'): "32x80",
            of(f"{name}_count:rate5m", more=', model="llama"'): "32x80",
            of(f"{name}_bucket:rate5m", *idle, ', model="llama", le="2560.0"'): "0x80",
            of(f"{name}_count:rate5m", *idle, ', model="llama"'): "0x80",
        },
        (reach.beyond() >= 0, {'{role="engine", source="vllm"}': 0.15625}),
        (reach.below(), {'{role="engine", source="vllm"}': 0.25}),
        (number("beyond-now", "time-to-first-token"), {"{}": 0.15625}),
    )


def test_restarts_are_counted_by_source(promtool: Path, tmp_path: Path) -> None:
    """A process that started within the hour marks its source, and an old one does not."""
    check(
        promtool,
        tmp_path,
        {
            of("start_time_seconds:max"): "1000x40 3400x40",
            of("start_time_seconds:max", "gateway", "gateway"): "900x80",
        },
        (number("restarts-now", "restarts"), {"{}": 1}),
        (
            Counts(LAYER).restarts(),
            {'{role="engine", source="vllm"}': 1, '{role="gateway", source="gateway"}': 0},
        ),
    )


def test_gateway_and_engines_count_the_same_requests(promtool: Path, tmp_path: Path) -> None:
    """Those that went well, whatever the prompt's class: failures are not seen on both sides."""
    check(
        promtool,
        tmp_path,
        {
            of("requests:rate5m", more=', model="llama", outcome="ok"'): "8x80",
            of("requests:rate5m", more=', model="llama", outcome="error"'): "3x80",
            of("requests:rate5m", "gateway", "gateway", ', model="llama", outcome="ok", prompt_class="small"'): "6x80",
            of("requests:rate5m", "gateway", "gateway", ', model="llama", outcome="ok", prompt_class="large"'): "4x80",
            of("requests:rate5m", "gateway", "gateway", ', model="llama", outcome="error", prompt_class="large"'): "5x80",
            of("requests:rate5m", "gateway", "gateway", ', model="other", outcome="ok"'): "5x80",
        },
        (Counts(LAYER).gateway_over_engines(), {'{model="llama"}': 1.25}),
    )  # fmt: skip
