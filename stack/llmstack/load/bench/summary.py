"""What a comparison comes to, as data: figures with intervals, percentiles and differences."""

from __future__ import annotations

from llmstack.load.bench.columns import Comparison
from llmstack.load.bench.differences import differences
from llmstack.load.bench.pooled import percentiles, pooled
from llmstack.load.bench.student import CONFIDENCE
from llmstack.load.results import PERCENTS, Document


def summary(comparison: Comparison) -> Document:
    """Return it for the results; latencies are in seconds, differences shares of the first's."""
    return {
        "confidence": CONFIDENCE,
        "figures": {
            figure.key: {
                column.name: {
                    "mean": found.mean,
                    "half": found.half,
                    "rounds": found.count,
                }
                for column in comparison.columns
                if (found := column.interval(figure)) is not None
            }
            for figure in comparison.figures()
        },
        "percentiles": {
            metric: {
                column.name: {
                    f"p{percent:g}": value
                    for percent, value in zip(PERCENTS, percentiles(found, PERCENTS), strict=True)
                }
                for column in comparison.columns
                if (found := pooled(column.runs.values(), metric)) is not None
            }
            for metric in ("ttft", "itl", "tpot", "e2e")
        },
        "differences": [
            {
                "figure": each.figure.key,
                "of": each.of,
                "beside": each.beside,
                "share": each.share,
                "low": each.bounds[0],
                "high": each.bounds[1],
                "rounds": each.interval.count,
                "is_told": each.is_told,
            }
            for each in differences(comparison)
        ],
    }
