"""What must be there before a panel shows anything, said out of the catalogue."""

from __future__ import annotations

from collections.abc import Sequence

from llmdash.metrics.metric import Metric, Needs, version_key
from llmdash.sources.source import Source


def with_conditions(source: Source, text: str, *metrics: Metric) -> str:
    """Return a description that also says what all of these families need, and since when."""
    return " ".join((text, *_conditions(source, metrics)))


def _conditions(source: Source, metrics: Sequence[Metric]) -> list[str]:
    found = []
    needs = _shared([metric.needs for metric in metrics])
    if needs:
        found.append(f"Needs {needs}.")
    idle = _shared([metric.idle_without for metric in metrics])
    if idle:
        found.append(f"Stays at zero without {idle}.")
    since = _since(source, metrics)
    if since:
        found.append(f"From {source.title} {since}.")
    return found


def _shared(needs: Sequence[tuple[Needs, ...]]) -> str:
    shared = set(needs[0]).intersection(*needs)
    return " and ".join(need.value for need in needs[0] if need in shared)


def _since(source: Source, metrics: Sequence[Metric]) -> str:
    """Return the release from which all families are there, unless the source begins with it."""
    dated = [metric.versions.first for metric in metrics if metric.versions.first]
    latest = max(dated, key=version_key, default="")
    first = source.dialect.versions.first
    if latest and first and version_key(latest) <= version_key(first):
        return ""
    return latest
