"""The same alerts as rules of Grafana's own, for those who alert from there.

Each rule asks Prometheus the alert's expression and fires for every series that comes back, as
Prometheus does: whatever the value is, also when it is not a number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Any

from llmdash.alerts.alert import Alert, AlertGroup
from llmdash.alerts.links import Links
from llmdash.dashboards.identifiers import identifier
from llmdash.promql.printer import RULES, to_text
from llmdash.promql.windows import Duration

#: The names of the three steps, as Grafana calls them when it converts rules of Prometheus.
QUERY, MATH, THRESHOLD = "query", "prometheus_math", "threshold"
#: The datasource of what Grafana computes itself.
EXPRESSIONS = "__expr__"

#: Grafana evaluates rules at multiples of ten seconds and refuses other intervals.
_STEP = 10_000
#: How far back an instant query is told to look; Prometheus itself decides.
_LOOKS_BACK = 600
#: What Grafana adds to each step; said, so that what it holds is what was sent.
_SIZE = {"intervalMs": 1000, "maxDataPoints": 43200}
#: A title may have 190 characters; some are left to tell like ones apart.
_LONGEST_TITLE = 180


def managed_rules(
    groups: Sequence[AlertGroup], links: Links, datasource_uid: str, folder: str
) -> dict[str, Any]:
    """Return the alerts as a file that provisions rules of Grafana's.

    Args:
        groups: the alerts, as Prometheus evaluates them.
        links: the addresses that each links to, and the pages with their panels.
        datasource_uid: the Prometheus that is asked.
        folder: the title of the folder that the rules stand in.
    """
    alerts = [alert for group in groups for alert in group.alerts]
    titles = dict(zip(map(id, alerts), _titles(alerts), strict=True))
    return {
        "apiVersion": 1,
        "groups": [
            {
                "orgId": 1,
                "name": group.name,
                "folder": folder,
                "interval": str(_evaluated(group.interval)),
                "rules": [
                    _rule(alert, titles[id(alert)], links, datasource_uid) for alert in group.alerts
                ],
            }
            for group in groups
        ],
    }


def _evaluated(interval: Duration) -> Duration:
    return Duration(-(-interval.milliseconds // _STEP) * _STEP)


def _titles(alerts: Sequence[Alert]) -> Iterator[str]:
    """Yield a title for each alert: its name, and what tells it from others of the name.

    Titles are the alerts' names in Grafana, and no folder may hold one twice.
    """
    times = Counter(alert.name for alert in alerts)
    used: Counter[str] = Counter()
    for alert in alerts:
        words = [alert.name]
        if times[alert.name] > 1:
            words += [value for _, value in sorted(alert.labels.items())]
        title = " ".join(words)[:_LONGEST_TITLE]
        used[title] += 1
        yield title if used[title] == 1 else f"{title} {used[title]}"


def _rule(alert: Alert, title: str, links: Links, datasource_uid: str) -> dict[str, Any]:
    rule: dict[str, Any] = {
        "uid": f"llm-{sha256(title.encode()).hexdigest()[:16]}",
        "title": title,
        "condition": THRESHOLD,
        "data": list(_steps(to_text(alert.expr, RULES), datasource_uid)),
        "noDataState": "OK",
        "execErrState": "Error",
        "for": str(alert.wait) if alert.wait is not None else "0s",
    }
    if alert.keep_firing is not None:
        rule["keepFiringFor"] = str(alert.keep_firing)
    told = links.annotations(alert)
    rule["annotations"] = {name: _of_grafana(text) for name, text in told.items()}
    if alert.panel is not None and "dashboard_url" in told:
        rule["dashboardUid"] = alert.panel.uid
        rule["panelId"] = identifier(alert.panel.panel)
    rule["labels"] = alert.static_labels
    rule["isPaused"] = False
    return rule


def _of_grafana(text: str) -> str:
    # There $value is a text that tells all steps; the number is that of the query.
    return text.replace("$value", f"$values.{QUERY}.Value")


def _steps(expr: str, datasource_uid: str) -> Iterator[dict[str, Any]]:
    asked = {
        "refId": QUERY,
        "datasource": {"type": "prometheus", "uid": datasource_uid},
        "expr": expr,
        "instant": True,
        "range": False,
    }
    yield _step(asked, datasource_uid, _LOOKS_BACK)
    is_there = " || ".join(f"{test}(${QUERY})" for test in ("is_number", "is_nan", "is_inf"))
    yield _step({"refId": MATH, "type": "math", "expression": is_there}, EXPRESSIONS, 0)
    above = [{"evaluator": {"type": "gt", "params": [0]}}]
    fires = {"refId": THRESHOLD, "type": "threshold", "expression": MATH, "conditions": above}
    yield _step(fires, EXPRESSIONS, 0)


def _step(model: dict[str, Any], datasource_uid: str, looks_back: int) -> dict[str, Any]:
    if datasource_uid == EXPRESSIONS:
        model = {**model, "datasource": {"type": EXPRESSIONS, "uid": EXPRESSIONS}}
    return {
        "refId": model["refId"],
        "queryType": "",
        "relativeTimeRange": {"from": looks_back, "to": 0},
        "datasourceUid": datasource_uid,
        "model": {**model, **_SIZE},
    }
