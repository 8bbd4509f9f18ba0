"""An alert that fired in a film: its labels, from when to when, and what it said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from llmdash.slos.tiers import Severity

#: Seconds between two evaluations. All rules take long; and no window of 5 minutes begins at an
#: evaluation, where Prometheus 2 and 3 would see different samples of what was recorded.
STEP = 120

#: Labels of an alert, its name among them, in alphabetical order.
Labels = tuple[tuple[str, str], ...]
#: What a reader takes for one alert: its name, its severity, and the promise if it is about one.
Kind = tuple[str, str, str]


@dataclass(frozen=True)
class Fired:
    """One series of an alert; times in seconds of the film."""

    labels: Labels
    first: int
    last: int
    #: At how many evaluations.
    times: int

    def label(self, name: str) -> str:
        """Return a label; one that is missing is empty, as for Alertmanager."""
        return dict(self.labels).get(name, "")

    @property
    def name(self) -> str:
        """The alert's name."""
        return self.label("alertname")

    @property
    def is_page(self) -> bool:
        """Whether somebody is called at once."""
        return self.label("severity") == Severity.PAGE.label

    @property
    def has_pauses(self) -> bool:
        """Whether it ended and began again."""
        return self.times != (self.last - self.first) // STEP + 1

    def fires_at(self, second: int) -> bool:
        """Tell whether it fires; what has pauses counts as if it had none."""
        return self.first <= second <= self.last

    @property
    def kind(self) -> Kind:
        """What a reader takes it for."""
        return self.name, self.label("severity"), self.label("slo")


def in_order(fired: Sequence[Fired]) -> list[Fired]:
    """Return alerts by when they fired first, pages before tickets."""
    return sorted(fired, key=lambda one: (one.first, not one.is_page, one.labels))


@dataclass(frozen=True)
class Played:
    """What came of one film."""

    fired: tuple[Fired, ...]
    #: What the first alert of each kind said when it fired first, as people read it.
    said: Mapping[Kind, str]

    @property
    def names(self) -> frozenset[str]:
        """The names of all alerts that fired."""
        return frozenset(one.name for one in self.fired)

    def of_kinds(self) -> dict[Kind, list[Fired]]:
        """Return the alerts that fired, kind by kind, in the order of their first."""
        found: dict[Kind, list[Fired]] = {}
        for one in in_order(self.fired):
            found.setdefault(one.kind, []).append(one)
        return found
