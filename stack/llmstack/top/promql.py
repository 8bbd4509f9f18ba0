"""Questions as PromQL: all figures of one kind of server in one expression, marked by a label."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from llmstack.scraping.engines import Engine
from llmstack.scraping.families import Family, Match
from llmstack.top.engines import Watched
from llmstack.top.figures import QUANTILE, Figure
from llmstack.top.forms import Form, Level, Mean, Quantile, Ranked, Rate, Worked

#: The label that says which figure a sample is.
FIGURE = "figure"
#: What Prometheus adds to every series.
TARGET = ("job", "instance")


def question(watched: Watched, window: str) -> str:
    """Return the expression that answers all figures of a kind of server.

    Args:
        watched: the kind of server.
        window: over which counters are read, as Prometheus writes times.
    """
    asked = _Asked(watched.engine, window)
    return marked((figure, asked.expression(form)) for figure, form in watched.asked.items())


def marked(expressions: Iterable[tuple[Figure, str]]) -> str:
    """Return one expression of several, each with the name of its figure in a label."""
    return " or ".join(
        f'label_replace({expression}, "{FIGURE}", "{figure.value}", "", "")'
        for figure, expression in expressions
    )


def quantile(buckets: str, by: str) -> str:
    """Return the quantile of buckets, over series that may have unlike edges.

    Buckets are added up where as many series have their edge as have any: across releases with
    other edges a sum of the rest would count too few.

    Args:
        buckets: an expression whose samples have the label `le`.
        by: the other labels of the result.
    """
    edges = f"count by ({by}, le) ({buckets})"
    shared = f"{edges} == on ({by}) group_left () max by ({by}) ({edges})"
    summed = f"sum by ({by}, le) ({buckets}) and on ({by}, le) ({shared})"
    return f"histogram_quantile({QUANTILE}, {summed})"


@dataclass(frozen=True)
class _Asked:
    """One kind of server, over a window."""

    engine: Engine
    window: str

    def expression(self, form: Form) -> str:
        """Return the expression of a form."""
        by = self.engine.model_label
        match form:
            case Quantile(families):
                found = quantile(self._growth(*(family.buckets for family in families)), by)
                return found if form.scale == 1 else f"{found} * {form.scale}"
            case Mean(total, count):
                sums = (f"sum by ({by}) ({self._growth(each)})" for each in (total, count))
                return f"{' / '.join(sums)} * {total.scale}"
            case Rate(families):
                return f"sum by ({by}) ({self._growth(*families)})"
            case Level(families, is_highest, otherwise):
                found = " or ".join(map(self._select, families))
                if otherwise is not None:
                    found = f"{found} or {self._worked(otherwise)}"
                return f"{'max' if is_highest else 'sum'} by ({by}) ({found})"
            case Ranked(families, scheduler):
                names = "|".join(family.name for family in families)
                series = f'{{__name__=~"{names}", {self._matchers(())}}}'
                # Names stay apart, so that one queue is not taken for another's rank.
                each = ", ".join(("__name__", *TARGET, *scheduler, by))
                return f"sum by ({by}) (max by ({each}) ({series}))"

    def _growth(self, *families: Family) -> str:
        """Return what the first family that a server shows grows by in a second."""
        return " or ".join(f"rate({self._select(family)}[{self.window}])" for family in families)

    def _worked(self, form: Worked) -> str:
        by = ", ".join(form.by)
        left, right = self._select(form.left), self._select(form.right)
        return f"on ({by}) ({left} {form.operator} on ({by}) {right})"

    def _select(self, family: Family) -> str:
        return f"{family.name}{{{self._matchers(family.where)}}}"

    def _matchers(self, where: Iterable[Match]) -> str:
        return ", ".join(map(str, (*self.engine.identity, *where)))
