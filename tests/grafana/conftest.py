"""A Grafana to push to: the fake of each release, or a real one by its address."""

from __future__ import annotations

from llmdash.testing import fake_grafana

__all__ = ["fake_grafana"]
