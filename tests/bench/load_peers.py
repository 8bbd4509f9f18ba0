"""Other tools that send load, as commands, and what each says it read."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.bench.gateway.engine import MODEL
from tests.bench.load_client import ANSWER, PROMPT
from tests.live.environment import Environment, UnavailableError, prepared_environment
from tests.live.vllm_server import TORCH, install_vllm

GUIDELLM, AIPERF = "guidellm==0.8.1", "aiperf==0.13.0"
#: Nothing is told to anybody.
_ALONE = {"VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1"}
#: Nothing is asked of elsewhere; aiperf then takes a tokenizer's path for a repository's name.
_OFFLINE = {"HF_HUB_OFFLINE": "1"}
#: Of the requests, so many may be unanswered: guidellm leaves some that run when it has enough.
_MOST_LEFT = 0.1


@dataclass(frozen=True)
class Load:
    """So many streams at a time, and so many requests in all, of an engine."""

    url: str
    concurrency: int
    total: int


@dataclass(frozen=True)
class Told:
    """What a tool says: requests that were answered, and the first token at p50 and p99 (seconds)."""

    answered: int
    first: float
    first_p99: float


@dataclass(frozen=True)
class Tool:
    """One of them."""

    name: str
    #: The command, of a load, the folder of a tokenizer, and the folder for its results.
    command: Callable[[Load, Path, Path], Sequence[str | Path]]
    #: Reads its results in that folder.
    read: Callable[[Path], Told]
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Run:
    """What came of a command: processor time of it and all its processes, and what it told."""

    cpu: float
    told: Told


def run(tool: Tool, load: Load, tokenizer: Path) -> Run:
    """Run a tool to its end.

    Raises:
        UnavailableError: it fails, or does not answer all that it was asked for.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        command = [str(part) for part in tool.command(load, tokenizer, folder)]
        kept = {name: value for name, value in os.environ.items() if name not in _OFFLINE}
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(
            command,
            cwd=folder,
            env={**kept, **_ALONE, **tool.variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        try:
            told = tool.read(folder)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UnavailableError(
                f"{tool.name} ends with {done.returncode}: {error!r}\n{done.stdout[-2000:]}"
            ) from error
    if told.answered < (1 - _MOST_LEFT) * load.total:
        raise UnavailableError(f"{tool.name} answered {told.answered} of {load.total}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Run(cpu, told)


def ours() -> Tool:
    """Return `llmstack load`."""
    return Tool(
        "llmstack load",
        lambda load, _, folder: [
            *(sys.executable, "-m", "llmstack", "load", "--url", load.url),
            *("--concurrency", str(load.concurrency), "--total", str(load.total)),
            *("--prompt-tokens", f"const:{PROMPT}", "--answer-tokens", f"const:{ANSWER}"),
            *("--log-every", "0", "--output", folder / "results.json"),
        ],
        lambda folder: _ours(_json(folder / "results.json")),
    )


def _ours(found: Any) -> Told:
    first = found["latency"]["ttft"]
    return Told(found["requests"]["answered"], first["p50"], first["p99"])


def vllm_bench() -> Tool:
    """Return `vllm bench serve`.

    Raises:
        UnavailableError: it cannot be installed.
    """
    environment = install_vllm()
    return Tool(
        "vllm bench serve",
        lambda load, tokenizer, folder: [
            *(environment.folder / "bin" / "vllm", "bench", "serve", "--backend", "openai-chat"),
            *("--base-url", load.url, "--endpoint", "/v1/chat/completions", "--model", MODEL),
            *("--tokenizer", tokenizer, "--dataset-name", "random"),
            *("--random-input-len", str(PROMPT), "--random-output-len", str(ANSWER)),
            *("--num-prompts", str(load.total), "--max-concurrency", str(load.concurrency)),
            *("--save-result", "--result-dir", folder, "--result-filename", "results.json"),
        ],
        lambda folder: _vllm_bench(_json(folder / "results.json")),
        _OFFLINE,
    )


def _vllm_bench(found: Any) -> Told:
    return Told(found["completed"], found["median_ttft_ms"] / 1e3, found["p99_ttft_ms"] / 1e3)


def guidellm() -> Tool:
    """Return guidellm.

    Raises:
        UnavailableError: it cannot be installed.
    """
    environment = prepared_environment("guidellm", [f"torch=={TORCH}", GUIDELLM], _guidellm)
    return Tool(
        "guidellm",
        lambda load, tokenizer, folder: [
            *(environment.folder / "bin" / "guidellm", "run"),
            *("--backend", f"kind=openai_http,target={load.url},model={MODEL}"),
            *("--profile", f"kind=concurrent,streams={load.concurrency}"),
            *("--constraint", f"kind=max_requests,count={load.total}"),
            *("--tokenizer", f"kind=huggingface_auto,model={tokenizer}"),
            *("--data", f"kind=synthetic_text,prompt_tokens={PROMPT},output_tokens={ANSWER}"),
            *("--disable-console-interactive", "--output", f"kind=json,path={folder}/results.json"),
        ],
        lambda folder: _of_guidellm(_json(folder / "results.json")),
        _OFFLINE,
    )


def _guidellm(environment: Environment) -> None:
    # The CPU build, if pip has one: the other is five gigabytes.
    environment.pip("install", "--quiet", f"torch=={TORCH}")
    environment.pip("install", "--quiet", GUIDELLM)


def _of_guidellm(found: Any) -> Told:
    (bench,) = found["benchmarks"]
    metrics = bench["metrics"]
    first = metrics["time_to_first_token_ms"]["successful"]["percentiles"]
    return Told(metrics["request_totals"]["successful"], first["p50"] / 1e3, first["p99"] / 1e3)


def aiperf() -> Tool:
    """Return aiperf.

    Raises:
        UnavailableError: it cannot be installed.
    """
    environment = prepared_environment("aiperf", [AIPERF], _aiperf)
    return Tool(
        "aiperf",
        lambda load, tokenizer, folder: [
            *(environment.folder / "bin" / "aiperf", "profile", "--model", MODEL),
            *("--tokenizer", tokenizer, "--url", load.url, "--endpoint-type", "chat"),
            *("--streaming", "--concurrency", str(load.concurrency)),
            *("--request-count", str(load.total)),
            *("--synthetic-input-tokens-mean", str(PROMPT), "--output-tokens-mean", str(ANSWER)),
            *("--ui", "none", "--no-server-metrics", "--no-gpu-telemetry"),
            *("--output-artifact-dir", folder / "results"),
        ],
        lambda folder: _of_aiperf(
            _json(next(folder.glob("results/**/profile_export_aiperf.json")))
        ),
    )


def _aiperf(environment: Environment) -> None:
    environment.pip("install", "--quiet", AIPERF)


def _of_aiperf(found: Any) -> Told:
    first = found["time_to_first_token"]
    return Told(int(found["request_count"]["avg"]), first["p50"] / 1e3, first["p99"] / 1e3)


def _json(path: Path) -> Any:
    return json.loads(path.read_text())


#: All of them, the own one first; each is installed when it is called.
TOOLS: Sequence[Callable[[], Tool]] = (ours, vllm_bench, guidellm, aiperf)
