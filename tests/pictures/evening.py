"""A made evening of three models: load that comes and goes, and one that gets more than it can do.

A server is a fluid: requests arrive, wait for KV blocks, run, and leave the faster the fewer run
beside them. Nothing here is a measurement; it only has the shapes that operators know.
"""

from __future__ import annotations

from dataclasses import dataclass
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

#: Seconds between two scrapes, and parts of them in which the fluid moves.
STEP = 15
_PARTS = 5
#: How long before the end the surge begins.
SURGE_SECONDS = 34 * 60
#: Clients give up about so long after they began to wait.
_PATIENCE_SECONDS = 45.0
#: Above this share of the KV cache a running request may be thrown out.
_TIGHT = 0.95


@dataclass(frozen=True)
class ServedModel:
    """One model, its replicas, and what its requests look like on average."""

    name: str
    replicas: int
    #: Requests per second of one replica, on a quiet evening.
    rate: float
    prompt_tokens: float
    answer_tokens: float
    #: Tokens that fit into the KV cache of one replica.
    kv_tokens: float
    #: Seconds of one token alone, and the number of requests beside it that double them.
    token_seconds: float
    slowed_by: float
    hit_ratio: float
    #: How many times the usual arrives at the height of the surge.
    surge: float = 1.0


#: Two GPUs each.
MODELS = (
    ServedModel("llama-3.3-70b", 6, 2.6, 1400, 320, 100_000, 0.021, 70, 0.46),
    ServedModel("qwen3-32b", 4, 3.4, 900, 420, 150_000, 0.015, 80, 0.31, surge=2.6),
    ServedModel("mistral-small-24b", 2, 6.5, 600, 220, 60_000, 0.010, 90, 0.58),
)


@dataclass(frozen=True)
class Replica:
    """What one server went through, at each scrape; rates are per second."""

    number: int
    model: ServedModel
    arrived: Values
    admitted: Values
    finished: Values
    gave_up: Values
    failed: Values
    preempted: Values
    running: Values
    waiting: Values
    kv_use: Values
    hit_ratio: Values
    #: Seconds that a request beginning now waits, reads its prompt, and needs for a token.
    wait: Values
    prefill: Values
    per_token: Values

    @property
    def load(self) -> Values:
        """How busy it is, from 0 to 1."""
        return np.clip(self.kv_use / 0.9, 0.0, 1.0)


def replicas(moments: range) -> list[Replica]:
    """Return what all servers went through."""
    found: list[Replica] = []
    for model in MODELS:
        for place in range(model.replicas):
            found.append(_lived(len(found), place, model, moments))
    return found


def noise(name: str, size: int, smooth: int = 1) -> Values:
    """Return numbers around 0 of about 1 in size, always the same for a name."""
    made = np.random.default_rng(crc32(name.encode())).normal(size=size + smooth - 1)
    return np.convolve(made, np.full(smooth, smooth**-0.5), "valid")


def _demand(place: int, model: ServedModel, moments: range) -> Values:
    """Return the requests that arrive each second at one replica."""
    moment = np.array(moments, dtype=np.float64)
    name = f"{model.name} {place}"
    swell = 1 + 0.16 * np.sin(2 * np.pi * moment / 5400 + crc32(name.encode()) % 7 / 5)
    swell += 0.05 * noise(name, len(moment), 24) + 0.06 * noise(f"{name} quick", len(moment), 3)
    since = moment - (moments[-1] - SURGE_SECONDS)
    height = np.clip(since / 240, 0, 1) * (1 - 0.22 * np.clip((since - 900) / 1200, 0, 1))
    return model.rate * swell * (1 + (model.surge - 1) * height)


#: What a step of the fluid tells, in the order of its columns.
_COLUMNS = (
    *("admitted", "finished", "gave_up", "preempted"),
    *("running", "waiting", "kv_use", "per_token", "prefill"),
)


def _lived(number: int, place: int, model: ServedModel, moments: range) -> Replica:
    demand = _demand(place, model, moments)
    told = dict(zip(_COLUMNS, _flow(model, demand).T, strict=True))
    size, name = len(demand), f"{model.name} {place}"
    tight = np.clip((told["kv_use"] - 0.8) / 0.2, 0, 1)

    def shaken(values: Values, share: float) -> Values:
        return values * (1 + share * noise(f"{name} {share}", size, 2))

    return Replica(
        number=number,
        model=model,
        arrived=demand,
        admitted=told["admitted"],
        finished=told["finished"],
        # Some clients go away at any time.
        gave_up=told["gave_up"] + 0.004 * demand,
        failed=told["finished"] * (0.0004 + 0.03 * tight),
        preempted=told["preempted"],
        running=np.maximum(0, np.round(shaken(told["running"], 0.04))),
        waiting=np.maximum(0, np.round(shaken(told["waiting"], 0.05))),
        kv_use=np.clip(shaken(told["kv_use"], 0.015), 0, 0.998),
        hit_ratio=np.clip(
            model.hit_ratio * (1 - 0.5 * tight) + 0.015 * noise(f"{name} hit", size, 12), 0, 1
        ),
        wait=np.maximum(0.0005, told["waiting"] / np.maximum(told["finished"], 0.1)),
        prefill=told["prefill"],
        per_token=told["per_token"],
    )


def _flow(model: ServedModel, demand: Values) -> Values:
    """Return a row for each scrape of how requests flowed through a server."""
    room = model.kv_tokens / (model.prompt_tokens + model.answer_tokens / 2)
    running, waiting = demand[0] * model.answer_tokens * model.token_seconds * 1.5, 0.0
    part = STEP / _PARTS
    rows = np.zeros((len(demand), len(_COLUMNS)))
    for at, arrived in enumerate(demand):
        flows = np.zeros(4)
        for _ in range(_PARTS):
            slower = 1 + running / model.slowed_by
            token = model.token_seconds * slower
            prefill = 0.06 + model.prompt_tokens / 22_000 * slower
            finished = running / (prefill + model.answer_tokens * token)
            preempted = 0.5 * max(0.0, running / room - _TIGHT) / (1 - _TIGHT)
            gave_up = waiting / _PATIENCE_SECONDS
            free = max(0.0, (0.985 * room - running) / part + finished)
            admitted = min(waiting / part + arrived, free)
            waiting = max(0.0, waiting + part * (arrived - admitted - gave_up + preempted))
            running += part * (admitted - finished - preempted)
            flows += np.array((admitted, finished, gave_up, preempted)) / _PARTS
        rows[at] = (*flows, running, waiting, running / room, token, prefill)
    return rows
