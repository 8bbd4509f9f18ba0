"""What servers counted themselves, over exactly a run, beside what the client saw."""

from __future__ import annotations

from typing import Any

import pytest

from llmstack.load.bench.documents import comparison_of
from llmstack.load.bench.rounds import Asked, measure_rounds
from llmstack.load.bench.servers import Server
from llmstack.load.bench.told import told
from llmstack.load.orders import Servers
from llmstack.load.program import (
    measure,
)
from llmstack.load.results import Document
from tests.stack.load.bench.playing import LOAD, STEADY, measured, named, played


@pytest.mark.parametrize(
    ("engine", "api", "latencies"),
    [
        ("vllm", "openai-chat", {"ttft", "itl", "tpot", "e2e"}),
        ("sglang", "openai-chat", {"ttft", "itl", "tpot", "e2e"}),
        ("trtllm", "openai-chat", {"ttft", "tpot", "e2e"}),
        ("triton-vllm", "triton-generate", {"ttft", "itl", "e2e"}),
        ("triton-trtllm", "triton-tokens", {"ttft"}),
    ],
)
def test_servers_figures_are_of_their_own_counts(
    engine: str, api: str, latencies: set[str]
) -> None:
    """As many as were sent in the run, and as long as the client saw, less what lies between."""
    with played(engine) as server:
        # Triton does not say which of its models is meant.
        model = "vllm_model" if engine == "triton-vllm" else None
        ways = {"log_every": 0.0, "model": model}
        once = Asked(LOAD, [named("one", server, api)], ways, rounds=1)
        first, found = (measure_rounds(once, lambda _: None, lambda *_: None) for _ in range(2))
    for run in (*first["runs"], *found["runs"]):
        own = run["server_side"]

        assert (engine, []) == (own["engine"], own["problems"])
        assert latencies == set(own["latency"])
        # Of the second run alone, though the server has counted both.
        assert 4 == own["latency"]["ttft"]["count"] == run["requests"]["answered"]
        quantile = own["latency"]["ttft"]["p50"]
        assert quantile["above"] <= quantile["value"] <= quantile["up_to"]
        assert own["client_less_server"]["mean"] == pytest.approx(
            run["latency"]["ttft_sent"]["mean"] - own["latency"]["ttft"]["mean"], abs=2e-6
        )
        left = own["client_less_server"]["p95"]
        assert left["most"] - left["least"] == pytest.approx(
            own["latency"]["ttft"]["p95"]["up_to"] - own["latency"]["ttft"]["p95"]["above"],
            abs=2e-6,
        )


def test_the_server_cannot_have_taken_longer_than_the_client_waited() -> None:
    """The simulator's truth and the client's clock agree: sums are exact."""
    with played(rates=STEADY) as server:
        (run,) = measured(named("one", server), rounds=1)["runs"]
    own = run["server_side"]
    ends = run["latency"]["e2e"]

    assert 4 == own["latency"]["e2e"]["count"]
    assert STEADY.step * 5 <= own["latency"]["e2e"]["mean"] <= ends["mean"] + 1e-3
    assert STEADY.step <= own["latency"]["ttft"]["mean"] <= run["latency"]["ttft"]["mean"] + 1e-3
    assert own["client_less_server"]["mean"] >= -1e-3


def test_a_server_without_a_page_is_measured_all_the_same() -> None:
    """It is said that it has no figures of its own, and how to name its page."""
    with played() as server:
        away = Server("one", "openai-chat", server.url, (f"{server.url}/nowhere",))
        found = measured(away, rounds=1)
    text = told(comparison_of(found))

    assert 4 == found["runs"][0]["requests"]["answered"]
    assert "server_side" not in found["runs"][0]
    assert f"one: no figures of its own: {server.url}/nowhere: Not Found; --metrics names its page." in text  # fmt: skip


def test_somebody_else_who_asks_is_noticed() -> None:
    """What the server counted is then not of this client, and nothing is taken from it."""
    with played() as server:

        def both(job: Any, tell: Any) -> Document:
            measure(LOAD.job(Servers(urls=(server.url,), log_every=0.0)), tell)
            return measure(job, tell)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("llmstack.load.bench.rounds.measure", both)
            found = measured(named("one", server), rounds=1)
    (run,) = found["runs"]

    assert ["it counted 8 requests and 4 were sent: somebody else asks it too"] == run["server_side"]["problems"]  # fmt: skip
    assert {} == run["server_side"]["client_less_server"]
