"""A page on GPUs: every answer by GPU, now, a while ago, or over a window."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from llmdash.dashboards.panels import Panel, Query, TimeSeries
from llmdash.dashboards.source_page import SourcePage
from llmdash.dashboards.style import hue
from llmdash.dashboards.variables import DashboardVariable
from llmdash.promql.expressions import call, convert, count, first_of
from llmdash.promql.nodes import Expr, Selector
from llmdash.promql.rewrite import map_selectors
from llmdash.promql.windows import RANGE, Window, window
from llmdash.signals import signal
from llmdash.sources.answer import Term

#: What a person calls a GPU: the index within its node. A UUID would be exact and say nothing.
BY_GPU = ("instance", "gpu")
LEGEND = "{{instance}} GPU {{gpu}}"
#: The lines of tables also name what kind of GPU it is.
MODEL = "modelName"
BY_GPU_AND_MODEL = (*BY_GPU, MODEL)

#: Slices of one GPU have memory of their own, which adds up; the rest holds for the whole GPU.
_OF_SLICES = frozenset({"gpu_memory_used", "gpu_memory_free", "gpu_memory_reserved"})


@dataclass(frozen=True)
class GpuPage(SourcePage):
    """Asks a source's answers of each GPU."""

    def variables(self) -> tuple[DashboardVariable, ...]:
        """Return the choices at the top of the page, of which one is no common word."""
        return tuple(
            replace(each, label="GPU") if each.name == "gpu" else each
            for each in super().variables()
        )

    def now(self, name: str, by: Sequence[str] = BY_GPU) -> Expr:
        """Return a gauge of each GPU."""
        return self.gauge(name, "sum" if name in _OF_SLICES else "max", by)

    def gpus(self) -> Expr:
        """Return how many GPUs there are: each draws power, also one that is cut into slices."""
        return self.gauge("gpu_power", "count")

    def increased(
        self, name: str, by: Sequence[str] = (), length: Window | str = RANGE, term: int = 0
    ) -> Expr:
        """Return how much one term of a counter grew within a window (the time on screen)."""
        part = self._term(name, term)
        grown = self._over(part, "increase", window(length))
        return convert(part.grouped("sum", grown, by), signal(name).unit)

    def at_its_most(self, name: str, length: Window | str) -> Expr:
        """Return the greatest value of each GPU's gauge within a window."""
        part = self._term(name)
        greatest = self._over(part, "max_over_time", window(length))
        return convert(part.grouped("max", greatest, BY_GPU), signal(name).unit)

    def codes_seen(self, name: str, by: Sequence[str], label: str) -> Expr:
        """Return how often a code changed in the time on screen, at least.

        A code that stands in a label too makes a new series, in which nothing changes; so there
        the series are counted.
        """
        part = self._term(name)
        seen = part.grouped("max", self._over(part, "present_over_time", RANGE), (*by, label))
        changes = part.grouped("sum", self._over(part, "changes", RANGE), by)
        return changes + (count(seen, by) - 1)

    def _term(self, name: str, place: int = 0) -> Term:
        return self._answer(name).terms[place].narrowed(self.matchers())

    def _over(self, part: Term, function: str, length: Window, *more: float) -> Expr:
        """Return a function over a window of each series, in the unit of the newest name."""
        found: list[Expr] = []
        for each in part.alternatives:
            assert isinstance(each, Selector)  # what an exporter shows has samples to look back on
            value = call(function, each.over(length), *more)
            found.append(convert(value, found[0].unit) if found else value)
        return first_of(*found, ignoring=part.ignoring)

    def described(self, name: str, text: str) -> str:
        """Return a description that also says what a server needs before there is an answer."""
        needs = " and ".join(need.value for need in self.source.answer_needs(name))
        return f"{text} Needs {needs}." if needs else text

    def graph(self, name: str, title: str, text: str, *, width: int = 8) -> Iterator[Panel]:
        """Yield a line for each GPU, where the source answers."""
        if self.has(name):
            yield TimeSeries(
                key=name.replace("_", "-").removeprefix("gpu-"),
                title=title,
                description=self.described(name, text),
                queries=(Query("value", self.now(name), LEGEND, color=hue(name)),),
                width=width,
            )


def ago(of: Expr, length: str) -> Expr:
    """Return an expression as it was some time ago."""
    return map_selectors(of, lambda selector: selector.offset(length))
