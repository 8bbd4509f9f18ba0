"""`cookbook.md`: every signal with its queries, printed from the code that the dashboards use."""

from __future__ import annotations

from collections.abc import Sequence

from llmdash.documents.markdown import NOTICE, fenced
from llmdash.layer import Layer, of_role
from llmdash.promql.expressions import mean_of, quantile, total
from llmdash.promql.nodes import Expr
from llmdash.promql.printer import RULES, to_text
from llmdash.promql.windows import Window
from llmdash.signals import SIGNALS, Form, Signal
from llmdash.sources.answer import (
    Answer,
    CounterAnswer,
    DistributionAnswer,
    GaugeAnswer,
    RatioAnswer,
    Term,
)

Recipe = tuple[str, Expr]


def cookbook(layer: Layer) -> str:
    """Return the page as Markdown."""
    window = layer.intervals.rate_window
    parts = [
        NOTICE,
        "# PromQL cookbook\n",
        "Each question with its query: first over the recordings (one query for every engine), "
        f"then as each exporter answers by itself, with a window of {window}.\n",
    ]
    for asked in SIGNALS:
        if layer.has(asked.name):
            parts.append(f"## {asked.title}\n\n{asked.question}\n")
            if asked.is_recorded:
                parts += _section("Over recordings, any source", _recorded(layer, asked))
            for source in layer.sources:
                answer = source.answer(asked.name)
                if answer is not None:
                    parts += _section(source.title, _raw(asked, answer, window))
    return "\n".join(parts)


def _section(title: str, recipes: Sequence[Recipe]) -> list[str]:
    return [f"### {title}\n", *(f"{name}:\n\n{fenced(to_text(e, RULES))}" for name, e in recipes)]


def _recorded(layer: Layer, asked: Signal) -> list[Recipe]:
    role = next(source.role for source in layer.sources if asked.name in source.answers)
    by = ["source", "model"]
    if asked.form is Form.RATIO:
        top, bottom = (total(of_role(part, role), by) for part in layer.ratio(asked.name))
        return [("ratio", top / bottom)]
    if asked.form is Form.DISTRIBUTION:
        sums, counts = (of_role(part(asked.name), role) for part in (layer.sums, layer.counts))
        found: list[Recipe] = []
        if layer.has(asked.name, buckets=True):
            buckets = of_role(layer.buckets(asked.name), role)
            found.append(("95th percentile", quantile(0.95, total(buckets, [*by, "le"]))))
        return [*found, ("mean", mean_of(total(sums, by), total(counts, by)))]
    if asked.form is Form.COUNTER:
        grouping = [*by, *([asked.split_by] if asked.split_by else [])]
        rates = of_role(layer.counter(asked.name), role)
        return [("per second", total(rates, grouping))]
    return [(_COMBINED[how], of_role(layer.gauge(asked.name, how), role)) for how in asked.combine]


_COMBINED = {"sum": "total", "avg": "mean of engines", "max": "greatest", "count": "number"}


def _raw(asked: Signal, answer: Answer, window: Window) -> list[Recipe]:
    match answer:
        case CounterAnswer():
            return [
                (
                    _named("per second", term),
                    answer.per_second(window, _by(asked, term), term=place),
                )
                for place, term in enumerate(answer.terms)
            ]
        case GaugeAnswer():
            return [
                (
                    _named(_COMBINED[how], term),
                    answer.combined(how, _by(asked, term), term=place),
                )
                for how in asked.combine
                for place, term in enumerate(answer.terms)
            ]
        case DistributionAnswer():
            by = _by(asked, answer.sum)
            mean = ("mean", answer.mean(window, by))
            if answer.buckets is None:
                return [mean]
            return [("95th percentile", answer.quantile(0.95, window, by)), mean]
        case RatioAnswer():
            return [("ratio", answer.quotient(window, _by(asked, answer.numerator)))]


def _by(asked: Signal, term: Term) -> list[str]:
    have = dict(term.labels)
    return [name for name in ("model", asked.split_by) if name in have]


def _named(what: str, term: Term) -> str:
    fixed = ", ".join(f"{label} {value}" for label, value in term.fixed)
    return f"{what}, {fixed}" if fixed else what
