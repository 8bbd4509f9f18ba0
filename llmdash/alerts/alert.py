"""An alert: the expression that fires it, how long it must hold, and what a person reads."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from llmdash.errors import AlertError
from llmdash.promql.labels import is_label_name, nearest
from llmdash.promql.nodes import Expr
from llmdash.promql.windows import Duration
from llmdash.slos.tiers import Severity

_NAME = re.compile(r"([A-Z][a-z0-9]*)+")
_LABEL = re.compile(r"\$labels\.(\w+)")


@dataclass(frozen=True)
class Shown:
    """The panel that shows what an alert is about."""

    #: The page, and the panel's key on it.
    uid: str
    panel: str
    #: Labels of the alert that fill in the page's variables of the same names.
    by: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Alert:
    """A rule that tells somebody; each series of the expression fires on its own."""

    name: str
    expr: Expr
    severity: Severity
    #: How long the expression must hold first.
    wait: Duration | None = None
    #: How long it fires on after the expression no longer holds.
    keep_firing: Duration | None = None
    #: Static labels besides the severity; Alertmanager routes and inhibits by them.
    labels: Mapping[str, str] = field(default_factory=dict)
    #: One line: what is wrong, with `{{ $labels.… }}` and `{{ $value | … }}`.
    summary: str
    #: What it means and where to look first.
    description: str
    panel: Shown | None = None

    def __post_init__(self) -> None:
        """Refuse a name that is none, empty words, and labels in words that no series has."""
        if _NAME.fullmatch(self.name) is None:
            raise AlertError(self.place, "a name in CamelCase", repr(self.name))
        for what, text in (("summary", self.summary), ("description", self.description)):
            if not text.strip():
                raise AlertError(self.place, f"a {what}", "none")
            self._check_labels(what, _LABEL.findall(text))
        for name in self.labels:
            if not is_label_name(name):
                raise AlertError(self.place, "a label name", repr(name))
        if self.panel is not None:
            self._check_labels("panel", self.panel.by)

    def _check_labels(self, what: str, names: Iterable[str]) -> None:
        known = self.expr.labels.names | set(self.static_labels)
        for name in names:
            if not self.expr.labels.has(name) and name not in known:
                expected = f"a label of the alert in its {what}"
                raise AlertError(self.place, expected, name, nearest(name, known))

    @property
    def place(self) -> str:
        """How messages call it."""
        return f"alert {self.name}"

    @property
    def static_labels(self) -> dict[str, str]:
        """The labels that the rule adds."""
        return {"severity": self.severity.label, **self.labels}


@dataclass(frozen=True)
class AlertGroup:
    """Alerts that are evaluated together, in order."""

    name: str
    interval: Duration
    alerts: tuple[Alert, ...]


def alert_names(groups: Iterable[AlertGroup]) -> tuple[str, ...]:
    """Return the names of all alerts, each once, in order."""
    return tuple(dict.fromkeys(alert.name for group in groups for alert in group.alerts))
