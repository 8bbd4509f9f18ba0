"""Groups of rules as the plain data of a file that Prometheus reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llmdash.alerts.alert import AlertGroup
from llmdash.alerts.links import Links
from llmdash.promql.printer import RULES, to_text
from llmdash.recordings import RuleGroup


def rule_file(groups: Sequence[RuleGroup]) -> dict[str, Any]:
    """Return a file of recordings."""
    return {"groups": [_rule_group(group) for group in groups]}


def _rule_group(group: RuleGroup) -> dict[str, Any]:
    rules = []
    for recording in group.recordings:
        rule = {"record": recording.name, "expr": to_text(recording.expr, RULES)}
        rules.append({**rule, "labels": dict(recording.labels)} if recording.labels else rule)
    return {"name": group.name, "interval": str(group.interval), "rules": rules}


def alert_file(group: AlertGroup, links: Links) -> dict[str, Any]:
    """Return a file of alerts, with the addresses that each links to."""
    rules = []
    for alert in group.alerts:
        rule: dict[str, Any] = {"alert": alert.name, "expr": to_text(alert.expr, RULES)}
        if alert.wait is not None:
            rule["for"] = str(alert.wait)
        if alert.keep_firing is not None:
            rule["keep_firing_for"] = str(alert.keep_firing)
        told = {"labels": alert.static_labels, "annotations": links.annotations(alert)}
        rules.append({**rule, **told})
    made = {"name": group.name, "interval": str(group.interval), "rules": rules}
    return {"groups": [made]}
