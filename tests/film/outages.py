"""Incidents in which servers are away, or seem to be."""

from __future__ import annotations

from tests.film.fleet import CALM, CHAT, CHAT_SERVERS, CODE, Fleet, State
from tests.film.incident import Incident, Stretch

#: Requests a minute of each of the other two chat servers while one is away.
SHARED = 240


def without(instance: str, state: State = State.DOWN) -> Fleet:
    """Return the fleet with one chat server away, and its load on the others."""
    others = tuple(each for each in CHAT_SERVERS if each != instance)
    fleet = CALM.with_replicas(others, requests=SHARED, running=26, kv_use="0.5")
    return fleet.with_replicas((instance,), state=state)


_NO_ENGINE = (
    CALM.with_replicas(state=State.DOWN)
    .with_triton(state=State.DOWN)
    .with_gateway(failed=((CHAT, 480), (CODE, 160)))
    .with_gpus(power=90, use=0, clock=345, temperature=35)
)

TOTAL_OUTAGE = Incident(
    title="Total outage",
    story="All engines stop at once and answer no scrape; the gateway answers every request with "
    "503. After 20 minutes all are back, and count from zero.",
    happens=(Stretch(20, _NO_ENGINE),),
    rest=40,
    fires=frozenset({"AllTargetsDown", "RequestsFailing", "SloErrorBudgetBurn", "TargetsDown"}),
    quiet={
        "ServerNotServing": "it is about servers that answer their scrapes and nothing else",
        "TargetsVanished": "the targets are down, and still looked for",
        "SignalLost": "signals are gone because nobody answers requests, not because of a name",
        "SloEventsNotCounted": "no server is up that could count",
        "FirstTokenSlow": "without first tokens there is no quantile of them",
        "GpuSlow": "the GPUs are idle: their clocks say nothing",
    },
)

ALL_TARGETS_GONE = Incident(
    title="All targets gone",
    story="Service discovery returns an empty list: every target and all its series vanish, while "
    "the servers go on. After 20 minutes the list is back.",
    happens=(Stretch(20, CALM.with_all(State.REMOVED)),),
    rest=10,
    fires=frozenset({"TargetsVanished"}),
    quiet={
        "AllTargetsDown": "nothing is down: there is no target that does not answer",
        "TargetsDown": "likewise",
        "GpuLost": "a GPU is lost only where its exporter still answers",
        "SignalLost": "nobody is seen to answer requests",
        "SloEventsNotCounted": "no server is up that could count",
        "SloErrorBudgetBurn": "what is not counted is neither good nor bad",
    },
)

SCRAPE_GAP = Incident(
    title="Scrape gap",
    story="Prometheus stands still for 4 minutes and scrapes nothing; the servers go on, and so do "
    "their counters.",
    happens=(Stretch(4, CALM.with_all(State.UNSEEN)),),
    rest=18,
    quiet={
        "AllTargetsDown": "no scrape failed: none was made, and the last one counts for 5 minutes",
        "TargetsVanished": "likewise, and it waits for 10 minutes",
        "ServerNotServing": "counters went on in the gap, so a rate over it is no zero",
        "SloErrorBudgetBurn": "an increase over the gap misses events, good and bad alike",
        "SignalLost": "it waits for 15 minutes",
    },
)

NETWORK_CUT = Incident(
    title="Prometheus cut off",
    story="For 4 minutes Prometheus reaches no target: each scrape fails. The servers go on; users "
    "notice nothing.",
    happens=(Stretch(4, CALM.with_all(State.UNREACHABLE)),),
    rest=12,
    fires=frozenset({"AllTargetsDown"}),
    quiet={
        "TargetsDown": "down is what has not answered for 5 minutes",
        "SloErrorBudgetBurn": "4 minutes without an answer are 7 % of an hour, and uptime pages "
        "from 14.4 %",
        "RequestsFailing": "nobody saw a request fail",
        "ServerNotServing": "counters went on",
    },
)

ROLLING_RESTART = Incident(
    title="Rolling restart",
    story="A rollout takes the three chat servers one after the other, drained, 2 minutes each; "
    "the others take the load, and each counts from zero when it is back.",
    happens=tuple(Stretch(2, without(instance)) for instance in CHAT_SERVERS),
    rest=14,
    quiet={
        "TargetsDown": "each server is away for 2 minutes, and down is what has not answered for 5",
        "AllTargetsDown": "there are always others that answer",
        "SloErrorBudgetBurn": "one of four servers away for 6 minutes is 2.5 % of an hour",
        "ServerNotServing": "a counter that begins anew is no counter that stands still",
        "RequestsFailing": "a drained server drops no request",
        "ReplicasConfiguredDifferently": "it waits for an hour, longer than a rollout takes",
        "TargetsVanished": "the targets stay known",
    },
)
