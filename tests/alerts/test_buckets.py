"""Latencies beyond their buckets, written out: each source by its own last edge."""

from __future__ import annotations

from llmdash.alerts.alert import Alert
from llmdash.alerts.buckets import bucket_alerts
from llmdash.alerts.limits import Limits
from llmdash.alerts.questions import Questions
from llmdash.layer import Layer
from llmdash.promql.printer import RULES, to_text
from llmdash.sources import app, dcgm, triton, trtllm, vllm
from llmdash.sources.source import Source

ODD = Limits(beyond_buckets=0.037)


def alerts(*sources: Source) -> dict[str, Alert]:
    found = bucket_alerts(Questions(Layer(sources), ODD))
    return {each.static_labels["latency"]: each for each in found}


def test_one_alert_for_each_latency() -> None:
    """All have one name and are told apart by their label."""
    found = alerts(vllm(), triton())

    assert ["time_to_first_token", "inter_token_latency", "end_to_end_latency", "queue_time"] == (
        list(found)
    )
    assert {"LatencyBeyondBuckets"} == {each.name for each in found.values()}
    assert {"15m"} == {str(each.wait) for each in found.values()}
    assert {"warning"} == {each.static_labels["severity"] for each in found.values()}


def test_each_source_has_its_own_last_edge() -> None:
    """In seconds, in either spelling; Triton's are milliseconds and end at 5,000."""
    found = alerts(vllm(), triton())

    def beyond(source: str, edge: str) -> str:
        chosen = f'source="{source}", {edge}'
        return (
            "1 - sum by (source, role)"
            f" (llm:time_to_first_token_seconds_bucket:rate5m{{{chosen}}})"
            " / sum by (source, role) (llm:time_to_first_token_seconds_count:rate5m)"
        )

    assert (
        "("
        + beyond("vllm", 'le=~"2560|2560\\\\.0"')
        + " or "
        + beyond("triton", 'le=~"5|5\\\\.0"')
        + ") > 0.037"
    ) == to_text(found["time_to_first_token"].expr, RULES)


def test_edges_that_a_server_was_given_count() -> None:
    """Not those that its releases have."""
    found = alerts(vllm(edges={"vllm:request_queue_time_seconds": (0.3, 7)}))

    assert (
        "1 - sum by (source, role) (llm:queue_time_seconds_bucket:rate5m"
        '{source="vllm", le=~"7|7\\\\.0"})'
        " / sum by (source, role) (llm:queue_time_seconds_count:rate5m) > 0.037"
    ) == to_text(found["queue_time"].expr, RULES)


def test_where_no_source_has_buckets_there_is_no_alert() -> None:
    """Of gaps between tokens TensorRT-LLM has none, an app of whole answers alone, GPUs of nothing."""
    assert ["time_to_first_token", "end_to_end_latency", "queue_time"] == list(alerts(trtllm()))
    assert ["end_to_end_latency"] == list(alerts(app()))
    assert {} == alerts(dcgm())
