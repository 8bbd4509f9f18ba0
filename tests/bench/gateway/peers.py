"""What is measured, each with the command and the settings that start it.

All features are on in ours and in LiteLLM: keys, limits that are never reached, logs into a file,
metrics. A peer that cannot be had on this machine is told, never left out.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.live.environment import Environment, prepared_environment

HERE = Path(__file__).parent
KEY = "sk-of-the-measurement-0123456789"
#: The newest that pip resolves: later releases want a package that is not to be had.
LITELLM = "litellm[proxy]==1.108.7"
#: Whose limits are high enough never to be reached, so that they are counted and refuse nobody.
_MUCH = "100000000"


@dataclass(frozen=True)
class Peer:
    """One program between the client and the engine."""

    name: str
    #: The command, of the port and the engine's address.
    command: Callable[[int, str], Sequence[str | Path]]
    #: Variables of the environment, of the same two.
    variables: Callable[[int, str], Mapping[str, str]] = field(default=lambda *_: {})
    #: What answers once it is ready.
    ready: str = "/health"
    key: str = KEY
    #: Seconds that it may take to start.
    within: float = 30.0
    #: It is asked for so many times fewer streams: slow ones would take minutes.
    fewer: int = 1


def _gateway_variables(port: int, upstream: str) -> dict[str, str]:
    return {
        "GATEWAY_PORT": str(port),
        "GATEWAY_UPSTREAMS": upstream,
        "GATEWAY_API_KEYS": f"sk-of-somebody-else-0123456789,{KEY}",
        "RATE_LIMIT_PER_MINUTE": _MUCH,
        "GATEWAY_TOKENS_PER_MINUTE": _MUCH,
        "GATEWAY_CLIENT_REQUESTS_PER_MINUTE": _MUCH,
        "GATEWAY_CONCURRENT_REQUESTS": "1000",
        "LOG_LEVEL": "INFO",
    }


GATEWAY = Peer(
    name="`llmstack gateway`",
    command=lambda *_: [sys.executable, "-m", "llmstack", "gateway"],
    variables=_gateway_variables,
    ready="/ready",
)

PASS_THROUGH = Peer(
    name="bare pass-through",
    command=lambda port, upstream: [
        sys.executable,
        HERE / "pass_through.py",
        str(port),
        upstream,
    ],
    key="",
)


def litellm() -> Peer:
    """Return LiteLLM's proxy, installed where needed.

    Raises:
        UnavailableError: it cannot be installed.
    """
    environment = prepared_environment("litellm", [LITELLM, "prometheus-client"], _install)
    return Peer(
        name="LiteLLM",
        command=lambda port, _: [
            environment.folder / "bin" / "litellm",
            f"--config={HERE / 'litellm.yaml'}",
            "--host=127.0.0.1",
            f"--port={port}",
            "--num_workers=1",
        ],
        variables=lambda _, upstream: {
            "BENCH_UPSTREAM": f"{upstream}/v1",
            "BENCH_KEY": KEY,
            "LITELLM_LOG": "INFO",
            # Nothing is fetched from elsewhere, and nothing told to anybody.
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
            "NO_PROXY": "127.0.0.1",
        },
        ready="/health/liveliness",
        within=180.0,
        fewer=16,
    )


def _install(environment: Environment) -> None:
    environment.pip("install", "--quiet", LITELLM, "prometheus-client")
