"""Where an alert sends whoever it wakes: to its runbook, and to the panel that shows it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from llmdash.alerts.alert import Alert, Shown
from llmdash.dashboards.dashboard import Dashboard
from llmdash.dashboards.identifiers import identifier
from llmdash.errors import DashboardError
from llmdash.promql.labels import with_nearest


@dataclass(frozen=True)
class Links:
    """The addresses that alerts carry, made of a pack's base addresses and its pages."""

    #: Where Grafana is, as a browser reaches it.
    grafana_url: str
    #: The folder that holds `<Alert>.md`.
    runbooks_url: str
    pages: Mapping[str, Dashboard] = field(default_factory=dict)

    def annotations(self, alert: Alert) -> dict[str, str]:
        """Return what Alertmanager hands on: words first, then addresses.

        A page that the pack does not build is not linked to.
        """
        found = {
            "summary": alert.summary,
            "description": alert.description,
            "runbook_url": f"{self.runbooks_url.rstrip('/')}/{alert.name}.md",
        }
        if alert.panel is not None and alert.panel.uid in self.pages:
            found["dashboard_url"] = self._panel_url(alert.panel)
        return found

    def _panel_url(self, shown: Shown) -> str:
        # A label's value may hold anything, an address only some of it.
        chosen = "".join(f"&var-{name}={{{{ $labels.{name} | urlquery }}}}" for name in shown.by)
        page = f"{self.grafana_url.rstrip('/')}/d/{shown.uid}"
        return f"{page}?viewPanel={identifier(shown.panel)}{chosen}"

    def problems(self, alerts: Iterable[Alert]) -> Iterator[tuple[str, str]]:
        """Yield each panel that an alert links to and that is not there, with what is wrong."""
        for alert in alerts:
            page = None if alert.panel is None else self.pages.get(alert.panel.uid)
            if page is None or alert.panel is None:
                continue
            try:
                page.panel(alert.panel.panel)
            except DashboardError as error:
                yield alert.place, str(error)
            names = {variable.name for variable in page.variables}
            for name in alert.panel.by:
                if name not in names:
                    text = f"{page.uid} has no variable {name}"
                    yield alert.place, with_nearest(text, name, names)
