"""What no real server has shown: families of each source that are known from source code only."""

from __future__ import annotations

from collections.abc import Sequence

from llmdash.documents.markdown import cell, code, table
from llmdash.metrics.metric import Metric
from llmdash.metrics.seen import EXTENDED, seen_of
from llmdash.sources.source import Source

TITLE = "## Never seen on a real server"


def never_seen(sources: Sequence[Source]) -> str:
    """Return the section as Markdown: counts by source, then the families by what they need."""
    parts = [
        f"{TITLE}\n",
        "These families were read from the exporters' code and documents: no server that ran has "
        "shown them to us. Queries over them are proven on pages generated from the catalogue.\n",
        _counts(sources),
        *(_families(source, sources) for source in sources),
    ]
    return "\n".join(part for part in parts if part)


def was_seen(source: Source, family: str) -> bool:
    """Tell whether a real exporter has shown a family, under whatever prefix."""
    catalogue, spoken = source.dialect.prefix
    return not {family, catalogue + family.removeprefix(spoken)}.isdisjoint(
        seen_of(source.exporter)
    )


def unseen(source: Source) -> tuple[Metric, ...]:
    """Return the families of a source that no real exporter has shown."""
    return tuple(metric for metric in source.metrics if not was_seen(source, metric.name))


def _counts(sources: Sequence[Source]) -> str:
    rows = []
    for source in sources:
        missing = len(unseen(source))
        known = len(source.metrics)
        rows.append([cell(source.title), str(known), str(known - missing), str(missing)])
    return table(["source", "families", "seen", "never seen"], rows)


def _families(source: Source, sources: Sequence[Source]) -> str:
    """List a source's families; those of the exporter that it extends are listed there."""
    extended = EXTENDED.get(source.exporter)
    elsewhere = {m.name for s in sources if s.exporter == extended for m in s.metrics}
    by_reason: dict[str, list[str]] = {}
    for metric in unseen(source):
        if metric.name not in elsewhere:
            by_reason.setdefault(_reason(metric), []).append(metric.name)
    if not by_reason:
        return ""
    rows = [
        [cell(reason), str(len(names)), " ".join(code(name) for name in names)]
        for reason, names in sorted(by_reason.items())
    ]
    head = ["shown only with", "families", "which"]
    return f"### {cell(source.title)}: never seen\n\n{table(head, rows)}"


def _reason(metric: Metric) -> str:
    if metric.needs:
        return ", ".join(need.value for need in metric.needs)
    return f"releases {metric.versions}" if metric.versions.last else "nothing special"
