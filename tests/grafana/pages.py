"""Small dashboards to push, and a push of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from llmdash.grafana.actions import Policy
from llmdash.grafana.client import Client
from llmdash.grafana.credentials import Credentials
from llmdash.grafana.delivery import Delivery, Outcome
from llmdash.grafana.push import Options, Planned, plan_push
from llmdash.grafana.wanted import FolderPath, Wanted, WantedDashboard
from llmdash.testing.grafana import TOKEN

DATASOURCE = {
    "name": "Prometheus",
    "uid": "llmdash-prometheus",
    "type": "prometheus",
    "access": "proxy",
    "url": "http://prometheus:9090",
    "isDefault": True,
    "editable": False,
    "jsonData": {"httpMethod": "POST", "timeInterval": "15s"},
}


def panel(number: int, title: str, **more: Any) -> dict[str, Any]:
    """A graph of one query."""
    return {
        "id": number,
        "type": "timeseries",
        "title": title,
        "gridPos": {"x": 0, "y": 0, "w": 12, "h": 8},
        "fieldConfig": {"defaults": {"unit": "s"}, "overrides": []},
        "targets": [{"refId": "A", "expr": "up"}],
        **more,
    }


def page(uid: str = "llm-a", title: str = "", **more: Any) -> dict[str, Any]:
    """A dashboard as the build makes it."""
    return {
        "id": None,
        "uid": uid,
        "title": title or f"Page {uid}",
        "tags": ["llmdash"],
        "refresh": "30s",
        "schemaVersion": 42,
        "panels": [panel(1, "Queue")],
        "templating": {"list": []},
        "annotations": {"list": []},
        **more,
    }


def wanted(*contents: dict[str, Any], folder: FolderPath = ("LLM",)) -> Wanted:
    """What is to be pushed: pages of one folder."""
    return Wanted(tuple(WantedDashboard(folder, each) for each in contents), DATASOURCE)


def client_of(url: str, **more: Any) -> Client:
    """A client that waits for nothing."""
    given = {"credentials": Credentials(token=TOKEN), "wait": lambda _: None, **more}
    return Client(url, **given)


def pushed(
    url: str,
    what: Wanted,
    backups: Path | None = None,
    *,
    client: Client | None = None,
    **more: Any,
) -> tuple[Planned, list[Outcome]]:
    """Push, with what a policy or the options allow; the plan and the outcomes."""
    names = {
        "overwrite_edits",
        "adopted",
        "prune",
        "is_confirmed",
        "owner",
        "uid_prefix",
        "largest_prune",
    }
    policy = Policy(**{name: value for name, value in more.items() if name in names})
    options = Options(policy, **{name: value for name, value in more.items() if name not in names})
    client = client or client_of(url)
    planned = plan_push(client, what, options)
    delivery = Delivery(client, planned, backups or Path("/nonexistent/backups"))
    return planned, list(delivery.carry_out())


def verbs(outcomes: Sequence[Outcome]) -> dict[str, str]:
    """What was done with each dashboard, by uid; what failed is said."""
    return {
        outcome.action.uid: "failed"
        if outcome.state.value == "failed"
        else outcome.action.verb.value
        for outcome in outcomes
        if outcome.action.kind.value == "dashboard"
    }
