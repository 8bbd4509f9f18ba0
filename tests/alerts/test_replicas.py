"""Replicas that are no equals, written out: one is slower, or they are configured in several ways."""

from __future__ import annotations

from llmdash.alerts.limits import Limits
from llmdash.alerts.questions import Questions
from llmdash.alerts.replicas import replica_alerts
from llmdash.layer import Layer
from llmdash.promql.printer import RULES, to_text
from llmdash.sources import gateway, sglang, triton, triton_vllm, vllm

MODEL, REPLICA = "source, role, model", "source, role, model, instance"
GAPS = f"sum by ({REPLICA}) (llm_instance:inter_token_latency_seconds_count:rate5m)"
SECONDS = f"sum by ({REPLICA}) (llm_instance:inter_token_latency_seconds_sum:rate5m)"


def test_a_slow_replica_written_out() -> None:
    """Slower than the median, among enough that are at work, and with no more to do than the mean."""
    limits = Limits(slow_replica=1.7, slow_replica_fewest=5, same_load=1.3)
    (found,) = replica_alerts(Questions(Layer((sglang(), triton_vllm())), limits))

    assert (
        f"{SECONDS} / {GAPS} > on ({MODEL}) group_left ()"
        # Of those at work: one without gaps would be NaN, and the least in the median.
        f" quantile by ({MODEL}) (0.5, {SECONDS} / ({GAPS} > 0)) * 1.7"
        f" and on ({MODEL}) count by ({MODEL}) ({GAPS} > 0) >= 5"
        f" and on ({REPLICA}) {GAPS} <= on ({MODEL}) group_left ()"
        f" avg by ({MODEL}) ({GAPS} > 0) * 1.3"
    ) == to_text(found.expr, RULES)
    assert ("ReplicaSlow", "10m") == (found.name, str(found.wait))
    assert {"severity": "warning"} == found.static_labels


def test_configurations_written_out() -> None:
    """More than a pack allows for an hour; vLLM alone tells them."""
    found = list(replica_alerts(Questions(Layer((vllm(), sglang())), Limits(configurations=3))))[1]

    assert f"sum by ({MODEL}) (llm:configurations:sum) > 3" == to_text(found.expr, RULES)
    assert ("ReplicasConfiguredDifferently", "1h") == (found.name, str(found.wait))
    assert {"severity": "warning"} == found.static_labels


def test_a_source_that_tells_gaps_alone_is_enough() -> None:
    """Triton's vLLM does not tell how many requests run."""
    assert 1 == len(list(replica_alerts(Questions(Layer((triton_vllm(),)), Limits()))))


def test_where_no_engine_times_gaps_there_is_no_alert() -> None:
    """Triton's own metrics have none."""
    assert [] == list(replica_alerts(Questions(Layer((triton(),)), Limits())))


def test_replicas_of_a_gateway_are_no_engines() -> None:
    """A gateway times gaps, but what it waits for is the engines behind it: it is not asked."""
    assert [] == list(replica_alerts(Questions(Layer((gateway(),)), Limits())))
