"""The catalogue's metrics as objects that count: names, labels and edges are stated there alone."""

from __future__ import annotations

import prometheus_client
from prometheus_client import CollectorRegistry

from llmdash.metrics import metric as catalogue
from llmstack.histogram import Histogram


def counter(metric: catalogue.Counter, registry: CollectorRegistry) -> prometheus_client.Counter:
    """Return a counter of the catalogue, registered."""
    # The library writes `_total` behind the name itself.
    name = metric.name.removesuffix("_total")
    return prometheus_client.Counter(name, _help(metric), metric.labels.names, registry=registry)


def gauge(metric: catalogue.Gauge, registry: CollectorRegistry) -> prometheus_client.Gauge:
    """Return a gauge of the catalogue, registered."""
    names = metric.labels.names
    return prometheus_client.Gauge(metric.name, _help(metric), names, registry=registry)


def histogram(metric: catalogue.Histogram, registry: CollectorRegistry) -> Histogram:
    """Return a histogram of the catalogue with its edges, registered."""
    return Histogram(metric.name, _help(metric), metric.labels.names, metric.edges or (), registry)


def _help(metric: catalogue.Metric) -> str:
    words = metric.name.replace("_", " ").capitalize()
    return f"{words}. {metric.note}" if metric.note else f"{words}."
