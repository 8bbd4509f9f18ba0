"""What the gateway and the engine behind it count of the same requests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.live.environment import MODEL
from tests.live.exposition import Exposition, fetch_exposition
from tests.live.process import wait_until
from tests.live.stack_programs import Program
from tests.live.vllm_server import VllmServer

#: More than the tiny model writes before anybody could leave, and less than it can hold.
MANY_TOKENS = 900


@dataclass(frozen=True)
class TwoSides:
    """The gateway and the engine behind it, and what their pages showed before."""

    gateway: Program
    engine: VllmServer
    gateway_before: Exposition
    engine_before: Exposition

    def counted(self, name: str, **labels: str) -> float:
        """How far a counter of the gateway rose."""
        now = fetch_exposition(self.gateway.metrics_url)
        return now.total(name, **labels) - self.gateway_before.total(name, **labels)

    def told(self, name: str, **labels: str) -> float:
        """How far a counter of vLLM rose."""
        now = fetch_exposition(self.engine.metrics_url)
        return now.total(name, **labels) - self.engine_before.total(name, **labels)

    def ended(self, count: int) -> None:
        """Wait until so many requests are counted: a client has read its last byte before that."""
        wait_until(
            lambda: self.counted("gateway_requests_total") == count,
            within=30,
            what=f"{count} requests have ended",
        )

    def left(self, leave: Callable[[int], None]) -> int:
        """Let clients leave an answer of many tokens until one is cut short; return how many left.

        Where cores are short, an answer may be whole before anybody notices.
        """
        for times in range(1, 11):
            leave(MANY_TOKENS)
            self.ended(times)
            wait_until(lambda: is_idle(self.engine), within=60, what="vLLM has nothing to do")
            if self.told("vllm:generation_tokens_total") < times * MANY_TOKENS:
                return times
        raise AssertionError("vLLM wrote every answer to its end")

    def tokens_at_the_gateway(self) -> tuple[int, int]:
        """Tokens of prompts and of answers, as the gateway counted them."""
        names = ("gateway_tokens_prompted_total", "gateway_tokens_generated_total")
        prompted, generated = (int(self.counted(name, model=MODEL)) for name in names)
        return prompted, generated

    def tokens_at_the_engine(self) -> tuple[int, int]:
        """Tokens of prompts and of answers, as vLLM counted them."""
        names = ("vllm:prompt_tokens_total", "vllm:generation_tokens_total")
        prompted, generated = (int(self.told(name)) for name in names)
        return prompted, generated


def both_sides(gateway: Program, engine: VllmServer) -> TwoSides:
    """Look at both pages, once nobody asks any more."""
    wait_until(lambda: is_idle(engine), within=60, what="vLLM has nothing to do")
    before = (fetch_exposition(gateway.metrics_url), fetch_exposition(engine.metrics_url))
    return TwoSides(gateway, engine, *before)


def is_idle(engine: VllmServer) -> bool:
    """Whether vLLM runs no request, and none waits."""
    now = fetch_exposition(engine.metrics_url)
    return not now.total("vllm:num_requests_running") + now.total("vllm:num_requests_waiting")
