"""A fake Grafana of several releases."""

from __future__ import annotations

from llmdash.testing.grafana.profiles import (
    GRAFANA_9,
    GRAFANA_10,
    GRAFANA_11,
    GRAFANA_12,
    GRAFANA_13,
    PROFILES,
    Profile,
)
from llmdash.testing.grafana.replies import Reply
from llmdash.testing.grafana.server import PAGE, PASSWORD, TOKEN, USER, FakeGrafana

__all__ = [
    "GRAFANA_9",
    "GRAFANA_10",
    "GRAFANA_11",
    "GRAFANA_12",
    "GRAFANA_13",
    "PAGE",
    "PASSWORD",
    "PROFILES",
    "TOKEN",
    "USER",
    "FakeGrafana",
    "Profile",
    "Reply",
]
