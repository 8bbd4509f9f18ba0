"""A small fleet at one moment: what each server does, and how each GPU is.

Numbers are round so that every count is a whole number at every scrape. What is not said of a
server is as on an ordinary day.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any


class State(Enum):
    """What Prometheus sees of a target."""

    #: It answers, and shows its series.
    ANSWERS = "answers"
    #: The process is gone: scrapes fail, and it counts from zero when it is back.
    DOWN = "down"
    #: It goes on, and scrapes do not reach it.
    UNREACHABLE = "unreachable"
    #: It goes on, and is no target any more.
    REMOVED = "removed"
    #: It goes on, and nobody scrapes: Prometheus stands still.
    UNSEEN = "unseen"


@dataclass(frozen=True)
class Replica:
    """A vLLM server with one GPU."""

    instance: str
    model: str
    state: State = State.ANSWERS
    #: Requests that end well in a minute, and tokens of one answer.
    requests: int = 160
    answer: int = 200
    #: Seconds as most requests have them: until the first token, between two, and in the queue.
    #: Some are a little faster, one in ten takes twice as long.
    first_token: str = "0.4"
    gap: str = "0.03"
    queued: str = "0.02"
    running: int = 17
    waiting: int = 0
    kv_use: str = "0.35"
    #: Requests that are thrown out of the batch in a minute.
    preempted: int = 0


@dataclass(frozen=True)
class Triton:
    """A Triton server that ranks documents, on CPUs: no tokens come out of it."""

    instance: str
    model: str
    state: State = State.ANSWERS
    #: Requests that end well in a minute.
    requests: int = 240
    waiting: int = 0


@dataclass(frozen=True)
class Gateway:
    """What stands before all vLLM servers: what they answer, and what they do not."""

    instance: str
    models: tuple[str, ...]
    state: State = State.ANSWERS
    #: Requests of each model that fail in a minute.
    failed: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class Gpu:
    """One GPU, as the DCGM exporter of its node shows it."""

    instance: str
    index: int
    #: Whether it has fallen off the bus: the exporter answers, and shows nothing of it but its XID.
    is_gone: bool = False
    #: Degrees Celsius, watts, per cent, and megahertz.
    temperature: int = 61
    power: int = 480
    use: int = 90
    clock: int = 1980
    #: The mask of what holds its clocks back.
    held_back: int = 0
    #: The last code, and errors since the driver was loaded.
    xid: int = 0
    corrected: int = 0
    uncorrected: int = 0
    links_retrained: int = 0
    link_errors: int = 0
    rows_pending: int = 0
    rows_failed: int = 0


@dataclass(frozen=True)
class Fleet:
    """All of it."""

    replicas: tuple[Replica, ...]
    triton: Triton
    gateway: Gateway
    gpus: tuple[Gpu, ...]
    #: What Prometheus sees of the GPUs' exporters.
    exporters: State = State.ANSWERS

    def of_model(self, model: str) -> tuple[Replica, ...]:
        """Return the replicas of a model."""
        return tuple(each for each in self.replicas if each.model == model)

    def with_replicas(self, instances: Sequence[str] = (), **changed: Any) -> Fleet:
        """Return the fleet with some of its vLLM servers changed; all of them where none is named."""
        return replace(
            self,
            replicas=tuple(
                replace(each, **changed) if not instances or each.instance in instances else each
                for each in self.replicas
            ),
        )

    def with_gpus(self, *places: tuple[str, int], **changed: Any) -> Fleet:
        """Return the fleet with some of its GPUs changed; all of them where none is named."""
        return replace(
            self,
            gpus=tuple(
                replace(each, **changed)
                if not places or (each.instance, each.index) in places
                else each
                for each in self.gpus
            ),
        )

    def with_triton(self, **changed: Any) -> Fleet:
        """Return the fleet with its Triton server changed."""
        return replace(self, triton=replace(self.triton, **changed))

    def with_gateway(self, **changed: Any) -> Fleet:
        """Return the fleet with its gateway changed."""
        return replace(self, gateway=replace(self.gateway, **changed))

    def with_all(self, state: State) -> Fleet:
        """Return the fleet with every target in one state."""
        changed = self.with_replicas(state=state).with_triton(state=state)
        return replace(changed.with_gateway(state=state), exporters=state)


CHAT, CODE, RANKER = "llama-3.3-70b", "qwen3-32b", "reranker"
CHAT_SERVERS = tuple(f"vllm-{number}:8000" for number in range(3))
CODE_SERVERS = ("vllm-3:8000",)
NODES = ("node-0:9400", "node-1:9400")

#: An ordinary day: one GPU for each vLLM server, three of them in the first node.
CALM = Fleet(
    replicas=(
        *(Replica(instance, CHAT) for instance in CHAT_SERVERS),
        *(Replica(instance, CODE) for instance in CODE_SERVERS),
    ),
    triton=Triton("triton-0:8002", RANKER),
    gateway=Gateway("gateway-0:8080", (CHAT, CODE)),
    gpus=(*(Gpu(NODES[0], index) for index in range(3)), Gpu(NODES[1], 0)),
)
