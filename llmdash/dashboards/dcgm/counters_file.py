"""What the exporter's default counters leave out: said once, for all panels that stay empty."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from llmdash.dashboards.panels import Panel, Text
from llmdash.metrics.metric import Needs
from llmdash.promql.nodes import Binary, Expr, Selector
from llmdash.sources.source import Source


def counters_file_panels(source: Source, panels: Iterable[Panel]) -> Iterator[Panel]:
    """Yield one text that names those of some panels which need a counters file of one's own."""
    by_name = {metric.name: metric for metric in source.metrics}
    extra = {name for name, metric in by_name.items() if Needs.OWN_COUNTERS in metric.needs}
    titles = [
        panel.title
        for panel in panels
        if panel.queries and all(is_empty_without(query.expr, extra) for query in panel.queries)
    ]
    if titles:
        yield Text(
            key="counters-file",
            markdown="**No data?** The exporter's default counters leave out what some panels ask "
            f"for: {', '.join(titles)}. Start it with {Needs.OWN_COUNTERS.value} that has these "
            "fields too: each panel's query names its own.",
            height=2,
        )


def is_empty_without(expression: Expr, families: Iterable[str]) -> bool:
    """Tell whether nothing is left of an expression without these families.

    Of the alternatives of an `or` any is enough; of everything else that is joined, none may lack.
    """
    lacking = frozenset(families)
    if isinstance(expression, Selector):
        return expression.series.family in lacking
    found = [is_empty_without(child, lacking) for child in expression.children()]
    if isinstance(expression, Binary) and expression.operator == "or":
        return all(found)
    if isinstance(expression, Binary) and expression.operator == "unless":
        return found[0]
    return any(found)
