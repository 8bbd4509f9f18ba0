"""Promises in the forms that no built file has: native histograms, estimates, periods of their own."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from llmdash.artifacts import write
from llmdash.compiler import compile_pack
from llmdash.pack import Pack
from llmdash.promql.windows import Duration
from llmdash.slos.defaults import AVAILABILITY_ESTIMATE, FIRST_TOKEN
from llmdash.slos.tiers import Severity, Tier
from llmdash.sources import vllm
from tests.prometheus_tools import MAJORS, said_against, tools_of_major

TARGET = 'job="vllm", instance="a:8000", model_name="m", engine="0"'
FIRST_TOKENS = "vllm:time_to_first_token_seconds"
#: The edges that the made histogram has: 2.5 s is promised, 10 s is far beyond it.
EDGES = (1.0, 2.5, 10.0)


def check(
    promtool: Path,
    folder: Path,
    pack: Pack,
    series: Mapping[str, str],
    asked: Mapping[tuple[str, str], list[dict[str, Any]]],
    every: str = "1m",
) -> str:
    """Build a pack, ask promtool what its rules make of series; return what it says against it."""
    write(compile_pack(pack).artifacts, folder / "built")
    test = {
        "rule_files": ["built/rules/llmdash-slo.yaml", "built/rules/llmdash-slo-alerts.yaml"],
        "group_eval_order": ["llmdash-slo", "llmdash-slo-period", "llmdash-slo-alerts"],
        "evaluation_interval": every,
        "tests": [
            {
                "interval": "1m",
                "input_series": [
                    {"series": name, "values": values} for name, values in series.items()
                ],
                "promql_expr_test": [
                    {"expr": expr, "eval_time": moment, "exp_samples": samples}
                    for (expr, moment), samples in asked.items()
                ],
            }
        ],
    }
    file = folder / "forms.test.yaml"
    file.write_text(json.dumps(test))
    return said_against(promtool, file)


def value(of: float) -> list[dict[str, Any]]:
    return [{"labels": "{}", "value": of}]


# --- native histograms ----------------------------------------------------------------------------

NATIVE = Pack(sources=(vllm(),), slos=(FIRST_TOKEN,), native_histograms=True)


def histogram(*buckets: int) -> str:
    """Return a native histogram with custom buckets, as promtool has it."""
    edges = " ".join(f"{edge:g}" for edge in EDGES)
    counts = " ".join(str(count) for count in buckets)
    return (
        f"{{{{schema:-53 sum:1 count:{sum(buckets)} custom_values:[{edges}] buckets:[{counts}]}}}}"
    )


def counts(kind: str, window: str = "5m") -> str:
    return f'sum(llm:slo_{kind}:increase{window}{{slo="ttft"}})'


PAGES = 'count(ALERTS{alertname="SloErrorBudgetBurn", alertstate="firing", severity="critical"})'


def test_native_histograms_are_counted_as_classic_ones(tmp_path: Path) -> None:
    """Of 60 a minute 45 are in time and 54 tolerable; an idle hour, a birth and a restart are none."""
    promtool = tools_of_major(3).promtool
    each = histogram(40, 5, 9, 6)
    series = {
        'up{job="vllm", instance="a:8000"}': "1x240",
        # An hour of traffic, an idle one, a restart, an hour of traffic.
        f"{FIRST_TOKENS}{{{TARGET}}}": f"_x4 {each} {each}+{each}x55 {histogram(0, 0, 0, 0)}x60 "
        f"{histogram(0, 0, 0, 0)}+{each}x60",
    }
    asked = {
        # Born with its first events, on a target that was up.
        (counts("total"), "5m"): value(60),
        (counts("good"), "5m"): value(45),
        (counts("total"), "30m"): value(300),
        (counts("good"), "30m"): value(225),
        (counts("tolerable"), "30m"): value(270),
        (counts("total"), "100m"): value(0),
        (counts("good"), "100m"): value(0),
        (counts("total"), "150m"): value(300),
        (counts("good"), "150m"): value(225),
        (f"{PAGES} or vector(0)", "100m"): value(0),
    }

    assert "" == check(promtool, tmp_path, NATIVE, series, asked)


def test_native_histograms_page_as_soon_as_classic_ones(tmp_path: Path) -> None:
    """All beyond 10 s: over half of five minutes after three, by the fast tier."""
    promtool = tools_of_major(3).promtool
    series = {
        'up{job="vllm", instance="a:8000"}': "1x100",
        f"{FIRST_TOKENS}{{{TARGET}}}": f"{histogram(0, 0, 0, 0)}+{histogram(60, 0, 0, 0)}x60 "
        f"{histogram(3600, 0, 0, 60)}+{histogram(0, 0, 0, 60)}x40",
    }
    asked = {
        (PAGES, "62m"): [],
        (PAGES, "63m"): value(1),
    }

    assert "" == check(promtool, tmp_path, NATIVE, series, asked)


def test_scrapes_make_native_histograms_beside_classic_ones(tmp_path: Path) -> None:
    """The scrape configuration of such a pack is one that Prometheus 3 accepts."""
    write(compile_pack(NATIVE).artifacts, tmp_path)
    file = tmp_path / "prometheus" / "prometheus.yaml"
    promtool = tools_of_major(3).promtool
    done = subprocess.run(
        [str(promtool), "check", "config", str(file)], check=False, capture_output=True, text=True
    )

    assert 0 == done.returncode, done.stdout + done.stderr
    jobs = yaml.safe_load(file.read_text())["scrape_configs"]
    assert {"vllm": True, "prometheus": False} == {
        job["job_name"]: job.get("convert_classic_histograms_to_nhcb", False) for job in jobs
    }


# --- an estimate of answers that were lost --------------------------------------------------------

ESTIMATE = Pack(sources=(vllm(),), slos=(AVAILABILITY_ESTIMATE,))
FINISHED = f'vllm:request_success_total{{{TARGET}, finished_reason="stop"}}'
ABORTED = f'vllm:request_success_total{{{TARGET}, finished_reason="abort"}}'
FAILED = f'vllm:request_success_total{{{TARGET}, finished_reason="error"}}'
RUNNING = f"vllm:num_requests_running{{{TARGET}}}"
BEGUN = f"{FIRST_TOKENS}_count{{{TARGET}}}"
LOST = "sum(llm:slo_total:increase{0} - llm:slo_good:increase{0})".format  # by window


@pytest.mark.parametrize("major", MAJORS)
@pytest.mark.parametrize(
    ("series", "lost"),
    [
        # All that begin end: nothing is lost, however many are under way or cancelled.
        ({BEGUN: "0+10x120", FINISHED: "0+8x120", ABORTED: "0+2x120", RUNNING: "7x120"}, 0),
        # The batch grows: what has not ended still runs.
        ({BEGUN: "0+10x120", FINISHED: "0+6x120", RUNNING: "0+4x120"}, 0),
        # Three of ten a minute are begun and never end.
        ({BEGUN: "0+10x120", FINISHED: "0+7x120", RUNNING: "7x120"}, 180),
        # Three of ten end as an error, which the engine counts.
        ({BEGUN: "0+10x120", FINISHED: "0+7x120", FAILED: "0+3x120", RUNNING: "7x120"}, 180),
        # A crash with 30 under way, ten minutes without a server, and a new start.
        (
            {
                BEGUN: "0+10x90 _x10 0+10x20",
                FINISHED: "0+10x90 _x10 0+10x20",
                RUNNING: "30x90 _x10 0x20",
            },
            30,
        ),
    ],
    ids=["steady", "growing", "lost", "failed", "crash"],
)
def test_lost_answers_are_estimated(
    tmp_path: Path, major: int, series: dict[str, str], lost: float
) -> None:
    """First tokens less ends less what runs, over an hour."""
    promtool = tools_of_major(major).promtool
    up = {'up{job="vllm", instance="a:8000"}': "1x120"}
    asked = {(f"round({LOST('1h')}, 0.001)", "2h"): value(lost)}

    assert "" == check(promtool, tmp_path, ESTIMATE, {**up, **series}, asked)


@pytest.mark.parametrize("major", MAJORS)
def test_lost_answers_page(tmp_path: Path, major: int) -> None:
    """Three of ten lost burn a budget of 1 % 30 x: 14.4 % of an hour are gone after 29 minutes."""
    promtool = tools_of_major(major).promtool
    series = {
        'up{job="vllm", instance="a:8000"}': "1x200",
        BEGUN: "0+10x200",
        FINISHED: "0+10x120 1207+7x80",
        RUNNING: "7x200",
    }
    pages = f'{PAGES[:-2]}, tier="page-1h"}})'
    asked = {(pages, "148m"): [], (pages, "149m"): value(1)}

    assert "" == check(promtool, tmp_path, ESTIMATE, series, asked)


# --- periods --------------------------------------------------------------------------------------

ODD = Tier(Severity.PAGE, 0.5, Duration.parse("2h"), Duration.parse("10m"))
DAY = replace(FIRST_TOKEN, name="day", period=Duration.parse("1d"), tiers=(ODD,))
DAYS = replace(FIRST_TOKEN, name="days", period=Duration.parse("2d"), tiers=(ODD,))
PERIODS = Pack(sources=(vllm(),), slos=(DAY, DAYS))


@pytest.mark.parametrize("major", MAJORS)
def test_each_promise_has_its_own_period(tmp_path: Path, major: int) -> None:
    """After 28 hours the three bad ones at the beginning are in two days, and no longer in one."""
    promtool = tools_of_major(major).promtool
    series = {
        'up{job="vllm", instance="a:8000"}': "1x1700",
        BEGUN: "0+60x1700",
        f'{FIRST_TOKENS}_bucket{{{TARGET}, le="2.5"}}': "0+54x180 9780+60x1520",
        f'{FIRST_TOKENS}_bucket{{{TARGET}, le="10.0"}}': "0+60x1700",
    }

    def of_both(day: float, days: float) -> list[dict[str, Any]]:
        labels = '{{model="m", role="engine", slo="{}", source="vllm"}}'
        return [
            {"labels": labels.format("day"), "value": day},
            {"labels": labels.format("days"), "value": days},
        ]

    asked = {
        # 1,080 of 100,800 are bad, where 5,040 may be.
        ("round(llm:slo_budget_left:ratio, 0.01)", "28h"): of_both(1, 0.79),
        ("round(llm:slo_coverage:ratio, 0.01)", "28h"): of_both(1, 0.58),
        # What is not burning lasts its whole period.
        ("round(llm:slo_exhaustion:seconds)", "28h"): of_both(86400, 172800),
    }

    assert "" == check(promtool, tmp_path, PERIODS, series, asked, every="5m")
