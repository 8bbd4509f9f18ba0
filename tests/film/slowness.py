"""Incidents in which all servers are up, and users wait."""

from __future__ import annotations

from typing import Any

from tests.film.fleet import CALM, CHAT, CHAT_SERVERS
from tests.film.incident import Incident, Stretch
from tests.film.outages import SHARED, without

_SLOW: dict[str, Any] = {"first_token": "15", "running": 57, "kv_use": "0.8"}

SLOW_PREFILL = Incident(
    title="Slow prefill",
    story="A new release reads prompts slowly: first tokens of the chat model take 12 to 30 s at "
    "the load of every day. It reaches one server first, and all of them 2 minutes later. After "
    "24 minutes it is rolled back.",
    happens=(
        Stretch(2, CALM.with_replicas(CHAT_SERVERS[:1], **_SLOW)),
        Stretch(22, CALM.with_replicas(CHAT_SERVERS, **_SLOW)),
    ),
    rest=20,
    fires=frozenset({"FirstTokenSlow", "SloErrorBudgetBurn"}),
    quiet={
        "QueueLong": "nobody waits: the engines take each request on at once",
        "QueueGrowing": "likewise",
        "KvCacheNearlyFull": "more requests at a time hold more of the cache, and it is not full",
        "AnswersSlow": "the slowest answers take 42 s; it is about more than 60",
        "TokensSlow": "once begun, an answer flows as ever",
        "RequestsFailing": "nothing fails",
        "ServerNotServing": "tokens come out",
        "FirstTokenSlowerThanUsual": "it would tell: it compares with a day ago, which a film of "
        "an hour does not have",
    },
)


KV_EXHAUSTION = Incident(
    title="KV cache exhausted",
    story="Clients of the chat model send much longer conversations. In 4 minutes the KV caches "
    "of its servers fill up; requests are preempted and wait for 22 s on average. After 20 more "
    "minutes the clients are limited.",
    happens=(
        Stretch(4, CALM.with_replicas(CHAT_SERVERS, kv_use="0.9", running=24, waiting=5)),
        Stretch(
            20,
            CALM.with_replicas(
                CHAT_SERVERS,
                kv_use="0.98",
                running=26,
                waiting=60,
                requests=80,
                preempted=40,
                queued="20",
                first_token="22",
                gap="0.04",
            ),
        ),
    ),
    rest=20,
    fires=frozenset(
        {
            "FirstTokenSlow",
            "KvCacheFull",
            "KvCacheNearlyFull",
            "PreemptionStorm",
            "QueueGrowing",
            "QueueLong",
            "SloErrorBudgetBurn",
        }
    ),
    quiet={
        "RequestsFailing": "they are late, and none fails",
        "ServerNotServing": "tokens come out",
        "GpuMemoryFilling": "the engine took its share of GPU memory once; what fills is inside it",
        "TokensSlow": "the gaps are a third longer, far from a second",
        "ReplicaSlow": "all replicas are alike",
    },
)

_STUCK = CALM.with_replicas(CHAT_SERVERS, requests=SHARED, running=26, kv_use="0.5").with_replicas(
    CHAT_SERVERS[1:2], requests=0, running=20, waiting=12, kv_use="0.5"
)

LIVELOCK = Incident(
    title="Livelock",
    story="One chat server hangs with 20 requests in its batch and 12 in its queue: no token comes "
    "out of it, and /metrics and its health check answer. The gateway sends nothing more there. "
    "After 24 minutes it is restarted, and the 32 requests fail.",
    happens=(
        Stretch(24, _STUCK),
        Stretch(2, without(CHAT_SERVERS[1]).with_gateway(failed=((CHAT, 16),))),
    ),
    rest=8,
    fires=frozenset({"ServerNotServing"}),
    quiet={
        "TargetsDown": "the server answers its scrapes, and its restart takes 2 minutes",
        "QueueLong": "12 requests are no long queue, if only they moved",
        "QueueGrowing": "nothing more is sent there",
        "ReplicaSlow": "it makes no tokens at all, so there is no gap between two to compare",
        "TokensSlow": "likewise",
        "RequestsFailing": "32 failures are 1 % of the requests of five minutes",
        "SloErrorBudgetBurn": "likewise, and less of an hour",
        "SignalLost": "its signals are there: they stand still",
    },
)
