"""Every name that is asked for is exposed by a source of the pack, by Prometheus, or recorded."""

from __future__ import annotations

from collections.abc import Iterator

from llmdash.build import Build
from llmdash.checks.parsed import metric_names, readable
from llmdash.levels import Level
from llmdash.metrics import prometheus
from llmdash.metrics.metric import Histogram
from llmdash.problems import Problem
from llmdash.promql.labels import with_nearest

#: How the names of our recordings begin.
RECORDED = tuple(f"{level.value}:" for level in Level)


def metric_is_known(build: Build) -> Iterator[Problem]:
    """Yield a problem for each name that nothing in the pack produces."""
    known = set(build.recorded_names())
    for source in build.pack.sources:
        for metric in source.metrics:
            known.update(metric.series_names())
            if build.pack.native_histograms and isinstance(metric, Histogram):
                known.add(metric.name)
    for metric in prometheus.METRICS:
        known.update(metric.series_names())
    for expression, tree in readable(build):
        for name in sorted(set(metric_names(tree)) - known):
            if not build.is_recorded and name.startswith(RECORDED):
                continue
            message = with_nearest(f"nothing exposes or records {name}", name, known)
            yield Problem(expression.place, message, "metric_is_known")
