"""Alerts on the KV cache, written out; and requests that are swapped out, which no built rule tells of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from llmdash.alerts.alert import Alert
from llmdash.alerts.kv_cache import kv_cache_alerts
from llmdash.alerts.limits import Limits
from llmdash.alerts.questions import Questions
from llmdash.artifacts import write
from llmdash.compiler import compile_pack
from llmdash.intervals import Intervals
from llmdash.layer import Layer
from llmdash.metrics.metric import Versions
from llmdash.pack import Pack
from llmdash.promql.printer import RULES, to_text
from llmdash.promql.windows import Duration
from llmdash.sources import gateway, sglang, triton, trtllm, vllm
from llmdash.sources.source import Source
from tests.prometheus_tools import said_against

LIMITS = Limits(
    kv_cache_nearly_full=0.83,
    kv_cache_full=0.97,
    preemptions_per_request=0.3,
    preemptions_fewest=21,
)
#: vLLM of the days of its V0 engine.
OLD = vllm(versions=Versions("0.6.0", "0.8.3"), v0=True)


def alerts(*sources: Source) -> dict[str, Alert]:
    layer = Layer(sources, Intervals(rate_window=Duration.parse("7m")))
    return {alert.name: alert for alert in kv_cache_alerts(Questions(layer, LIMITS))}


def written(alert: Alert) -> tuple[str, str, str, str]:
    return (
        to_text(alert.expr, RULES),
        str(alert.wait),
        str(alert.keep_firing),
        alert.severity.label,
    )


def test_each_is_written_out() -> None:
    """21 preemptions in 7 minutes are 0.05 a second; how full a cache is, is asked of each engine."""
    by_model = "sum by (source, role, model)"

    assert {
        "KvCacheNearlyFull": (
            "llm_instance:kv_cache_use_ratio:max > 0.83",
            "2m",
            "None",
            "warning",
        ),
        "KvCacheFull": ("llm_instance:kv_cache_use_ratio:max > 0.97", "30s", "2m", "critical"),
        "PreemptionStorm": (
            f"{by_model} (llm:preemptions:rate7m) > {by_model} (llm:requests:rate7m) * 0.3"
            f" and {by_model} (llm:preemptions:rate7m) > 0.05",
            "5m",
            "None",
            "warning",
        ),
        "RequestsSwapped": (f"{by_model} (llm:requests_swapped:sum) > 0", "1m", "None", "warning"),
    } == {name: written(alert) for name, alert in alerts(OLD).items()}


def test_the_limit_is_in_the_words() -> None:
    """Preemptions for each request that ends, as the pack has it."""
    assert alerts(OLD)["PreemptionStorm"].summary.endswith("over 0.3 for each that ends")


@pytest.mark.parametrize(
    ("source", "told"),
    [
        (vllm(), {"KvCacheNearlyFull", "KvCacheFull", "PreemptionStorm"}),
        (sglang(), {"KvCacheNearlyFull", "KvCacheFull", "PreemptionStorm"}),
        # It counts no preemptions.
        (trtllm(), {"KvCacheNearlyFull", "KvCacheFull"}),
        (triton(), set()),
        (gateway(), set()),
    ],
    ids=lambda given: given.name if isinstance(given, Source) else "",
)
def test_what_nobody_can_tell_is_left_out(source: Source, told: set[str]) -> None:
    """An alert that could never fire is not built."""
    assert told == set(alerts(source))


# --- requests swapped out -------------------------------------------------------------------------

SWAPPED = 'ALERTS{alertname="RequestsSwapped", alertstate="firing"}'
FIRST = f"min by (model) (min_over_time(timestamp({SWAPPED})[10m:15s]))"
LAST = f"max by (model) (max_over_time(timestamp({SWAPPED})[10m:15s]))"


def check(
    promtool: Path,
    folder: Path,
    swapped: dict[str, str],
    asked: dict[str, dict[str, float]],
    told: dict[str, list[dict[str, Any]]],
) -> str:
    """Build a pack of old vLLM, ask promtool what its rules make of it; return what it says against."""
    write(compile_pack(Pack(sources=(OLD,))).artifacts, folder / "built")
    test = {
        "rule_files": ["built/rules/llmdash-vllm.yaml", "built/rules/llmdash-kv-cache-alerts.yaml"],
        "group_eval_order": ["llmdash-vllm", "llmdash-kv-cache-alerts"],
        "evaluation_interval": "15s",
        "tests": [
            {
                "interval": "15s",
                "input_series": [
                    {"series": f"vllm:num_requests_swapped{{{labels}}}", "values": values}
                    for labels, values in swapped.items()
                ],
                "promql_expr_test": [
                    {
                        "expr": expr,
                        "eval_time": "10m",
                        "exp_samples": [
                            {"labels": f'{{model="{model}"}}', "value": value}
                            for model, value in of_models.items()
                        ],
                    }
                    for expr, of_models in asked.items()
                ],
                "alert_rule_test": [
                    {"alertname": "RequestsSwapped", "eval_time": moment, "exp_alerts": alerts}
                    for moment, alerts in told.items()
                ],
            }
        ],
    }
    file = folder / "swapped.test.yaml"
    file.write_text(json.dumps(test))
    return said_against(promtool, file)


def of(instance: str, model: str) -> str:
    return f'job="vllm", instance="{instance}:8000", model_name="{model}"'


def test_it_fires_when_a_request_is_swapped_out_for_a_minute(
    promtool: Path, tmp_path: Path
) -> None:
    """From 2:00 on, on two servers, it fires at 3:00, and resolves when none is at 6:00."""
    swapped = {of("a", "llama"): "0x7 1x15 0x20", of("b", "llama"): "0x7 2x15 0x20"}
    firing = {
        "exp_labels": {
            "source": "vllm",
            "role": "engine",
            "model": "llama",
            "severity": "warning",
        },
        "exp_annotations": {
            "summary": "3 requests to llama on vllm are swapped out to CPU memory",
            "description": "The KV cache had no room for them: they stand still until their blocks "
            "are copied back. Engines of today preempt instead and have no such requests.",
            "runbook_url": "http://localhost:3000/public/llmdash/runbooks/RequestsSwapped.md",
            "dashboard_url": "http://localhost:3000/d/llm-fleet?viewPanel=659743612"
            "&var-source=vllm&var-model=llama",
        },
    }
    asked = {FIRST: {"llama": 180.0}, LAST: {"llama": 345.0}}
    told: dict[str, list[dict[str, Any]]] = {"2m45s": [], "3m": [firing], "6m": []}

    assert "" == check(promtool, tmp_path, swapped, asked, told)


def test_it_does_not_fire_when_none_is_swapped_out_or_for_less_than_a_minute(
    promtool: Path, tmp_path: Path
) -> None:
    """Zero is no request; four evaluations see one of 45 seconds; each model is judged by itself."""
    swapped = {
        of("a", "none"): "0x40",
        of("a", "short"): "0x7 5x3 0x30",
        of("a", "one"): "1x40",
    }

    assert "" == check(promtool, tmp_path, swapped, {FIRST: {"one": 60.0}}, {})


def test_it_ends_when_its_series_vanish(promtool: Path, tmp_path: Path) -> None:
    """A server that is gone, or was upgraded to the V1 engine, has no swapped requests."""
    swapped = {of("a", "llama"): "1x15 stale"}

    assert "" == check(promtool, tmp_path, swapped, {LAST: {"llama": 225.0}}, {})
