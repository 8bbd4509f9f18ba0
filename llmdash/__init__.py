"""llmdash: Grafana dashboards and Prometheus rules for LLM inference servers, built from Python.

The names of a user's pack; each is imported when it is first asked for, so that the command starts
quickly. Pages are written with `llmdash.dashboards.panels` and `llmdash.promql.expressions`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llmdash.alerts import ALERTS
    from llmdash.alerts.alert import Alert
    from llmdash.alerts.limits import Limits
    from llmdash.dashboards.dashboard import Dashboard
    from llmdash.errors import LlmdashError
    from llmdash.intervals import Intervals
    from llmdash.layer import Layer
    from llmdash.metrics.metric import Versions
    from llmdash.pack import DEFAULT, Pack
    from llmdash.prices import Prices
    from llmdash.promql.windows import Duration
    from llmdash.slos.defaults import AVAILABILITY_ESTIMATE, SLOS
    from llmdash.slos.slo import Begun, Outcomes, Slo, Up, Within
    from llmdash.slos.tiers import Fast, Tier
    from llmdash.sources.app import app
    from llmdash.sources.dcgm import dcgm
    from llmdash.sources.gateway import gateway
    from llmdash.sources.load import load
    from llmdash.sources.sglang import sglang
    from llmdash.sources.source import Source
    from llmdash.sources.triton import triton
    from llmdash.sources.triton_trtllm import triton_trtllm
    from llmdash.sources.triton_vllm import triton_vllm
    from llmdash.sources.trtllm import trtllm
    from llmdash.sources.vllm import vllm

__all__ = [
    "ALERTS",
    "AVAILABILITY_ESTIMATE",
    "DEFAULT",
    "SLOS",
    "Alert",
    "Begun",
    "Dashboard",
    "Duration",
    "Fast",
    "Intervals",
    "Layer",
    "Limits",
    "LlmdashError",
    "Outcomes",
    "Pack",
    "Prices",
    "Slo",
    "Source",
    "Tier",
    "Up",
    "Versions",
    "Within",
    "app",
    "dcgm",
    "gateway",
    "load",
    "sglang",
    "triton",
    "triton_trtllm",
    "triton_vllm",
    "trtllm",
    "vllm",
]

_HOMES = {
    "ALERTS": "llmdash.alerts",
    "AVAILABILITY_ESTIMATE": "llmdash.slos.defaults",
    "DEFAULT": "llmdash.pack",
    "SLOS": "llmdash.slos.defaults",
    "Alert": "llmdash.alerts.alert",
    "Begun": "llmdash.slos.slo",
    "Dashboard": "llmdash.dashboards.dashboard",
    "Duration": "llmdash.promql.windows",
    "Fast": "llmdash.slos.tiers",
    "Intervals": "llmdash.intervals",
    "Layer": "llmdash.layer",
    "Limits": "llmdash.alerts.limits",
    "LlmdashError": "llmdash.errors",
    "Outcomes": "llmdash.slos.slo",
    "Pack": "llmdash.pack",
    "Prices": "llmdash.prices",
    "Slo": "llmdash.slos.slo",
    "Source": "llmdash.sources.source",
    "Tier": "llmdash.slos.tiers",
    "Up": "llmdash.slos.slo",
    "Versions": "llmdash.metrics.metric",
    "Within": "llmdash.slos.slo",
    "app": "llmdash.sources.app",
    "dcgm": "llmdash.sources.dcgm",
    "gateway": "llmdash.sources.gateway",
    "load": "llmdash.sources.load",
    "sglang": "llmdash.sources.sglang",
    "triton": "llmdash.sources.triton",
    "triton_trtllm": "llmdash.sources.triton_trtllm",
    "triton_vllm": "llmdash.sources.triton_vllm",
    "trtllm": "llmdash.sources.trtllm",
    "vllm": "llmdash.sources.vllm",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
