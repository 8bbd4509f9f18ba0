"""Days on which much changes and nothing is wrong."""

from __future__ import annotations

from tests.film.fleet import CALM, CODE, CODE_SERVERS, State
from tests.film.incident import Incident, Stretch

ORDINARY_DAY = Incident(
    title="An ordinary day",
    story="Nothing happens. Three servers of a chat model and one of a code model (vLLM), a ranker "
    "(Triton), a gateway before the first two, and four GPUs.",
    happens=(),
    rest=12,
    quiet={
        "GpuMemoryFilling": "GPU memory is 91 % full all the time, as engines leave it",
        "SloErrorBudgetBurn": "all is as promised",
        "LatencyBeyondBuckets": "the last bucket is far away",
        "ScrapeSlow": "scrapes take milliseconds",
    },
)

_SWAPPING = CALM.with_replicas(CODE_SERVERS, state=State.DOWN)
_OTHER = CALM.with_replicas(
    CODE_SERVERS, model="mistral-small-24b", first_token="0.3", gap="0.02", running=9
)

MODEL_SWAP = Incident(
    title="Model swap",
    story=f"{CODE} is retired, as announced: nobody asks for it any more. Its server stops and is "
    "back 3 minutes later with another model.",
    happens=(Stretch(3, _SWAPPING),),
    after=_OTHER,
    rest=61,
    quiet={
        "SignalLost": "the old model's signals are gone, and it answers no requests either",
        "TargetsDown": "the server is back within 5 minutes",
        "AllTargetsDown": "the chat servers of the source answer",
        "TargetsVanished": "the targets stay the same",
        "SloEventsNotCounted": "each promise goes on to be counted, for the models that are there",
        "SloErrorBudgetBurn": "a model without requests burns no budget",
        "ReplicasConfiguredDifferently": "each model runs in one configuration",
        "ServerNotServing": "nothing waits at the old model",
    },
)

_BUSY = CALM.with_replicas(
    requests=1600, running=264, kv_use="0.8", first_token="0.9", gap="0.045"
).with_gpus(power=690, use=100, temperature=74)

TRAFFIC_TIMES_TEN = Incident(
    title="Traffic × 10",
    story="Within a minute ten times as many requests arrive, and there is capacity for them: a "
    "short queue at first, then fuller batches and somewhat slower tokens. After 20 minutes it is "
    "as before.",
    happens=(
        Stretch(4, _BUSY.with_replicas(waiting=30, queued="0.4")),
        Stretch(16, _BUSY),
    ),
    rest=10,
    quiet={
        "QueueLong": "30 requests wait for an engine, and not for long",
        "QueueGrowing": "the queue is gone before 5 minutes have passed",
        "KvCacheNearlyFull": "the caches are 80 % full; it is about more than 85 %",
        "FirstTokenSlow": "first tokens take a second",
        "SloErrorBudgetBurn": "all latencies keep their promise",
        "GpuPowerCapped": "GPUs stand at their limit, and all have the same",
        "GpuHot": "74 °C is warm",
        "FirstTokenSlowerThanUsual": "nothing is known of a day ago; where it is, more load "
        "explains it",
    },
)

_NIGHT = (
    CALM.with_replicas(requests=0, running=0, kv_use="0")
    .with_triton(requests=0)
    .with_gpus(power=120, use=0, clock=345, temperature=36)
)

IDLE_NIGHT = Incident(
    title="Idle night",
    story="For an hour nobody asks for anything; then the day begins as if nothing had been.",
    happens=(Stretch(60, _NIGHT),),
    rest=20,
    quiet={
        "ServerNotServing": "no tokens come out, and no requests are there",
        "SignalLost": "nothing answers requests; and a counter that stands still is there",
        "SloEventsNotCounted": "no events were counted, and counters to count them are there",
        "SloErrorBudgetBurn": "without events nothing is above anything",
        "FirstTokenSlow": "of no request no time is known: it is no number, and fires nothing",
        "GpuSlow": "an idle GPU lowers its clocks",
        "TargetsDown": "the servers answer their scrapes",
    },
)
