"""A family that no panel and no rule reads is left out for a reason, not by oversight."""

from __future__ import annotations

from collections.abc import Iterator

from llmdash.build import Build
from llmdash.pack import DEFAULT
from llmdash.problems import Problem
from llmdash.unused import reasons_for


def unused_metric_has_reason(build: Build) -> Iterator[Problem]:
    """Yield a problem for each family of the default pack that is neither read nor explained.

    A pack of one's own may leave out whatever it likes.
    """
    if build.pack != DEFAULT:
        return
    for coverage in build.coverage:
        exporter = coverage.source.exporter
        for metric in coverage.unused:
            name = coverage.catalogue_name(metric)
            if not any(reasons_for(exporter, name, metric)):
                message = f"nothing reads {metric.name}: show it, or say why not in unused.py"
                yield Problem(
                    f"coverage of {coverage.source.name}", message, "unused_metric_has_reason"
                )
