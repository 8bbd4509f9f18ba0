"""What promises record: a typed selector for each series, by promise, source and grouping."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from llmdash.levels import Level, recorded_name
from llmdash.promql.expressions import call, joined
from llmdash.promql.facts import Bounds, Usage
from llmdash.promql.labels import LabelSet
from llmdash.promql.nodes import Expr, Selector
from llmdash.promql.series import Series
from llmdash.promql.units import RATIO, SECONDS, Unit
from llmdash.promql.windows import Duration
from llmdash.slos.counting import EVENTS
from llmdash.slos.slo import Slo

#: Good events, all events, and those that are good by the stricter measure of the fast tier.
Kind = Literal["good", "total", "tolerable"]
#: In the order that they are recorded in: the others read how many there are.
KINDS: tuple[Kind, ...] = ("total", "good", "tolerable")
#: What longer windows and periods are made of.
COUNTED: tuple[Kind, ...] = ("good", "total")

#: No traffic is no burn: 0 bad of this many is none.
ALMOST_NONE = 1e-9


@dataclass(frozen=True)
class SloSeries:
    """The series that the promises of a pack record."""

    slos: tuple[Slo, ...]
    #: The sources that some promise is measured on.
    sources: tuple[str, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """By what series are told apart: the promise, where it is measured, and for whom."""
        return (
            "slo",
            "source",
            "role",
            *dict.fromkeys(name for slo in self.slos for name in slo.by),
        )

    def events(self, kind: Kind, window: Duration) -> Selector:
        """Return the events of a window."""
        return self._select(f"slo_{kind}", f"increase{window}", EVENTS)

    def hour(self, kind: Kind) -> Selector:
        """Return the events of an hour, one sample for each."""
        return self._select(f"slo_{kind}", "hour", EVENTS)

    def of_period(self, kind: Kind) -> Selector:
        """Return the events of each promise's whole period, up to the last full hour."""
        return self._select(f"slo_{kind}", "period", EVENTS)

    def objective(self) -> Selector:
        """Return the share of events that is promised to be good."""
        return self._select("slo_objective", "ratio", RATIO, (0, 1), ("slo",))

    def budget_left(self) -> Selector:
        """Return the share of the period's budget that is left; below zero it is overspent."""
        return self._select("slo_budget_left", "ratio", RATIO, (None, 1))

    def burn(self) -> Selector:
        """Return how many times faster than evenly the last hour spent the budget."""
        return self._select("slo_burn", "ratio1h", RATIO, (0, None))

    def exhaustion(self) -> Selector:
        """Return when the budget is gone at the last hour's burn; the period where it is not."""
        return self._select("slo_exhaustion", "seconds", SECONDS, (0, None))

    def coverage(self) -> Selector:
        """Return the share of the period's hours that were counted."""
        return self._select("slo_coverage", "ratio", RATIO, (0, 1))

    def spent(self, good: Selector, everything: Selector) -> Expr:
        """Return the share of bad events over the share that may be bad."""
        bad = call("clamp_min", everything - good, 0)
        share = bad / call("clamp_min", everything, ALMOST_NONE)
        return joined(share, "/", 1 - self.objective(), on=("slo",), group_left=())

    def _select(
        self,
        metric: str,
        operation: str,
        unit: Unit,
        bounds: Bounds = (0, None),
        names: Sequence[str] = (),
    ) -> Selector:
        labels = tuple(names) or self.labels
        values: list[tuple[str, tuple[str, ...]]] = [("slo", tuple(slo.name for slo in self.slos))]
        if "source" in labels:
            values.append(("source", self.sources))
        return Selector(
            Series(
                recorded_name(Level.FLEET, metric, operation),
                unit,
                Usage.VALUE,
                LabelSet(labels, tuple(values)),
                bounds=bounds,
                has_target_labels=False,
            )
        )
