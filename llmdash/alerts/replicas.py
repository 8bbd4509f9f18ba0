"""Replicas of a model that are no equals: one is slower, or they are configured in several ways."""

from __future__ import annotations

from collections.abc import Iterator

from llmdash.alerts.alert import Alert, Shown
from llmdash.alerts.questions import BY_REPLICA, MODEL, REPLICA, Questions, above, on_fleet
from llmdash.dashboards.fleet.honesty import UID as HONESTY
from llmdash.dashboards.fleet.signal_health import Recorded
from llmdash.levels import BY_MODEL, Level
from llmdash.promql.expressions import average, count, joined, mean_of, median, total
from llmdash.promql.nodes import Binary, Number
from llmdash.promql.units import COUNT
from llmdash.promql.windows import Duration
from llmdash.slos.tiers import Severity
from llmdash.sources.source import Role


def replica_alerts(asked: Questions) -> Iterator[Alert]:
    """Yield what is told of replicas, where an engine times gaps or tells its configuration."""
    if asked.layer.has("inter_token_latency", role=Role.ENGINE):
        yield _slow(asked)
    if asked.has("configurations"):
        yield Alert(
            name="ReplicasConfiguredDifferently",
            expr=above(Recorded(asked.layer).configurations(), asked.limits.configurations),
            # Longer than it takes to restart one replica after the other.
            wait=Duration.parse("1h"),
            severity=Severity.TICKET,
            summary=f"engines of {MODEL} run in {{{{ $value }}}} configurations",
            description="An update has stopped half way, or somebody has started one by hand. "
            "Latencies and cache hits of the model are a mean of servers that are no equals.",
            panel=Shown(HONESTY, "configurations"),
        )


def _slow(asked: Questions) -> Alert:
    name, limits = "inter_token_latency", asked.limits
    gaps = total(asked.layer.counts(name, Level.INSTANCE), BY_REPLICA)
    seconds = total(asked.layer.sums(name, Level.INSTANCE), BY_REPLICA)
    # Of those at work: a replica without gaps is NaN, the least of all in a median.
    at_work = above(gaps, 0)
    # The median: as long as fewer than half of them are slow, they do not move it.
    usual = median(mean_of(seconds, at_work), BY_MODEL)
    slower = joined(
        mean_of(seconds, gaps), ">", usual * limits.slow_replica, on=BY_MODEL, group_left=()
    )
    enough = Binary(">=", count(at_work, BY_MODEL), Number(limits.slow_replica_fewest, COUNT))
    # One that has more to do is slower by right. Not told by how many requests it runs: given the
    # same, a slow replica runs more of them, for each stays longer.
    no_busier = joined(
        gaps, "<=", average(at_work, BY_MODEL) * limits.same_load, on=BY_MODEL, group_left=()
    )
    expr = joined(joined(slower, "and", enough, on=BY_MODEL), "and", no_busier, on=BY_REPLICA)
    return Alert(
        name="ReplicaSlow",
        expr=expr,
        wait=Duration.parse("10m"),
        severity=Severity.TICKET,
        summary=f"{REPLICA} takes {{{{ $value | humanizeDuration }}}} between two tokens, over "
        f"{limits.slow_replica:g} times of its equals",
        description="It makes no more tokens than the other replicas of the model. Look at its "
        "GPUs (clocks, heat, a neighbour), at the CPU of its server process, and at its version.",
        panel=on_fleet("inter-token-latency-by-model"),
    )
