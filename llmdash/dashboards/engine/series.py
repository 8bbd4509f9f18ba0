"""What pages of an engine ask beyond its answers to signals.

The labels that tell engines apart, gauges averaged over a window, and histograms that answer no
signal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from llmdash.dashboards.source_page import SourcePage
from llmdash.errors import SourceError
from llmdash.metrics.metric import Histogram
from llmdash.promql.expressions import over_time
from llmdash.promql.nodes import Expr, Selector
from llmdash.promql.windows import RATE_INTERVAL
from llmdash.signals import Form, Signal
from llmdash.sources.answer import DistributionAnswer, GaugeAnswer


def engine_labels(page: SourcePage) -> tuple[str, ...]:
    """Return the exporter's labels by which no two engines are alike."""
    own = dict(page.source.dialect.labels)
    inside = tuple(own.get(name, name) for name in page.source.instance_labels)
    return (page.model, "instance", *inside)


def engine_legend(page: SourcePage) -> str:
    """Return a legend that names an engine: its model, its instance, its rank if it has one."""
    model, instance, *inside = (f"{{{{{label}}}}}" for label in engine_labels(page))
    return " ".join((model, instance, *(f"engine {rank}" for rank in inside)))


def note_of(page: SourcePage, name: str) -> str:
    """Return what the source's answer asks the reader to know, ready to end a description."""
    note = page.source.answers[name].note
    return f" {note}" if note else ""


def averaged(
    page: SourcePage, name: str, operator: str = "sum", by: Sequence[str] = (), term: int = 0
) -> Expr:
    """Return one term of a gauge, each series averaged over the window that rates look back on.

    What is divided by it or compared with a rate is then of the same stretch of time.

    Raises:
        SourceError: the source's answer is no gauge.
    """
    answer = page.source.answers.get(name)
    if not isinstance(answer, GaugeAnswer):
        raise SourceError(f"{name} of {page.source.name} is no gauge")
    chosen = answer.terms[term]
    # What is computed from several series has no samples to look back on, and stays as it is.
    smooth = tuple(
        over_time("avg", each, RATE_INTERVAL) if isinstance(each, Selector) else each
        for each in chosen.alternatives
    )
    over = replace(answer, terms=(replace(chosen, alternatives=smooth),))
    return over.combined(operator, by, page.matchers())


def distribution_of(page: SourcePage, histogram: Histogram) -> DistributionAnswer:
    """Return a histogram of the source's own, to be asked as an answer to a signal is.

    Raises:
        SourceError: no release of the source has it.
    """
    asked = Signal(
        histogram.name, histogram.name, histogram.note, Form.DISTRIBUTION, histogram.unit
    )
    answer = page.source.dialect.distribution(asked, histogram)
    if not isinstance(answer, DistributionAnswer):
        raise SourceError(f"{page.source.name} never exposes {histogram.name}")
    return answer
