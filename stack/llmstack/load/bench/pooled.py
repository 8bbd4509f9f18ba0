"""Percentiles over the requests of several runs: their histograms are added up, and asked once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

# It carries no types.
from hdrh.histogram import HdrHistogram  # type: ignore[import-untyped]

from llmstack.load.distribution import STEP
from llmstack.load.results import Document

#: Where a curve over percentiles has its points: dense where tails are.
CURVE = (
    *(5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55, 60, 65, 70, 75, 80, 85, 90),
    *(92.5, 95, 96, 97, 98, 99, 99.5, 99.9),
)


def pooled(runs: Iterable[Document], metric: str) -> HdrHistogram | None:
    """Return the histogram of a latency (ttft, itl, tpot, e2e) over runs; None where there is none.

    It counts steps of a hundredth of a millisecond (`distribution.STEP`).
    """
    found = None
    for run in runs:
        text = run["histograms"].get(metric)
        if text is None:
            continue
        one = HdrHistogram.decode(text)
        if found is None:
            found = one
        else:
            found.add(one)
    return found


def percentiles(histogram: HdrHistogram, percents: Sequence[float]) -> list[float]:
    """Return percentiles in seconds."""
    found = histogram.get_percentile_to_value_dict(list(percents))
    return [float(found[percent]) * STEP for percent in percents]


def curve(histogram: HdrHistogram) -> list[tuple[float, float]]:
    """Return points of the percentiles, in percent and seconds; none beyond what was seen.

    Of a hundred requests the 99.9th percentile is the slowest one, and no percentile.
    """
    most = 100 * (1 - 1 / max(2, histogram.total_count))
    percents = [percent for percent in CURVE if percent <= most]
    return list(zip(percents, percentiles(histogram, percents), strict=True))
