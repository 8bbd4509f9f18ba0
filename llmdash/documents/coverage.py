"""`coverage.md`: which families of each exporter the pages and rules read, and why not the rest."""

from __future__ import annotations

from collections.abc import Sequence

from llmdash.coverage import Coverage
from llmdash.documents.markdown import NOTICE, cell, code, table
from llmdash.metrics.metric import Metric
from llmdash.unused import reasons_for

NONE = "–"
#: Said of a family that this pack happens not to read.
LEFT_OUT = "No page and no rule of this pack reads it."


def coverage_report(covered: Sequence[Coverage]) -> str:
    """Return the page as Markdown."""
    parts = [
        NOTICE,
        "# Coverage\n",
        "How much of what each exporter shows is read by a panel with a description of its own, "
        "or by a rule; variables and events do not count. *By default* are the families that need "
        "no setting, only the hardware.\n",
        _counts(covered),
        *(_left_out(coverage) for coverage in covered),
    ]
    return "\n".join(part for part in parts if part)


def _counts(covered: Sequence[Coverage]) -> str:
    rows = []
    for coverage in covered:
        row = [cell(coverage.source.title)]
        for families in (coverage.by_default, coverage.source.metrics):
            share = f"{coverage.share_of(families):.0%}" if families else NONE
            row += [str(len(families)), str(coverage.used_of(families)), share]
        rows.append(row)
    return table(["source", "by default", "used", "share", "all families", "used", "share"], rows)


def _left_out(coverage: Coverage) -> str:
    """Return the families that nobody reads, by the reason for it."""
    by_reason: dict[str, list[Metric]] = {}
    for metric in coverage.unused:
        by_reason.setdefault(why_unused(coverage, metric), []).append(metric)
    if not by_reason:
        return ""
    rows = [
        [cell(reason), str(len(metrics)), " ".join(code(metric.name) for metric in metrics)]
        for reason, metrics in by_reason.items()
    ]
    title = f"## {cell(coverage.source.title)}: not used\n"
    return f"{title}\n{table(['why', 'families', 'which'], rows)}"


def why_unused(coverage: Coverage, metric: Metric) -> str:
    """Return why nobody reads a family."""
    name = coverage.catalogue_name(metric)
    reasons = reasons_for(coverage.source.exporter, name, metric)
    return next((reason.text for reason in reasons), LEFT_OUT)
