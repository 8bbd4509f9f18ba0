"""Alerts on servers that do not serve, written out: down, gone, or up and stuck."""

from __future__ import annotations

import pytest

from llmdash.alerts.alert import Alert
from llmdash.alerts.limits import Limits
from llmdash.alerts.questions import Questions
from llmdash.alerts.serving import serving_alerts
from llmdash.intervals import Intervals
from llmdash.layer import Layer
from llmdash.promql.printer import RULES, to_text
from llmdash.promql.windows import Duration
from llmdash.sources import app, dcgm, gateway, sglang, triton, triton_trtllm, trtllm, vllm
from llmdash.sources.source import Source
from tests.sources.examples import inn

ODD = Intervals(rate_window=Duration.parse("11m"))
REPLICA = "source, role, model, instance"
WAITING = f"sum by ({REPLICA}) (llm_instance:requests_waiting:sum) > 0"
SILENT = f"sum by ({REPLICA}) (llm_instance:generation_tokens:rate11m) == 0"
WITHOUT_TOKENS = (
    '(sum by (source, role, model) (llm:requests:rate11m{outcome="ok"}) > 0'
    " unless on (source, role, model)"
    " sum by (source, role, model) (llm:generation_tokens:rate11m) > 0)"
)


def alerts(*sources: Source) -> dict[str, Alert]:
    asked = Questions(Layer(sources, ODD), Limits(targets_vanished=0.37))
    return {alert.name: alert for alert in serving_alerts(asked)}


def text(alert: Alert) -> str:
    return to_text(alert.expr, RULES)


def test_targets_that_are_down_written_out() -> None:
    """Each that was known five minutes ago, and has not been up since, on any source: a ticket."""
    found = alerts(vllm(), dcgm())["TargetsDown"]

    assert (
        "count by (source, role, model) (max_over_time(llm_instance:up:sum[5m]) == 0"
        f" and on ({REPLICA}) llm_instance:up:sum offset 5m)"
    ) == text(found)
    assert (None, "warning") == (found.wait, found.severity.label)


def test_no_target_is_up_written_out() -> None:
    """Only what serves users, by the roles that the pack has: a page after two minutes."""
    found = alerts(vllm(), app(), dcgm())["AllTargetsDown"]

    assert 'sum by (source, role, model) (llm:up:sum{role=~"engine|app"}) == 0' == text(found)
    assert ("2m", "critical") == (str(found.wait), found.severity.label)


def test_targets_that_vanished_written_out() -> None:
    """Against the most within the hour; where none is left, none is zero."""
    found = alerts(vllm())["TargetsVanished"]
    before = "sum by (source, role, model) (max_over_time(llm:up:count[1h]))"

    assert (
        f"1 - (sum by (source, role, model) (llm:up:count) or {before} * 0) / {before} > 0.37"
    ) == text(found)
    assert ("10m", "warning") == (str(found.wait), found.severity.label)


def test_a_stuck_server_written_out() -> None:
    """Requests wait or run at a replica, no token comes, and its model is none that has no tokens."""
    found = alerts(vllm())["ServerNotServing"]

    assert (
        f"({WAITING} or sum by ({REPLICA})"
        ' (llm_instance:requests_running:sum{source="vllm"}) > 0)'
        f" and on ({REPLICA}) {SILENT} unless on (source, role, model) {WITHOUT_TOKENS}"
    ) == text(found)
    assert ("5m", "critical") == (str(found.wait), found.severity.label)


@pytest.mark.parametrize(
    "source", [sglang(), trtllm(), triton_trtllm()], ids=lambda each: each.name
)
def test_who_runs_says_nothing_where_tokens_are_counted_at_the_end(source: Source) -> None:
    """Long answers run in silence there, so only those that wait are judged."""
    found = alerts(source)["ServerNotServing"]

    assert (
        f"{WAITING} and on ({REPLICA}) {SILENT} unless on (source, role, model) {WITHOUT_TOKENS}"
    ) == text(found)


def test_a_stuck_server_that_counts_no_tokens_written_out() -> None:
    """Requests wait at a replica, and none of its model ends anywhere."""
    found = alerts(triton())["ServerNotServing"]

    assert (
        f'sum by ({REPLICA}) (llm_instance:requests_waiting:sum{{source="triton"}}) > 0'
        " and on (source, role, model)"
        " sum by (source, role, model) (llm:requests:rate11m) == 0"
    ) == text(found)


def test_both_kinds_of_servers_are_in_one_alert() -> None:
    """Each source is judged by what it tells: running ones by those that count tokens as they come."""
    both = text(alerts(vllm(), vllm(name="old", job="old"), sglang(), triton())["ServerNotServing"])

    assert 'llm_instance:requests_running:sum{source=~"vllm|old"}' in both
    assert both.endswith(f" or {text(alerts(triton())['ServerNotServing'])}")


@pytest.mark.parametrize(
    ("sources", "names"),
    [
        ((), []),
        ((inn(),), []),
        ((dcgm(),), ["TargetsDown", "TargetsVanished"]),
        ((gateway(),), ["TargetsDown", "AllTargetsDown", "TargetsVanished"]),
    ],
    ids=["nothing", "no up", "watches only", "counts no queue"],
)
def test_what_no_source_can_tell_is_left_out(sources: tuple[Source, ...], names: list[str]) -> None:
    """Without `up` no alert on targets, without one that serves no page, without a queue none is stuck."""
    assert names == list(alerts(*sources))
