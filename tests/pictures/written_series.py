"""Series of a made evening as a scrape would show them: counters that rise, histograms, gauges."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from llmdash.metrics import prometheus
from llmdash.metrics.metric import Histogram, Metric
from tests.pictures.evening import STEP, Values, noise

Labels = Mapping[str, str]

_ERF = np.vectorize(math.erf, otypes=[float])


@dataclass(frozen=True)
class WrittenSeries:
    """One series with a value for each scrape; NaN where a scrape does not show it."""

    name: str
    labels: Labels
    values: Values


def gauge(metric: Metric, labels: Labels, values: Values | float, size: int) -> WrittenSeries:
    """Return a gauge, given in the base of its unit."""
    return WrittenSeries(metric.name, labels, np.broadcast_to(values, size) / metric.unit.scale)


def scraped(target: Labels, size: int, samples: int) -> Iterator[WrittenSeries]:
    """Yield what Prometheus adds about a target that answers in time."""
    seconds = 0.01 + 2e-5 * samples * (1 + 0.1 * noise(str(target), size, 4))
    yield gauge(prometheus.UP, target, 1, size)
    yield gauge(prometheus.SCRAPE_DURATION_SECONDS, target, seconds, size)
    yield gauge(prometheus.SCRAPE_SAMPLES_SCRAPED, target, samples, size)
    yield gauge(prometheus.SCRAPE_SAMPLES_POST_METRIC_RELABELING, target, samples, size)
    yield gauge(prometheus.SCRAPE_SERIES_ADDED, target, 0, size)


def counter(
    metric: Metric, labels: Labels, rate: Values | float, size: int, *, whole: bool = True
) -> WrittenSeries:
    """Return a counter that rises at a rate, given in the base of its unit per second."""
    risen = np.cumsum(np.broadcast_to(rate, size) * STEP) / metric.unit.scale
    return WrittenSeries(metric.name, labels, np.floor(risen) if whole else risen)


def histogram(
    metric: Histogram, labels: Labels, rate: Values, median: Values | float, spread: float
) -> Iterator[WrittenSeries]:
    """Yield a histogram of observations at a rate, lognormal around a median in its base unit."""
    middle = np.broadcast_to(median, rate.shape) / metric.unit.scale
    seen = rate * STEP
    count = np.floor(np.cumsum(seen))
    for edge in metric.edges:
        z = np.log(edge / middle) / (spread * math.sqrt(2))
        below: NDArray[np.float64] = 0.5 * (1 + _ERF(z))
        bucket = np.minimum(np.floor(np.cumsum(seen * below)), count)
        yield WrittenSeries(f"{metric.name}_bucket", {**labels, "le": repr(float(edge))}, bucket)
    yield WrittenSeries(f"{metric.name}_bucket", {**labels, "le": "+Inf"}, count)
    yield WrittenSeries(f"{metric.name}_count", labels, count)
    total = np.cumsum(seen * middle * math.exp(spread**2 / 2))
    yield WrittenSeries(f"{metric.name}_sum", labels, total)


def write_openmetrics(
    file: Path, series: Iterable[WrittenSeries], moments: Sequence[int], chosen: slice
) -> int:
    """Write a part of the evening, and return the number of series."""
    stamps = moments[chosen]
    written = 0
    with file.open("w") as output:
        for each in series:
            inside = ",".join(f'{name}="{value}"' for name, value in each.labels.items())
            head = f"{each.name}{{{inside}}}"
            output.writelines(
                f"{head} {value:.10g} {stamp}\n"
                for value, stamp in zip(each.values[chosen], stamps, strict=True)
                if not math.isnan(value)
            )
            written += 1
        output.write("# EOF\n")
    return written
