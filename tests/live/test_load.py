"""`llmstack load` and `replay` at real servers: what a client reads is what the servers count."""

from __future__ import annotations

import json
import subprocess
import sys
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from llmstack.load.program import NOT_TO_BE_TRUSTED, WELL
from tests.live.environment import UnavailableError
from tests.live.exposition import Exposition, fetch_exposition
from tests.live.process import direct_session, wait_until
from tests.live.triton_server import TritonServer, triton_server
from tests.live.triton_speaker import BETWEEN, FIRST, SPEAKING
from tests.live.two_sides import is_idle
from tests.live.vllm_server import VllmServer
from tests.requirements import require
from tests.stack.load.traces.published import published

#: On a machine with much else to do a client may be late, and says so.
ENDS_WELL = (WELL, NOT_TO_BE_TRUSTED)


def llmstack(*words: str) -> dict[str, Any]:
    """Run a command that sends load, and return its results."""
    output = Path(words[words.index("--output") + 1])
    done = subprocess.run([sys.executable, "-m", "llmstack", *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)  # fmt: skip
    assert done.returncode in ENDS_WELL, done.stdout
    found: dict[str, Any] = json.loads(output.read_text())
    return found


@dataclass(frozen=True)
class Counted:
    """What a server counted of a run: the difference of two pages."""

    before: Exposition
    after: Exposition
    labels: dict[str, str]

    def rise(self, name: str, **labels: str) -> float:
        labels = {**self.labels, **labels}
        return self.after.total(name, **labels) - self.before.total(name, **labels)

    def mean(self, family: str) -> float:
        return self.rise(f"{family}_sum") / self.rise(f"{family}_count")

    def bucket(self, family: str, percent: float) -> tuple[int, Sequence[float]]:
        """Which bucket a percentile is in, and the upper edges of all."""
        edges = sorted({float(sample.labels["le"]) for sample in self.after.samples() if sample.name == f"{family}_bucket"})  # fmt: skip
        ranks = [self.rise(f"{family}_bucket", le=_le(self.after, family, edge)) for edge in edges]
        return bisect_left(ranks, percent / 100 * ranks[-1]), edges


def _le(page: Exposition, family: str, edge: float) -> str:
    """How the page spells an edge."""
    return next(sample.labels["le"] for sample in page.samples() if sample.name == f"{family}_bucket" and float(sample.labels["le"]) == edge)  # fmt: skip


def assert_same_bucket(counted: Counted, family: str, latency: dict[str, float]) -> None:
    """A client reads each percentile in the server's bucket, or the way to it carries it one on."""
    for percent in (50, 95):
        place, edges = counted.bucket(family, percent)
        read = bisect_left(edges, latency[f"p{percent}"])

        assert place <= read <= place + 1, (family, percent, latency, edges[place])


# --- vLLM -----------------------------------------------------------------------------------------


@pytest.fixture
def asked_vllm(vllm: VllmServer) -> Iterator[VllmServer]:
    wait_until(lambda: is_idle(vllm), within=60, what="vLLM has nothing to do")
    yield vllm
    wait_until(lambda: is_idle(vllm), within=60, what="vLLM has nothing to do")


def tokenizer_of(server: VllmServer) -> Path:
    """The file beside the model's weights, which vLLM tells where it reads."""
    with direct_session() as session:
        told = session.get(f"{server.base_url}/v1/models", timeout=10).json()
    return Path(told["data"][0]["root"]) / "tokenizer.json"


def agrees_with_vllm(server: VllmServer, before: Exposition, found: dict[str, Any]) -> None:
    counted = Counted(before, fetch_exposition(server.metrics_url), {})
    requests, tokens, latency = found["requests"], found["tokens"], found["latency"]

    assert requests["answered"] == counted.rise("vllm:request_success_total")
    assert tokens["answer"] == counted.rise("vllm:generation_tokens_total")
    assert tokens["prompt"] == counted.rise("vllm:prompt_tokens_total")
    assert requests["answered"] == counted.rise("vllm:time_to_first_token_seconds_count")
    # From when a request was sent, as a server knows nothing of when it should have been.
    assert counted.mean("vllm:time_to_first_token_seconds") <= latency["ttft_sent"]["mean"]
    assert_same_bucket(counted, "vllm:time_to_first_token_seconds", latency["ttft_sent"])
    assert_same_bucket(counted, "vllm:e2e_request_latency_seconds", latency["e2e_sent"])
    assert_same_bucket(counted, "vllm:inter_token_latency_seconds", latency["itl"])


def test_a_minute_of_the_real_trace(asked_vllm: VllmServer, tmp_path: Path) -> None:
    """Twice as fast, of every fifth conversation: each at its time, as long as Azure's were."""
    trace, before = published("AzureLLMInferenceTrace_conv.csv"), fetch_exposition(asked_vllm.metrics_url)  # fmt: skip
    found = llmstack("replay", "--csv", str(trace), "--no-cache", "--url", asked_vllm.base_url, "--api", "openai-completions", "--to", "60", "--speedup", "2", "--share", "0.2", "--max-model-len", "1024", "--token-ids", "3-258", "--output", str(tmp_path / "a.json"))  # fmt: skip

    assert 30 < found["requests"]["answered"] == found["requests"]["sent"]
    assert {"usage in each event"} == found["tokens"]["counted"].keys()
    agrees_with_vllm(asked_vllm, before, found)


def test_kinds_of_prompts(asked_vllm: VllmServer, tmp_path: Path) -> None:
    """Each kind has its part of the results, and all parts together are what vLLM counted."""
    before = fetch_exposition(asked_vllm.metrics_url)
    found = llmstack("load", "--url", asked_vllm.base_url, "--api", "openai-completions", "--mix", "--concurrency", "4", "--total", "40", "--max-model-len", "160", "--token-ids", "3-258", "--output", str(tmp_path / "a.json"))  # fmt: skip
    kinds = found["kinds"]

    assert {"short_qa", "medium_explain", "code_gen", "reasoning", "long_form"} == kinds.keys()
    assert 40 == sum(part["requests"]["answered"] for part in kinds.values())
    assert all(part["latency"]["ttft"]["p50"] > 0 for part in kinds.values())
    agrees_with_vllm(asked_vllm, before, found)


def test_a_chat_is_as_long_as_its_tokenizer_counts(asked_vllm: VllmServer, tmp_path: Path) -> None:
    """Every prompt has its planned tokens and those of the chat's template, which are always as many."""
    tokenizer = tokenizer_of(asked_vllm)
    found = llmstack("load", "--url", asked_vllm.base_url, "--tokenizer", str(tokenizer), "--prompt-tokens", "const:50", "--answer-tokens", "const:6", "--concurrency", "2", "--total", "8", "--output", str(tmp_path / "a.json"))  # fmt: skip
    template = found["tokens"]["prompt"] / 8 - 50

    assert 48 == found["tokens"]["answer"]
    assert template == len("user: \nassistant: ")


# --- Triton ---------------------------------------------------------------------------------------


@pytest.fixture
def speaking_triton(tmp_path: Path) -> Iterator[TritonServer]:
    """A Triton with models that speak as those of its backends of language models do.

    Each test has one of its own, which takes a second: 2.51 ends by itself when it is starved.
    """
    try:
        with triton_server(tmp_path / "triton", models=SPEAKING) as server:
            yield server
    except UnavailableError as error:
        require("live", f"Triton: {error}")


@pytest.mark.parametrize(
    ("api", "model", "way"),
    [
        ("triton-generate", "vllm_model", "--stream"),
        ("triton-generate", "vllm_model", "--no-stream"),
        ("triton-generate", "ensemble", "--no-stream"),
        ("triton-infer", "ensemble", "--no-stream"),
        ("triton-tokens", "tensorrt_llm", "--no-stream"),
        ("triton-tokens", "tensorrt_llm_streaming", "--stream"),
    ],
)
def test_each_api_of_triton(
    api: str, model: str, way: str, speaking_triton: TritonServer, tmp_path: Path
) -> None:
    """Answers are as long as asked for, and as late as the model's own histograms have them."""
    assert speaking_triton.http_url is not None
    before = fetch_exposition(speaking_triton.metrics_url)
    found = llmstack("load", "--url", speaking_triton.http_url, "--api", api, "--model", model, way, "--rate", "3", "--arrivals", "deterministic", "--prompt-tokens", "const:20", "--answer-tokens", "const:10", "--total", "12", "--output", str(tmp_path / "a.json"))  # fmt: skip
    counted = Counted(before, fetch_exposition(speaking_triton.metrics_url), {"model": model})
    latency = found["latency"]

    assert (12, 0) == (found["requests"]["answered"], found["requests"]["failed"])
    assert 12 == counted.rise("nv_inference_request_success")
    assert 12 == counted.rise("vllm:e2e_request_latency_seconds_count")
    assert_same_bucket(counted, "vllm:e2e_request_latency_seconds", latency["e2e_sent"])
    assert FIRST + 9 * BETWEEN <= latency["e2e_sent"]["min"]
    if way == "--stream":
        assert 120 == found["tokens"]["answer"] or "events with text" in found["tokens"]["counted"]
        assert FIRST <= latency["ttft_sent"]["min"]
        assert_same_bucket(counted, "vllm:time_to_first_token_seconds", latency["ttft_sent"])
        assert_same_bucket(counted, "vllm:time_per_output_token_seconds", latency["itl"])


def test_a_decoupled_model_has_no_infer_over_http(
    speaking_triton: TritonServer, tmp_path: Path
) -> None:
    """Triton says so with a status, and its words are told."""
    url, output = str(speaking_triton.http_url), tmp_path / "a.json"
    done = subprocess.run([sys.executable, "-m", "llmstack", "load", "--url", url, "--api", "triton-infer", "--model", "vllm_model", "--no-stream", "--concurrency", "1", "--total", "2", "--output", str(output)], stdout=subprocess.PIPE, text=True, check=False)  # fmt: skip
    (failure,) = json.loads(output.read_text())["failures"]

    assert 1 == done.returncode
    assert "status" == failure["kind"]
    assert "decoupled" in failure["example"]


# --- both -----------------------------------------------------------------------------------------


def test_both_are_compared(
    asked_vllm: VllmServer, speaking_triton: TritonServer, tmp_path: Path
) -> None:
    """The same load on both, in turns: what each counted itself is what the client read of it."""
    words = ["--server", f"vllm=openai-completions@{asked_vllm.base_url}", "--server", f"triton=triton-generate@{speaking_triton.http_url}", "--models", "triton=vllm_model", "--metrics", f"triton={speaking_triton.metrics_url}", "--rounds", "2", "--concurrency", "2", "--total", "10", "--prompt-tokens", "const:40", "--answer-tokens", "const:8", "--token-ids", "3-258", "--log-every", "0"]  # fmt: skip
    before = (fetch_exposition(asked_vllm.metrics_url), fetch_exposition(speaking_triton.metrics_url))  # fmt: skip
    done = subprocess.run([sys.executable, "-m", "llmstack", "bench", *words, "--output", str(tmp_path / "compared")], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)  # fmt: skip
    vllm = Counted(before[0], fetch_exposition(asked_vllm.metrics_url), {})
    triton = Counted(before[1], fetch_exposition(speaking_triton.metrics_url), {"model": "vllm_model"})  # fmt: skip
    runs = {
        path.name: json.loads(path.read_text()) for path in (tmp_path / "compared").rglob("*.json")
    }
    answered = [found["requests"]["answered"] for found in runs.values() if "requests" in found]

    assert done.returncode in ENDS_WELL, done.stdout
    assert [10] * 4 == answered
    assert 20 == vllm.rise("vllm:request_success_total")
    assert 20 == triton.rise("nv_inference_request_success")
    assert {"bench.json", "bench.md", "bench.html"} <= {
        path.name for path in (tmp_path / "compared").iterdir()
    }
    (told,) = [line for line in done.stdout.splitlines() if line.startswith("client less server TTFT, mean")]  # fmt: skip
    assert all(float(cell) > -1 for cell in told.split("ms", 1)[1].split("±")[0].split())
