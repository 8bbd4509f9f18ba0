"""Alerts: limits on expressions, each with a severity, a runbook and a panel."""

from __future__ import annotations

from llmdash.alerts.kv_cache import kv_cache_alerts

#: By subject, in the order of their files; each yields what the sources of a pack can tell.
ALERTS = (kv_cache_alerts,)
