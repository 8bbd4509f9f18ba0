"""`signals.md`: every signal against every source: gaps, and the metrics behind each answer."""

from __future__ import annotations

from collections.abc import Sequence

from llmdash.documents.markdown import NOTICE, cell, code, table
from llmdash.documents.never_seen import never_seen, was_seen
from llmdash.metrics import prometheus
from llmdash.signals import SIGNALS, Form, Signal
from llmdash.sources.answer import Answer, DistributionAnswer, families_of
from llmdash.sources.source import Source

GAP = "–"


def signals_table(sources: Sequence[Source]) -> str:
    """Return the page as Markdown."""
    parts = [
        NOTICE,
        "# Signals\n",
        "What each source can be asked. `–` is a gap: content that needs the signal is left out "
        "for that source. *mean only* is a weaker answer: averages, no quantiles. What was never "
        "*seen on a real server* is proven on a page generated from the catalogue only.\n",
        _matrix(sources),
        *(_details(source) for source in sources),
        never_seen(sources),
    ]
    return "\n".join(parts)


def _matrix(sources: Sequence[Source]) -> str:
    titles = (cell(source.title) for source in sources)
    head = ["signal", "form", "unit", "grouped by", *titles]
    rows = [
        [
            code(asked.name),
            asked.form.value,
            str(asked.unit),
            _grouping(asked),
            *(_verdict(source, asked) for source in sources),
        ]
        for asked in SIGNALS
    ]
    return table(head, rows)


def _grouping(asked: Signal) -> str:
    if not asked.split_by:
        return ""
    values = f": {', '.join(asked.values)}" if asked.values else ""
    return f"{code(asked.split_by)}{values}"


def _verdict(source: Source, asked: Signal) -> str:
    answer = source.answer(asked.name)
    if answer is None:
        return GAP
    words = ["mean only" if is_weaker(asked, answer) else "yes"]
    since = source.answered_since(asked.name)
    if since is not None:
        words.append(f"from {since}")
    needs = source.answer_needs(asked.name)
    if needs:
        words.append(f"needs {', '.join(need.value for need in needs)}")
    return cell(", ".join(words))


def is_weaker(asked: Signal, answer: Answer) -> bool:
    """Tell whether a source knows only the mean of what is asked as a distribution."""
    return (
        asked.form is Form.DISTRIBUTION
        and isinstance(answer, DistributionAnswer)
        and answer.buckets is None
    )


def _details(source: Source) -> str:
    rows = []
    for asked in SIGNALS:
        answer = source.answer(asked.name)
        if answer is None:
            rows.append([code(asked.name), GAP, GAP, GAP, ""])
            continue
        families = list(families_of(answer))
        rows.append(
            [
                code(asked.name),
                "<br>".join(code(family) for family in families),
                _edges(answer),
                _seen(source, families),
                cell(answer.note),
            ]
        )
    head = ["signal", "metrics, newest name first", "bucket edges", "seen on a real server", "note"]
    releases = source.dialect.versions
    title = f"## {source.title}\n\nReleases: {releases}. Role: {source.role.value}. "
    identity = ", ".join(f'{m.label}{m.operator}"{m.value}"' for m in source.dialect.identity)
    return f"{title}Identified by {code('{' + identity + '}')}.\n\n{table(head, rows)}"


def _edges(answer: Answer) -> str:
    edges = getattr(answer, "canonical_edges", None)
    if edges is None:
        return ""
    if edges.varies_by:
        return f"1, 2, 5, 10, 20 … up to the model's length ({edges.unit})"
    values = " ".join(f"{value:g}" for value in edges.values)
    return f"{values} ({edges.unit})"


def _seen(source: Source, families: Sequence[str]) -> str:
    """Say which of the families real servers have shown; an older name is seldom among them."""
    if set(families) <= {metric.name for metric in prometheus.METRICS}:
        return "made by Prometheus"
    seen = [family for family in families if was_seen(source, family)]
    if len(seen) == len(families):
        return "yes"
    if not seen:
        return "generated only"
    return f"partly: {', '.join(code(family) for family in seen)}"
