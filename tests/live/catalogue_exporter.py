"""A small exporter on loopback that plays any catalogue: all families, all labels, moving values."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from llmdash.metrics.metric import Counter, Gauge, Histogram, Metric, Summary
from tests.live.made_series import (
    OBSERVATIONS_PER_SECOND,
    STARTED,
    Style,
    label_sets,
    motion,
    observations,
    pace,
    wave,
)

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
DEFAULT_STYLE = Style()


def exposition(metrics: Sequence[Metric], style: Style, now: float) -> str:
    """Return the metrics page of a catalogue at a moment, in Prometheus's text format."""
    lines: list[str] = []
    for metric in metrics:
        lines.append(f"# HELP {metric.name} Made from the catalogue.")
        lines.append(f"# TYPE {metric.name} {metric.kind}")
        for labels in label_sets(metric, style):
            lines += (
                f"{name}{_braces({**labels, **part})} {value!r}"
                for name, part, value in _samples(metric, labels, style, now)
            )
    return "\n".join(lines) + "\n"


Sample = tuple[str, dict[str, str], float]


def _samples(metric: Metric, labels: dict[str, str], style: Style, now: float) -> Iterator[Sample]:
    """Yield the samples of one series, or of the parts of one histogram or summary."""
    since = now - STARTED
    match metric:
        case Counter():
            yield metric.name, {}, float(int(pace(metric, labels) * since))
        case Gauge():
            yield metric.name, {}, motion(metric, labels).at(wave(since, labels), now)
        case Histogram():
            yield from _histogram(metric, style, since)
        case Summary():
            yield from _summary(metric, since)


def _histogram(metric: Histogram, style: Style, since: float) -> Iterator[Sample]:
    values = observations(metric)
    count = int(OBSERVATIONS_PER_SECOND * since)
    rounds, rest = divmod(count, len(values))
    for edge in metric.edges:
        below = sum(value <= edge for value in values)
        seen = rounds * below + sum(value <= edge for value in values[:rest])
        yield f"{metric.name}_bucket", {"le": style.edge(edge)}, float(seen)
    yield f"{metric.name}_bucket", {"le": "+Inf"}, float(count)
    yield f"{metric.name}_sum", {}, rounds * sum(values) + sum(values[:rest])
    yield f"{metric.name}_count", {}, float(count)


def _summary(metric: Summary, since: float) -> Iterator[Sample]:
    count = float(int(OBSERVATIONS_PER_SECOND * since))
    mean = 0.5 / metric.unit.scale
    for quantile in metric.quantiles:
        yield metric.name, {"quantile": f"{quantile:g}"}, mean * (0.5 + quantile)
    yield f"{metric.name}_sum", {}, mean * count
    yield f"{metric.name}_count", {}, count


def _braces(labels: dict[str, str]) -> str:
    # No value that we make up holds a quote, a backslash or a new line.
    return "{" + ",".join(f'{name}="{value}"' for name, value in labels.items()) + "}"


@dataclass(frozen=True)
class CatalogueExporter:
    """A running exporter."""

    target: str
    metrics_path: str

    @property
    def metrics_url(self) -> str:
        """The page that Prometheus scrapes."""
        return f"http://{self.target}{self.metrics_path}"


@contextmanager
def catalogue_exporter(
    metrics: Sequence[Metric], metrics_path: str = "/metrics", style: Style = DEFAULT_STYLE
) -> Iterator[CatalogueExporter]:
    """Serve the page of a catalogue until the block ends; it differs at each look."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path != metrics_path:
                self.send_error(404)
                return
            page = exposition(metrics, style, time.time()).encode()
            self.send_response(200)
            self.send_header("Content-Type", CONTENT_TYPE)
            self.send_header("Content-Length", str(len(page)))
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing of requests that were answered."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, name="catalogue", daemon=True)
    thread.start()
    try:
        yield CatalogueExporter(f"127.0.0.1:{server.server_address[1]}", metrics_path)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
