"""Alerts: limits on expressions, each with a severity, a runbook and a panel."""

from __future__ import annotations

from llmdash.alerts.adapters import adapter_alerts
from llmdash.alerts.buckets import bucket_alerts
from llmdash.alerts.failures import failure_alerts
from llmdash.alerts.gpu_errors import gpu_error_alerts
from llmdash.alerts.gpu_limits import gpu_limit_alerts
from llmdash.alerts.kv_cache import kv_cache_alerts
from llmdash.alerts.latency import latency_alerts
from llmdash.alerts.queue import queue_alerts
from llmdash.alerts.replicas import replica_alerts
from llmdash.alerts.serving import serving_alerts
from llmdash.alerts.speculation import speculation_alerts
from llmdash.alerts.watching import watching_alerts

#: By subject, whoever is served first; each yields what the sources of a pack can tell.
ALERTS = (
    serving_alerts,
    failure_alerts,
    latency_alerts,
    queue_alerts,
    kv_cache_alerts,
    replica_alerts,
    speculation_alerts,
    adapter_alerts,
    gpu_error_alerts,
    gpu_limit_alerts,
    bucket_alerts,
    watching_alerts,
)
