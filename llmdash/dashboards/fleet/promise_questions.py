"""What the page of promises asks: their series and alerts, narrowed to what is chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from llmdash.dashboards.panel import Threshold
from llmdash.dashboards.policy import BURN_EVENLY, LEAST_DRAWN
from llmdash.dashboards.style import BAD, WARNING
from llmdash.dashboards.variables import DashboardVariable, DatasourceVariable, QueryVariable
from llmdash.layer import by_variables
from llmdash.metrics.prometheus import ALERTS
from llmdash.promql.expressions import (
    aggregate,
    call,
    count,
    joined,
    least,
    not_equal,
    or_zero,
    total,
)
from llmdash.promql.nodes import Expr, Matcher, Selector
from llmdash.promql.windows import Duration
from llmdash.slos.series import SloSeries
from llmdash.slos.tiers import Severity
from llmdash.slos.windows import HOUR, TILE

_ROLE = "role"


@dataclass(frozen=True)
class PromiseQuestions:
    """Asks what promises record; only those that some source can tell of have any series."""

    series: SloSeries

    @property
    def names(self) -> tuple[str, ...]:
        """By what lines differ. A source has one role, so that is left out of their names."""
        return tuple(name for name in self.series.labels if name != _ROLE)

    @property
    def windows(self) -> tuple[Duration, ...]:
        """Over what tiers judge, the shortest first; the last hour is recorded always."""
        found = {tier.long for slo in self.series.slos for tier in slo.policy.tiers}
        return tuple(sorted(found | {HOUR}))

    @property
    def has_fast(self) -> bool:
        """Tell whether a promise has a tier by a stricter measure."""
        return any(slo.policy.fast is not None for slo in self.series.slos)

    def choices(self) -> tuple[DashboardVariable, ...]:
        """Return the choices at the top of the page, each narrowed by those before it."""
        series = self.series.events("total", TILE)
        found: list[DashboardVariable] = [DatasourceVariable()]
        for name in self.names:
            label = "Promise" if name == "slo" else ""
            found.append(QueryVariable(name=name, label=label, selector=series, of=name))
            series = by_variables(series, (name,))
        return tuple(found)

    def chosen(self, selector: Selector) -> Selector:
        """Return the series of what the reader has chosen."""
        return by_variables(selector, self.names)

    # --- budgets ---------------------------------------------------------------------------------

    def budget_left(self) -> Expr:
        """Return the share of each budget that is left."""
        return self._line(self.chosen(self.series.budget_left()))

    def exhaustion(self) -> Expr:
        """Return how long each budget lasts at the speed of the last hour."""
        return self._line(self.chosen(self.series.exhaustion()))

    def coverage(self) -> Expr:
        """Return the share of each period's hours that were counted."""
        return self._line(self.chosen(self.series.coverage()))

    def objective(self) -> Expr:
        """Return what is promised, for each line."""
        there = aggregate("group", self._total(HOUR), self.names)
        return joined(there, "*", self.series.objective(), on=("slo",), group_left=())

    def burn(self, window: Duration) -> Expr:
        """Return how many times faster than evenly the events of a window spend the budget."""
        return self._line(self._burn(window))

    def burn_limits(self, window: Duration) -> tuple[Threshold, ...]:
        """Return from where a burn spends too much, and from where tiers of a window fire."""
        found = {BURN_EVENLY: WARNING}
        for slo in self.series.slos:
            for tier in slo.policy.tiers:
                if tier.long == window:
                    pages = tier.severity is Severity.PAGE
                    found[tier.factor(slo.period)] = BAD if pages else WARNING
        return tuple(Threshold(value, color) for value, color in sorted(found.items()))

    def forecast(self, window: Duration) -> Expr:
        """Return what is left a period from now, when all of it has been as a window is."""
        return 1 - self.burn(window)

    def far_beyond(self) -> Expr:
        """Return the share of events that are bad by the stricter measure of fast tiers."""
        tolerable, everything = (
            total(self.chosen(self.series.events(kind, TILE)), self.names)
            for kind in ("tolerable", "total")
        )
        return (everything - tolerable) / everything

    # --- events ----------------------------------------------------------------------------------

    def events(self, by: Sequence[str]) -> Expr:
        """Return all events of the hour before."""
        return total(self._total(HOUR), by)

    def bad(self, by: Sequence[str]) -> Expr:
        """Return the bad events of the hour before."""
        good = self.chosen(self.series.events("good", HOUR))
        return total(call("clamp_min", self._total(HOUR) - good, 0), by)

    def eaten(self, name: str) -> Expr:
        """Return the share of a promise's whole budget that bad events of an hour took, by a label.

        The budget is that of all its lines together, so that bands add up to what it lost. Roles
        stay apart, since a gateway and the engine behind it count the same requests.
        """
        promise = ("slo", _ROLE)
        everything = total(self.chosen(self.series.of_period("total")), promise)
        share = 1 - self.series.objective()
        allowed = joined(everything, "*", share, on=("slo",), group_left=())
        bad = self.bad((*promise, name))
        return joined(bad, "/", allowed, on=promise, group_left=())

    def eaten_labels(self, name: str) -> tuple[str, ...]:
        """Return by what the bands of `eaten` differ."""
        return tuple(dict.fromkeys(("slo", _ROLE, name)))

    # --- alerts ----------------------------------------------------------------------------------

    def burning(self, severity: Severity | None = None) -> Selector:
        """Return the burn alerts that fire; they are the alerts with a tier."""
        found = self.chosen(ALERTS.select(not_equal("tier", ""), alertstate="firing"))
        return found if severity is None else found.where(severity=severity.label)

    def uncounted(self) -> Selector:
        """Return the alerts of promises that are no longer counted; these have no tier."""
        no_tier = Matcher("tier", "=", "")
        found = ALERTS.select(not_equal("slo", ""), no_tier, alertstate="firing")
        return by_variables(found, ("slo", "source"))

    def firing(self) -> Expr:
        """Return how many tiers fire, for each line; none is zero."""
        return or_zero(count(self.burning(), self.names), count(self._total(HOUR), self.names))

    def _total(self, window: Duration) -> Selector:
        return self.chosen(self.series.events("total", window))

    def _burn(self, window: Duration) -> Expr:
        if window == HOUR:
            return self.chosen(self.series.burn())
        good = self.chosen(self.series.events("good", window))
        return self.series.spent(good, self._total(window))

    def _line(self, of: Expr) -> Expr:
        # There is one series for each line: nothing is combined, only the role left out.
        return least(of, self.names)


def drawn(left: Expr) -> Expr:
    """Return what is left of a budget, no lower than a graph goes."""
    return call("clamp_min", left, LEAST_DRAWN)
