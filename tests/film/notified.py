"""Who is told in the end: what Alertmanager mutes, by the built inhibitions, and what it groups."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from llmdash.alerts.alertmanager import alertmanager_configuration
from llmdash.alerts.inhibition import INHIBITIONS, Inhibition
from tests.film.fired import STEP, Fired

#: What belongs together is one message.
_GROUPED: list[str] = alertmanager_configuration((), (), {})["route"]["group_by"]


@dataclass(frozen=True)
class Notified:
    """What people are told of the alerts of a film."""

    fired: Sequence[Fired]

    def muted_by(self, one: Fired, second: int) -> list[str]:
        """Return the names of the alerts that mute another at a second."""
        return sorted(
            {
                cause.name
                for cause in self.fired
                if cause.fires_at(second)
                and any(_mutes(inhibition, cause, one) for inhibition in INHIBITIONS)
            }
        )

    def told_at(self, one: Fired) -> Iterator[int]:
        """Yield the seconds at which an alert fires and nothing mutes it."""
        for second in range(one.first, one.last + 1, STEP):
            if not self.muted_by(one, second):
                yield second

    def messages(self, *, pages: bool) -> dict[tuple[str, ...], int]:
        """Return each message to the pager, or else to the tickets, with its first second."""
        found: dict[tuple[str, ...], int] = {}
        for one in self.fired:
            told = next(self.told_at(one), None)
            if one.is_page == pages and told is not None:
                group = tuple(one.label(name) for name in _GROUPED)
                found[group] = min(told, found.get(group, told))
        return found


def _mutes(inhibition: Inhibition, cause: Fired, one: Fired) -> bool:
    return (
        cause.name in inhibition.causes
        and one.name in inhibition.silenced
        and all(cause.label(name) == value for name, value in inhibition.cause_labels)
        and all(one.label(name) == value for name, value in inhibition.silenced_labels)
        and all(cause.label(name) and one.label(name) for name in inhibition.present)
        and all(cause.label(name) == one.label(name) for name in inhibition.same)
    )
