"""What Prometheus knows of its targets, its alerts and itself.

The first two groups are written by Prometheus itself and stand on no /metrics page.
"""

from __future__ import annotations

from llmdash.metrics.metric import Counter, Gauge, Needs, Summary, all_metrics, labels
from llmdash.promql.units import BYTES, COUNT, SECONDS, STATE, TIMESTAMP, base

NOTIFICATIONS = base("alerts")
EVALUATIONS = base("evaluations")
ITERATIONS = base("iterations")
SAMPLES = base("samples")
SERIES = base("series")
TARGETS = base("targets")

# Rule files are part of the value: `<path>;<name of the group>`.
GROUP = labels("rule_group")
POOL = labels("scrape_job")
# The labels of our own alerts; any other label of a rule or of its expression joins them.
ALERT_LABELS = ("alertname", "severity", "source", "role", "model")
MAY_LACK = frozenset({"severity", "source", "role", "model"})

# Targets; the labels are those of the target alone

UP = Gauge(
    name="up",
    unit=STATE,
    bounds=(0, 1),
    note="0 when a scrape fails; gone when the target is no longer discovered.",
)

SCRAPE_DURATION_SECONDS = Gauge(name="scrape_duration_seconds", unit=SECONDS)

SCRAPE_SAMPLES_SCRAPED = Gauge(
    name="scrape_samples_scraped",
    unit=SAMPLES,
    note="As the target exposed them, before any are dropped by relabelling.",
)

SCRAPE_SAMPLES_POST_METRIC_RELABELING = Gauge(
    name="scrape_samples_post_metric_relabeling", unit=SAMPLES
)

SCRAPE_SERIES_ADDED = Gauge(
    name="scrape_series_added",
    unit=SERIES,
    note="New series of one scrape, roughly; a value that stays above 0 is churn.",
)

SCRAPE_TIMEOUT_SECONDS = Gauge(
    name="scrape_timeout_seconds", unit=SECONDS, needs=(Needs.EXTRA_SCRAPE_METRICS,)
)

SCRAPE_SAMPLE_LIMIT = Gauge(
    name="scrape_sample_limit",
    unit=SAMPLES,
    needs=(Needs.EXTRA_SCRAPE_METRICS,),
    note="0 where there is no limit.",
)

SCRAPE_BODY_SIZE_BYTES = Gauge(
    name="scrape_body_size_bytes", unit=BYTES, needs=(Needs.EXTRA_SCRAPE_METRICS,)
)

# Alerts; the series end when an alert does

ALERTS = Gauge(
    name="ALERTS",
    unit=STATE,
    labels=labels(*ALERT_LABELS, is_open=True, alertstate=("pending", "firing")),
    optional_labels=MAY_LACK,
    bounds=(1, 1),
    needs=(Needs.PROMETHEUS_ALERTS,),
    note="Always 1: there is no series for an alert that is not active.",
)

ALERTS_FOR_STATE = Gauge(
    name="ALERTS_FOR_STATE",
    unit=TIMESTAMP,
    labels=labels(*ALERT_LABELS, is_open=True),
    optional_labels=MAY_LACK,
    needs=(Needs.PROMETHEUS_ALERTS,),
    note="When the alert became pending; survives a restart of Prometheus.",
)

# Evaluation of rules

PROMETHEUS_RULE_EVALUATIONS_TOTAL = Counter(
    name="prometheus_rule_evaluations_total",
    unit=EVALUATIONS,
    labels=GROUP,
    needs=(Needs.PROMETHEUS_RULES,),
)

PROMETHEUS_RULE_EVALUATION_FAILURES_TOTAL = Counter(
    name="prometheus_rule_evaluation_failures_total",
    unit=EVALUATIONS,
    labels=GROUP,
    needs=(Needs.PROMETHEUS_RULES,),
    note="A rule that fails writes nothing, so its alert cannot fire. All groups start at 0.",
)

PROMETHEUS_RULE_GROUP_ITERATIONS_TOTAL = Counter(
    name="prometheus_rule_group_iterations_total",
    unit=ITERATIONS,
    labels=GROUP,
    needs=(Needs.PROMETHEUS_RULES,),
    note="Counts missed iterations too.",
)

PROMETHEUS_RULE_GROUP_ITERATIONS_MISSED_TOTAL = Counter(
    name="prometheus_rule_group_iterations_missed_total",
    unit=ITERATIONS,
    labels=GROUP,
    needs=(Needs.PROMETHEUS_RULES,),
    note="Missed because the evaluation before took longer than the interval.",
)

PROMETHEUS_RULE_GROUP_INTERVAL_SECONDS = Gauge(
    name="prometheus_rule_group_interval_seconds",
    unit=SECONDS,
    labels=GROUP,
    needs=(Needs.PROMETHEUS_RULES,),
)

PROMETHEUS_RULE_GROUP_LAST_DURATION_SECONDS = Gauge(
    name="prometheus_rule_group_last_duration_seconds",
    unit=SECONDS,
    labels=GROUP,
    needs=(Needs.PROMETHEUS_RULES,),
)

PROMETHEUS_RULE_GROUP_LAST_EVALUATION_TIMESTAMP_SECONDS = Gauge(
    name="prometheus_rule_group_last_evaluation_timestamp_seconds",
    unit=TIMESTAMP,
    labels=GROUP,
    needs=(Needs.PROMETHEUS_RULES,),
)

PROMETHEUS_RULE_GROUP_LAST_EVALUATION_SAMPLES = Gauge(
    name="prometheus_rule_group_last_evaluation_samples",
    unit=SAMPLES,
    labels=GROUP,
    needs=(Needs.PROMETHEUS_RULES,),
)

PROMETHEUS_RULE_GROUP_RULES = Gauge(
    name="prometheus_rule_group_rules",
    unit=base("rules"),
    labels=GROUP,
    needs=(Needs.PROMETHEUS_RULES,),
)

# Scraping

PROMETHEUS_TARGET_SCRAPE_POOL_TARGETS = Gauge(
    name="prometheus_target_scrape_pool_targets", unit=TARGETS, labels=POOL
)

PROMETHEUS_TARGET_INTERVAL_LENGTH_SECONDS = Summary(
    name="prometheus_target_interval_length_seconds",
    unit=SECONDS,
    labels=labels("interval"),
    quantiles=(0.01, 0.05, 0.5, 0.9, 0.99),
    note="The time between two scrapes as it was, by the interval that was asked for.",
)

PROMETHEUS_TARGET_SCRAPES_EXCEEDED_SAMPLE_LIMIT_TOTAL = Counter(
    name="prometheus_target_scrapes_exceeded_sample_limit_total",
    unit=base("scrapes"),
    note="The whole scrape is thrown away.",
)

PROMETHEUS_TARGET_SCRAPES_SAMPLE_DUPLICATE_TIMESTAMP_TOTAL = Counter(
    name="prometheus_target_scrapes_sample_duplicate_timestamp_total", unit=SAMPLES
)

PROMETHEUS_TARGET_SCRAPES_SAMPLE_OUT_OF_ORDER_TOTAL = Counter(
    name="prometheus_target_scrapes_sample_out_of_order_total", unit=SAMPLES
)

# Delivery of alerts

PROMETHEUS_NOTIFICATIONS_ALERTMANAGERS_DISCOVERED = Gauge(
    name="prometheus_notifications_alertmanagers_discovered",
    unit=COUNT,
    note="0 means that alerts reach nobody.",
)

PROMETHEUS_NOTIFICATIONS_SENT_TOTAL = Counter(
    name="prometheus_notifications_sent_total",
    unit=NOTIFICATIONS,
    labels=labels("alertmanager"),
    needs=(Needs.ALERTMANAGER,),
    note="Counts those that failed too.",
)

PROMETHEUS_NOTIFICATIONS_ERRORS_TOTAL = Counter(
    name="prometheus_notifications_errors_total",
    unit=NOTIFICATIONS,
    labels=labels("alertmanager"),
    needs=(Needs.ALERTMANAGER,),
    note="2.x counts failed sendings, 3.x the alerts in them.",
)

PROMETHEUS_NOTIFICATIONS_DROPPED_TOTAL = Counter(
    name="prometheus_notifications_dropped_total", unit=NOTIFICATIONS
)

PROMETHEUS_NOTIFICATIONS_QUEUE_LENGTH = Gauge(
    name="prometheus_notifications_queue_length", unit=NOTIFICATIONS
)

PROMETHEUS_NOTIFICATIONS_QUEUE_CAPACITY = Gauge(
    name="prometheus_notifications_queue_capacity", unit=NOTIFICATIONS
)

# The server itself

PROMETHEUS_CONFIG_LAST_RELOAD_SUCCESSFUL = Gauge(
    name="prometheus_config_last_reload_successful", unit=STATE, bounds=(0, 1)
)

PROMETHEUS_TSDB_HEAD_SERIES = Gauge(name="prometheus_tsdb_head_series", unit=SERIES)

PROMETHEUS_TSDB_WAL_CORRUPTIONS_TOTAL = Counter(
    name="prometheus_tsdb_wal_corruptions_total", unit=base("corruptions")
)

PROMETHEUS_TSDB_COMPACTIONS_FAILED_TOTAL = Counter(
    name="prometheus_tsdb_compactions_failed_total", unit=base("compactions")
)

PROMETHEUS_BUILD_INFO = Gauge(
    name="prometheus_build_info",
    unit=STATE,
    labels=labels("branch", "goarch", "goos", "goversion", "revision", "version", "tags"),
    optional_labels=frozenset({"tags"}),
    bounds=(1, 1),
    note="2.x has no tags.",
)

METRICS = all_metrics(globals())
