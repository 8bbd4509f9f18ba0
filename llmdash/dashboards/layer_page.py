"""What pages over recordings share: the series that a reader has chosen, and what is asked of them.

A page speaks of one role; where it sets a gateway beside the engines it has two of these.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from llmdash.dashboards.dashboard import Annotation
from llmdash.dashboards.source_page import alerts_firing
from llmdash.dashboards.variables import DashboardVariable, DatasourceVariable, QueryVariable
from llmdash.layer import Layer, by_variables, of_role
from llmdash.promql.expressions import greatest, mean_of, quantile, share_of, total
from llmdash.promql.nodes import Expr, Selector, Variable
from llmdash.sources.source import Role


@dataclass(frozen=True)
class LayerPage:
    """Asks the recordings of one role, narrowed by the variables of the page."""

    layer: Layer
    role: Role = Role.ENGINE
    variables: tuple[str, ...] = ("source", "model")
    #: One source alone, where a page stands for one of several of its role.
    source: str = ""

    def has(self, name: str, *, buckets: bool = False) -> bool:
        """Tell whether a source of the role answers a signal (with buckets, when asked)."""
        return self.layer.has(name, buckets=buckets, role=self.role)

    def chosen(self, selector: Selector) -> Selector:
        """Return the role's series of what the reader has chosen."""
        chosen = by_variables(of_role(selector, self.role), self.variables)
        return chosen.where(source=self.source) if self.source else chosen

    def choices(self, *names: str) -> tuple[DashboardVariable, ...]:
        """Return the choices at the top of the page, each narrowed by those before it."""
        series = of_role(self.layer.counter("requests"), self.role)
        found: list[DashboardVariable] = [DatasourceVariable()]
        for name in names:
            found.append(QueryVariable(name=name, selector=series, of=name))
            series = by_variables(series, (name,))
        return tuple(found)

    def of_source(self, selector: Selector) -> Selector:
        """Return the role's series that no model names (`up`), of the sources chosen."""
        names = [name for name in self.variables if name == "source"]
        return by_variables(of_role(selector, self.role), names)

    def rates(self, name: str) -> Selector:
        """Return a counter's recorded rates, as chosen."""
        return self.chosen(self.layer.counter(name))

    def gauge(self, name: str, operation: str = "") -> Selector:
        """Return a recorded gauge, as chosen."""
        return self.chosen(self.layer.gauge(name, operation))

    def counter(self, name: str, by: Sequence[str] = ()) -> Expr:
        """Return a counter's rate by labels."""
        return total(self.rates(name), by)

    def error_share(self, by: Sequence[str] = ()) -> Expr:
        """Return failed requests among all; none counted yet is zero, as long as others are."""
        ended = self.counter("requests", by)
        failed = total(self.rates("requests").where(outcome="error"), by)
        return share_of(failed, ended)

    def seconds(self, name: str, by: Sequence[str] = ()) -> Expr:
        """Return the rate of a distribution's sum by labels."""
        return total(self.chosen(self.layer.sums(name)), by)

    def mean(self, name: str, by: Sequence[str] = ()) -> Expr:
        """Return a distribution's mean by labels, weighted by what was observed."""
        observed = total(self.chosen(self.layer.counts(name)), by)
        return mean_of(self.seconds(name, by), observed)

    def quantile(self, name: str, share: float, by: Sequence[str]) -> Expr:
        """Return a quantile by labels among which is the source, so that edges are its own."""
        return quantile(share, total(self.chosen(self.layer.buckets(name)), (*by, "le")))

    def ratio(self, name: str, by: Sequence[str] = ()) -> Expr:
        """Return a ratio by labels, weighted by what was counted."""
        top, bottom = (total(self.chosen(part), by) for part in self.layer.ratio(name))
        return top / bottom

    def fullest(self, by: Sequence[str] = ()) -> Expr:
        """Return the KV cache use of the fullest engine by labels."""
        return greatest(self.gauge("kv_cache_use", "max"), by)

    def events(self) -> Iterator[Annotation]:
        """Yield what is drawn over all graphs: restarts, other configurations, alerts."""
        if self.has("start_time"):
            yield Annotation(
                key="engine-restart",
                name="Engine restart",
                expr=self.of_source(self.layer.gauge("start_time")),
                title="Restart on {{source}}",
                text="The youngest server process of the source started.",
                color="orange",
                time_is_value=True,
            )
        if self.has("configuration_changes"):
            yield Annotation(
                key="configuration-change",
                name="Configuration change",
                expr=self.of_source(self.layer.gauge("configuration_changes")) > 0,
                title="New configuration on {{source}}",
                text="An engine runs with a configuration not seen in the hour before.",
                color="purple",
            )
        yield alerts_firing(Variable("source"))
