"""An incident: what happens to the fleet, who must be told, and who must not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tests.film.fleet import CALM, Fleet

#: Minutes of an ordinary day before it: queues are compared with a quarter of an hour ago, and what
#: GPUs tell with an hour ago.
BEFORE, BEFORE_GPU = 20, 66
#: Minutes that every film's series last, so that what does not change is the same in all of them.
REEL = 180


@dataclass(frozen=True)
class Stretch:
    """Some minutes in which nothing changes."""

    minutes: int
    fleet: Fleet


@dataclass(frozen=True, kw_only=True)
class Incident:
    """What happens, after a while in which all is well and before the film's end."""

    title: str
    #: What happens, and how it ends.
    story: str
    happens: tuple[Stretch, ...]
    #: Names of the alerts that must fire, and no other may.
    fires: frozenset[str] = frozenset()
    #: Alerts that a careless rule would fire, and why ours do not.
    quiet: Mapping[str, str]
    #: How the fleet is afterwards, and for how many minutes that is played.
    after: Fleet = CALM
    rest: int
    #: The minute of the film at which it begins.
    begins: int = BEFORE

    @property
    def ends(self) -> int:
        """The minute of the film at which it is over."""
        return self.begins + sum(stretch.minutes for stretch in self.happens)

    @property
    def minutes(self) -> int:
        """How many minutes are played."""
        return self.ends + self.rest

    @property
    def stretches(self) -> tuple[Stretch, ...]:
        """All that happens, for as long as series last."""
        before = Stretch(self.begins, CALM)
        return (before, *self.happens, Stretch(REEL - self.ends, self.after))
