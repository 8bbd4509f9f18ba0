"""Alertmanager's configuration: who is told of what, and what is silent while more is known."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from llmdash.alerts.inhibition import INHIBITIONS, Inhibition
from llmdash.errors import AlertError
from llmdash.slos.tiers import Severity

#: Who is told at once, and who looks next day; a team's are called by it (`pager-search`).
PAGER, TICKETS = "pager", "tickets"

#: What belongs together is told together: an outage of a model is one message, not fifty, also when
#: several promises are broken by it.
_GROUPED = ["alertname", "source", "model"]


def alertmanager_configuration(
    names: Sequence[str],
    teams: Sequence[str],
    receivers: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:
    """Return the configuration.

    Args:
        names: the alerts that are built; inhibitions of others are left out.
        teams: those that alerts name by their label `team`.
        receivers: what Alertmanager knows of each receiver (`{"pager": {"pagerduty_configs": …}}`);
            one without is a placeholder that tells nobody.

    Raises:
        AlertError: something is said of a receiver that no route leads to.
    """
    known = [PAGER, TICKETS, *(name for team in teams for name in _of_team(team))]
    for name in receivers:
        if name not in known:
            raise AlertError("receivers", f"one of {', '.join(known)}", name)
    return {
        "route": {
            "receiver": TICKETS,
            "group_by": _GROUPED,
            "group_wait": "30s",
            "group_interval": "5m",
            "repeat_interval": "12h",
            "routes": [*(_team_route(team) for team in teams), _page_route(PAGER)],
        },
        "inhibit_rules": [
            rule for each in INHIBITIONS if (rule := _inhibit_rule(each, names)) is not None
        ],
        "receivers": [{"name": name, **receivers.get(name, {})} for name in known],
    }


def _of_team(team: str) -> tuple[str, str]:
    return f"{PAGER}-{team}", f"{TICKETS}-{team}"


def _team_route(team: str) -> dict[str, Any]:
    pager, tickets = _of_team(team)
    return {
        "matchers": [f'team="{_escaped(team)}"'],
        "receiver": tickets,
        "routes": [_page_route(pager)],
    }


def _page_route(receiver: str) -> dict[str, Any]:
    return {
        "matchers": [f'severity="{Severity.PAGE.label}"'],
        "receiver": receiver,
        # Whoever is woken is woken now, and again while nobody has mended it.
        "group_wait": "10s",
        "repeat_interval": "1h",
    }


def _inhibit_rule(found: Inhibition, names: Sequence[str]) -> dict[str, Any] | None:
    causes = [name for name in found.causes if name in names]
    silenced = [name for name in found.silenced if name in names]
    if not causes or not silenced:
        return None
    present = [f'{label}!=""' for label in found.present]
    return {
        "source_matchers": [*_named(causes), *_equal(found.cause_labels), *present],
        "target_matchers": [*_named(silenced), *_equal(found.silenced_labels), *present],
        "equal": list(found.same),
    }


def _named(names: Sequence[str]) -> Iterator[str]:
    yield f'alertname="{names[0]}"' if len(names) == 1 else f'alertname=~"{"|".join(names)}"'


def _equal(labels: Sequence[tuple[str, str]]) -> Iterator[str]:
    for name, value in labels:
        yield f'{name}="{value}"'


def _escaped(value: str) -> str:
    return re.sub(r'(["\\])', r"\\\1", value)
