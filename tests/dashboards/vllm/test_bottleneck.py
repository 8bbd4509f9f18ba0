"""What holds an engine back: on made series each state is named when its rule holds, and only then."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

from llmdash.dashboards.source_page import SourcePage
from llmdash.dashboards.style import BOTTLENECKS
from llmdash.dashboards.vllm.bottleneck import (
    STATES,
    bottleneck,
    bottleneck_states,
    worst_bottleneck,
)
from llmdash.promql.nodes import Expr
from llmdash.promql.printer import concrete, to_text
from llmdash.sources import vllm
from tests.prometheus_tools import said_against

SCRAPE = 15
EVALUATED = "10m"
SAMPLES = 60
PAGE = SourcePage(vllm())

#: What a healthy engine under load shows: gauges as they are, counters by their rise a second.
GAUGES = {
    "vllm:num_requests_running": 4.0,
    "vllm:num_requests_waiting": 0.0,
    "vllm:kv_cache_usage_perc": 0.5,
}
BY_REASON = "vllm:num_requests_waiting_by_reason"
COUNTERS = {
    "vllm:num_preemptions_total": 0.0,
    'vllm:request_success_total{finished_reason="stop"}': 0.1,
    "vllm:request_prefill_time_seconds_sum": 0.5,
    "vllm:request_decode_time_seconds_sum": 3.0,
    "vllm:generation_tokens_total": 100.0,
}
CPU = "process_cpu_seconds_total"


@dataclass(frozen=True)
class Case:
    """One engine: what differs from a healthy one, and the state that should be named."""

    name: str
    state: str
    changed: dict[str, float] = field(default_factory=dict)
    absent: tuple[str, ...] = ()
    model: str = ""
    engine: str = "0"

    def series(self) -> Iterator[tuple[str, float, bool]]:
        """Yield each series with its value or its rise a second, and whether it rises."""
        steady = {
            **GAUGES,
            f'{BY_REASON}{{reason="capacity"}}': 0.0,
            f'{BY_REASON}{{reason="deferred"}}': 0.0,
        }
        for rises, families in ((False, steady), (True, {**COUNTERS, CPU: 0.4})):
            for name, usual in families.items():
                if name.partition("{")[0] not in self.absent:
                    yield name, self.changed.get(name, usual), rises

    def inputs(self) -> Iterator[dict[str, str]]:
        """Yield the series as promtool takes them."""
        for name, value, rises in self.series():
            family, _, inside = name.partition("{")
            own = [inside.rstrip("}")] if inside else []
            own += [f'instance="{self.name if not self.model else self.model}"', 'job="vllm"']
            if family != CPU:
                own += [f'model_name="{self.model or self.name}"', f'engine="{self.engine}"']
            elif self.engine != "0":
                continue  # one process for all engines of an instance
            rise = f"{value * SCRAPE:g}" if rises else "0"
            start = "0" if rises else f"{value:g}"
            yield {"series": f"{family}{{{','.join(own)}}}", "values": f"{start}+{rise}x{SAMPLES}"}


WAITING = f'{BY_REASON}{{reason="capacity"}}'
IDLE = {"vllm:num_requests_running": 0.0, **dict.fromkeys(COUNTERS, 0.0)}

CASES = (
    Case("healthy", "decode"),
    # A preemption explains the full cache and the queue.
    Case(
        "preempting",
        "preemption",
        {"vllm:num_preemptions_total": 0.01, "vllm:kv_cache_usage_perc": 0.99, WAITING: 9},
    ),
    Case("one-in-two-hundred", "decode", {"vllm:num_preemptions_total": 0.0005}),
    Case(
        "preempting-and-nothing-ends",
        "preemption",
        {
            "vllm:num_preemptions_total": 0.01,
            'vllm:request_success_total{finished_reason="stop"}': 0,
        },
    ),
    Case(
        "preempting-and-no-end-is-counted",
        "preemption",
        {"vllm:num_preemptions_total": 0.01},
        absent=("vllm:request_success_total",),
    ),
    Case("full", "KV cache", {"vllm:kv_cache_usage_perc": 0.96, WAITING: 9}),
    Case("nearly-full", "decode", {"vllm:kv_cache_usage_perc": 0.94}),
    Case("queueing", "queue", {WAITING: 3, CPU: 0.99}),
    Case("hardly-queueing", "decode", {WAITING: 0.9}),
    # Other requests than those that more room would help.
    Case(
        "deferring",
        "decode",
        {f'{BY_REASON}{{reason="deferred"}}': 9, "vllm:num_requests_waiting": 9},
    ),
    Case("busy-process", "API process", {CPU: 0.97, "vllm:request_prefill_time_seconds_sum": 9}),
    Case("idle-behind-a-busy-process", "idle", {**IDLE, CPU: 0.97}),
    Case("reading", "prefill", {"vllm:request_prefill_time_seconds_sum": 3.5}),
    Case(
        "nothing-written",
        "prefill",
        {**dict.fromkeys(COUNTERS, 0.0), "vllm:num_requests_running": 1},
    ),
    Case("idle", "idle", IDLE),
    # Several API servers tell nothing of their processes.
    Case("no-process", "decode", absent=(CPU,)),
    Case("no-process-and-idle", "idle", IDLE, absent=(CPU,)),
    # 0.8.4 to 0.9.1 under their own names.
    Case("older-queue", "queue", {"vllm:num_requests_waiting": 2}, absent=(BY_REASON,)),
    # Ranks of one server have a queue each.
    Case("rank-0", "queue", {WAITING: 2}, model="ranks"),
    Case("rank-1", "decode", model="ranks", engine="1"),
    # Little is known: it runs, so it is somewhere.
    Case(
        "gauge-alone",
        "idle",
        {"vllm:num_requests_running": 0},
        absent=(
            *(name.partition("{")[0] for name in COUNTERS),
            "vllm:kv_cache_usage_perc",
            "vllm:num_requests_waiting",
            BY_REASON,
            CPU,
        ),
    ),
)


def asked(expression: Expr) -> str:
    """Return the text with everything chosen, as Grafana would send it."""
    everything = dict.fromkeys(("model", "instance", "engine"), ".*")
    return to_text(expression, concrete({"__rate_interval": "1m"}, everything))


def promtool_says(promtool: Path, folder: Path, expr: str, samples: list[dict[str, object]]) -> str:
    """Return what promtool finds wrong with the expected samples; nothing when all is right."""
    rules = folder / "bottleneck.yaml"
    rule = {"record": "state", "expr": expr}
    rules.write_text(yaml.safe_dump({"groups": [{"name": "bottleneck", "rules": [rule]}]}))
    test = {
        "interval": f"{SCRAPE}s",
        "input_series": [series for case in CASES for series in case.inputs()],
        "promql_expr_test": [{"expr": "state", "eval_time": EVALUATED, "exp_samples": samples}],
    }
    file = folder / "bottleneck.test.yaml"
    content = {"rule_files": [str(rules)], "evaluation_interval": f"{SCRAPE}s", "tests": [test]}
    file.write_text(yaml.safe_dump(content))
    return said_against(promtool, file)


def test_each_state_has_a_case() -> None:
    """The table below reaches every state that a panel can show."""
    assert set(BOTTLENECKS) == {case.state for case in CASES}


@pytest.mark.promtool
def test_each_engine_has_the_state_that_explains_the_others(promtool: Path, tmp_path: Path) -> None:
    """Exactly one number an engine, whatever of its metrics is missing."""
    samples: list[dict[str, object]] = [
        {
            "labels": f'state{{model_name="{case.model or case.name}", '
            f'instance="{case.model or case.name}", engine="{case.engine}"}}',
            "value": STATES.index(case.state),
        }
        for case in CASES
    ]

    assert "" == promtool_says(promtool, tmp_path, asked(bottleneck(PAGE)), samples)


@pytest.mark.promtool
def test_a_model_has_the_gravest_state_of_its_engines(promtool: Path, tmp_path: Path) -> None:
    """One rank that queues is told though its sibling decodes."""
    worst: dict[str, int] = {}
    for case in CASES:
        model = case.model or case.name
        worst[model] = max(worst.get(model, 0), STATES.index(case.state))
    samples: list[dict[str, object]] = [
        {"labels": f'state{{model_name="{model}"}}', "value": value}
        for model, value in worst.items()
    ]

    assert STATES.index("queue") == worst["ranks"]
    assert "" == promtool_says(promtool, tmp_path, asked(worst_bottleneck(PAGE)), samples)


def test_states_are_named_gravest_first() -> None:
    """The legend reads from what explains most to nothing at all."""
    named = [(mapping.value, mapping.text) for mapping in bottleneck_states()]

    assert [
        (6, "preemption"),
        (5, "KV cache"),
        (4, "queue"),
        (3, "API process"),
        (2, "prefill"),
        (1, "decode"),
        (0, "idle"),
    ] == named
