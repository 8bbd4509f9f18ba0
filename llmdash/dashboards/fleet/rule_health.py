"""Whether the recordings that pages read are written, and whether alerts reach anybody."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from llmdash.dashboards.counted import number_of, sources_of
from llmdash.dashboards.panels import (
    Column,
    LabelColumn,
    Panel,
    Query,
    Stat,
    Table,
    Threshold,
    TimeSeries,
)
from llmdash.dashboards.policy import ANY, HOUR, RULE_SHARE
from llmdash.dashboards.style import BAD, GOOD, PLAIN, WARNING
from llmdash.layer import Layer
from llmdash.metrics import prometheus as metrics
from llmdash.metrics.metric import Counter, Gauge
from llmdash.promql.expressions import (
    call,
    greatest,
    increase,
    joined,
    least,
    over_time,
    rate,
    total,
)
from llmdash.promql.nodes import Binary, Expr, Matcher, Number
from llmdash.promql.windows import RATE_INTERVAL, Duration

BY_GROUP = ("rule_group",)
_BY = ("role", "source")

#: Prometheus calls a group by its file and its name, and ours all begin alike.
OURS = Matcher("rule_group", "=~", ".+;llmdash-.+")


@dataclass(frozen=True)
class Rules:
    """Asks Prometheus about its evaluation of our rules, whichever job reads it."""

    layer: Layer

    def now(self, metric: Gauge) -> Expr:
        """Return a gauge of each group; of several Prometheus servers the greatest."""
        return greatest(metric.select(OURS), BY_GROUP)

    def grown(self, metric: Counter, window: Duration = HOUR) -> Expr:
        """Return how much a counter of each group grew within a window."""
        return total(increase(metric.select(OURS), window), BY_GROUP)

    def share_of_interval(self) -> Expr:
        """Return how much of the time between two evaluations one takes, by group."""
        took = self.now(metrics.PROMETHEUS_RULE_GROUP_LAST_DURATION_SECONDS)
        return took / self.now(metrics.PROMETHEUS_RULE_GROUP_INTERVAL_SECONDS)

    def silent(self) -> Expr:
        """Return the sources that were recorded within the hour and are not now."""
        known = self.layer.gauge("up", "count")
        before = total(over_time("last", known, HOUR), _BY)
        return joined(before, "unless", total(known, _BY), on=_BY)

    def age(self) -> Expr:
        """Return how old the newest recording of each source is."""
        newest = greatest(call("timestamp", self.layer.gauge("up", "count")), _BY)
        return call("time") - newest

    def late(self) -> Expr:
        """Return how much later than it should the next recording of each source is."""
        return call("clamp_min", self.age() - self.layer.intervals.recordings.seconds, 0)


def rule_tiles(rules: Rules) -> Iterator[Panel]:
    """Yield what is not recorded any more."""
    known = over_time("last", rules.layer.gauge("up", "count"), HOUR)
    yield Stat(
        key="silent-now",
        title="Sources fallen silent",
        description="Sources that were recorded within the last hour and are not any more: their "
        "targets have vanished from Prometheus, or the rules are not evaluated. Their models are "
        "missing from every page without a line that says so.",
        queries=(Query("silent", number_of(sources_of(rules.silent()), sources_of(known))),),
        thresholds=ANY,
    )


def prometheus_tiles(rules: Rules) -> Iterator[Panel]:
    """Yield what Prometheus says of itself; no data where it does not scrape itself."""
    failures = rules.grown(metrics.PROMETHEUS_RULE_EVALUATION_FAILURES_TOTAL)
    missed = rules.grown(metrics.PROMETHEUS_RULE_GROUP_ITERATIONS_MISSED_TOTAL)
    yield Stat(
        key="rules-now",
        title="Rules failed or late",
        description="Groups of rules with a failed or a missed evaluation within the hour. A "
        "failed rule writes nothing, a missed one leaves a gap: the reason of the former stands "
        "under Status → Rules, the latter takes longer than its interval.",
        queries=(
            Query("failed", number_of(failures > 0, failures), "failed"),
            Query("missed", number_of(missed > 0, missed), "missed"),
        ),
        thresholds=ANY,
    )
    reload = metrics.PROMETHEUS_CONFIG_LAST_RELOAD_SUCCESSFUL.select()
    failed = Binary("==", reload, Number(0))
    yield Stat(
        key="configuration-now",
        title="Configurations refused",
        description="Prometheus servers that refused their configuration when they last read it, "
        "and go on with the one before: new targets and rules are not there. Its log says the "
        "line; promtool check config finds it before.",
        queries=(Query("failed", number_of(failed, reload)),),
        thresholds=ANY,
    )
    yield Stat(
        key="alertmanagers-now",
        title="Alertmanagers found",
        description="Alertmanagers that Prometheus sends to. At zero alerts may fire here and "
        "reach nobody: name one with `alertmanager` in the pack, or under alerting in the "
        "configuration of Prometheus. Of several Prometheus servers, the one with fewest.",
        queries=(
            Query(
                "found", least(metrics.PROMETHEUS_NOTIFICATIONS_ALERTMANAGERS_DISCOVERED.select())
            ),
        ),
        thresholds=(Threshold(1, GOOD),),
        base_color=WARNING,
    )


def recording_panels(rules: Rules) -> Iterator[Panel]:
    """Yield whether the recordings of each source are as young as they should be."""
    interval = rules.layer.intervals.recordings
    yield TimeSeries(
        key="recording-age",
        title="Recordings late",
        description="How much older than the interval of the rules the newest recording of each "
        f"source is: zero, unless rules stand still or do not find their source. Beyond {interval} "
        "an evaluation was left out. After five minutes Prometheus calls the series gone, and "
        "the line ends.",
        queries=(Query("age", rules.late(), "{{role}} {{source}}"),),
        thresholds=(Threshold(interval.seconds, WARNING),),
        base_color=PLAIN,
    )


def rule_panels(rules: Rules) -> Iterator[Panel]:
    """Yield each group of our rules, and how long it takes."""
    failures = metrics.PROMETHEUS_RULE_EVALUATION_FAILURES_TOTAL
    missed = metrics.PROMETHEUS_RULE_GROUP_ITERATIONS_MISSED_TOTAL
    last = metrics.PROMETHEUS_RULE_GROUP_LAST_EVALUATION_TIMESTAMP_SECONDS
    samples = metrics.PROMETHEUS_RULE_GROUP_LAST_EVALUATION_SAMPLES
    yield Table(
        key="groups",
        title="Groups of rules",
        description="A line for each of our groups. One without samples has no source that it "
        "could record; one that fails writes less than it should; one that takes most of its "
        "interval will miss evaluations when the fleet grows.",
        by=(LabelColumn("rule_group", "Rule group"),),
        queries=(
            Query("share", rules.share_of_interval()),
            Query("failed", rules.grown(failures)),
            Query("missed", rules.grown(missed)),
            Query("samples", rules.now(samples)),
            Query("age", call("time") - rules.now(last)),
        ),
        columns=(
            Column("share", "Of the interval", thresholds=RULE_SHARE),
            Column("failed", "Failed, 1 h", thresholds=ANY),
            Column("missed", "Missed, 1 h", thresholds=ANY),
            Column("samples", "Samples"),
            Column("age", "Last evaluation"),
        ),
        sort_by="Of the interval",
        height=9,
    )
    yield TimeSeries(
        key="rule-share",
        title="Evaluation time over interval",
        description="How much of the time between two evaluations one takes, by group. It grows "
        "with the number of servers; at 1 evaluations are left out, and recorded rates have gaps.",
        queries=(Query("share", rules.share_of_interval(), "{{rule_group}}"),),
        thresholds=RULE_SHARE,
    )


def delivery_panels() -> Iterator[Panel]:
    """Yield what Prometheus throws away, and whether its alerts are delivered."""

    def lost(metric: Counter) -> Expr:
        return total(rate(metric.select(), RATE_INTERVAL))

    yield TimeSeries(
        key="alerts-delivered",
        title="Alerts sent",
        description="Notifications that Prometheus sent, and those of them that failed or were "
        "dropped because the queue was full. Errors that stay are an Alertmanager that is down or "
        "refuses: nobody is told what fires.",
        queries=(
            Query("sent", lost(metrics.PROMETHEUS_NOTIFICATIONS_SENT_TOTAL), "sent", color=GOOD),
            Query(
                "errors", lost(metrics.PROMETHEUS_NOTIFICATIONS_ERRORS_TOTAL), "errors", color=BAD
            ),
            Query(
                "dropped",
                lost(metrics.PROMETHEUS_NOTIFICATIONS_DROPPED_TOTAL),
                "dropped",
                color=WARNING,
            ),
        ),
    )
    yield TimeSeries(
        key="samples-lost",
        title="Samples thrown away",
        description="Samples that Prometheus could not store: twice at one moment with different "
        "values, or older than what it has. Both mean that two targets write one series: two jobs "
        "with the same labels, or a proxy in front of several servers.",
        queries=(
            Query(
                "duplicate",
                lost(metrics.PROMETHEUS_TARGET_SCRAPES_SAMPLE_DUPLICATE_TIMESTAMP_TOTAL),
                "twice at one moment",
                color=BAD,
            ),
            Query(
                "out-of-order",
                lost(metrics.PROMETHEUS_TARGET_SCRAPES_SAMPLE_OUT_OF_ORDER_TOTAL),
                "out of order",
                color=WARNING,
            ),
        ),
    )
    yield TimeSeries(
        key="head-series",
        title="Series in memory",
        description="Series that Prometheus holds at the moment. It needs some kilobytes for each: "
        "a line that climbs for days ends with a Prometheus that is killed, and takes every page "
        "with it.",
        queries=(
            Query(
                "series",
                greatest(metrics.PROMETHEUS_TSDB_HEAD_SERIES.select(), ("instance",)),
                "{{instance}}",
            ),
        ),
    )
