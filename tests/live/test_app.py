"""The app that embeds an engine, on a real server: its page tells what its clients saw."""

from __future__ import annotations

from tests.live.app_traffic import STREAMED, WHOLE, app_traffic
from tests.live.exposition import fetch_exposition
from tests.live.process import wait_until
from tests.live.stack_programs import Program


def test_requests_are_counted_as_clients_saw_them(app: Program) -> None:
    """Success, error and cancelled, by endpoint; words as tokens, but for streams that were left."""
    before = fetch_exposition(app.metrics_url)
    with app_traffic(app.base_url, limit=70) as traffic:
        traffic.wait_for(70)
    sent = traffic.sent
    wait_until(
        lambda: fetch_exposition(app.metrics_url).total("llm_active_requests") == 0,
        within=30,
        what="nobody is answered any more",
    )
    after = fetch_exposition(app.metrics_url)

    def rise(name: str, **labels: str) -> float:
        return after.total(name, **labels) - before.total(name, **labels)

    assert [] == sent.errors
    assert dict.fromkeys(sent.requests, 10) == sent.requests
    found = {
        (endpoint, status): rise("llm_requests_total", endpoint=f"/{endpoint}", status=status)
        for endpoint in (WHOLE, STREAMED)
        for status in ("success", "error", "cancelled")
    }
    assert {
        (WHOLE, "success"): 20,
        (WHOLE, "error"): 10,
        (WHOLE, "cancelled"): 0,
        (STREAMED, "success"): 20,
        (STREAMED, "error"): 10,
        (STREAMED, "cancelled"): 10,
    } == found
    assert 40 == rise("llm_request_duration_seconds_count")
    assert 70 == rise("llm_request_size_bytes_count")
    assert rise("llm_tokens_generated_total") > sent.generation_tokens > 0
