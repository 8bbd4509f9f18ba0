"""A promise about a signal: which events are good, how many must be, over how long, for whom."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from llmdash.errors import SloError
from llmdash.promql.labels import nearest
from llmdash.promql.windows import Duration
from llmdash.signals import Form, signal
from llmdash.slos.policy import MONTH, Policy
from llmdash.slos.tiers import Fast, Tier, percent
from llmdash.slos.windows import HOUR, TILE
from llmdash.sources.source import Role

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


@dataclass(frozen=True)
class Outcomes:
    """Events that end well or badly, told apart by a counter's own label (an outcome)."""

    signal: str = "requests"
    good: tuple[str, ...] = ("ok",)
    bad: tuple[str, ...] = ("error",)

    def __post_init__(self) -> None:
        """Refuse what is no counter with these values."""
        asked = signal(self.signal)
        if asked.form is not Form.COUNTER or not asked.split_by:
            raise SloError("outcomes", "a counter that is split by a label", self.signal)
        for value in (*self.good, *self.bad):
            if value not in asked.values:
                hint = nearest(value, asked.values)
                got = f"{asked.split_by} {value}"
                raise SloError("outcomes", f"one of {', '.join(asked.values)}", got, hint)
        both = sorted(set(self.good) & set(self.bad))
        if both or not self.good or not self.bad:
            got = f"{both[0]} as both" if both else "none of one kind"
            raise SloError("outcomes", "good and bad outcomes that differ", got)

    @property
    def signals(self) -> tuple[str, ...]:
        """What it asks of a source."""
        return (self.signal,)


@dataclass(frozen=True)
class Within:
    """Observations up to a threshold, which is a bucket edge; later ones are bad.

    So are requests that failed before they could be observed (no first token, no whole answer), on
    sources that count them: an event is bad that fails or is late.
    """

    signal: str
    #: In seconds.
    threshold: float
    #: Taken, in this order, on sources where the threshold is no bucket edge.
    otherwise: tuple[float, ...] = ()
    #: False promises something of what was observed alone, whatever failed besides.
    failures: bool = True
    #: A stricter edge for the fast tier is sought at this many times the threshold or above.
    companion: float = 4.0

    def __post_init__(self) -> None:
        """Refuse what is no latency, and thresholds below zero."""
        if signal(self.signal).form is not Form.DISTRIBUTION:
            raise SloError("within", "a distribution", self.signal)
        for value in (self.threshold, *self.otherwise):
            if not value > 0:
                raise SloError("within", "a threshold above zero", f"{value:g}")
        if self.companion <= 1:
            raise SloError("within: companion", "a factor above 1", f"{self.companion:g}")

    @property
    def signals(self) -> tuple[str, ...]:
        """What it asks of a source."""
        return (self.signal,)


@dataclass(frozen=True)
class Begun:
    """Answers that were begun, on a server that does not count all of its failures: an estimate.

    Good ones ended well or still run. A client that drops its stream looks like a server that lost
    it, one that cancels before the first token like an answer more; a request that failed before
    its first token is not seen. A preempted request looks lost until it runs again, and one that is
    read (prefill) runs without having begun, so few requests say little: hours even it out.
    """

    #: Outcomes that end an answer well; what a client cancelled is no fault of the server.
    good: tuple[str, ...] = ("ok", "cancelled")

    def __post_init__(self) -> None:
        """Refuse what is no outcome."""
        known = signal("requests").values
        for value in self.good:
            if value not in known:
                hint = nearest(value, known)
                raise SloError("begun", f"one of {', '.join(known)}", value, hint)
        if not self.good:
            raise SloError("begun", "an outcome that is good", "none")

    @property
    def signals(self) -> tuple[str, ...]:
        """What it asks of a source."""
        return ("time_to_first_token", "requests", "requests_running")


@dataclass(frozen=True)
class Up:
    """Scrapes that a target answered, of all since the first that it did.

    A target that never answered is starting, or is not there: no outage of what was promised.
    """

    @property
    def signals(self) -> tuple[str, ...]:
        """What it asks of a source."""
        return ("up",)


Indicator = Outcomes | Within | Begun | Up


@dataclass(frozen=True, kw_only=True)
class Slo:
    """A promise: `objective` of all events are good, over any `period`, for each of `by`."""

    #: The label `slo` of its series and alerts; changing it starts a new history.
    name: str
    title: str
    indicator: Indicator
    objective: float
    period: Duration = MONTH
    #: One promise for each value of these; a new value is covered as it appears.
    by: tuple[str, ...] = ("model",)
    #: Only events of these label values (`prompt_class`: small).
    where: Mapping[str, str] = field(default_factory=dict)
    roles: tuple[Role, ...] = (Role.GATEWAY, Role.ENGINE)
    #: Only these sources of the pack; all of the roles if none is named.
    sources: tuple[str, ...] = ()
    #: Fewer bad events than this in a long window call nobody: a share of little traffic says
    #: nothing. It floors bad events, not traffic, so an outage at night is still seen.
    fewest_bad: int = 3
    #: Tiers chosen by hand; otherwise those of the workbook that can fire.
    tiers: tuple[Tier, ...] | None = None
    fast: Fast | None = None
    team: str = ""

    def __post_init__(self) -> None:
        """Refuse a name that is no label value of ours, and an objective that is no promise."""
        if _NAME.fullmatch(self.name) is None:
            expected = "a name of small letters, digits and hyphens"
            raise SloError(self.place, expected, repr(self.name))
        if "{{" in self.title:
            # Alerts say it, and Prometheus would fill it in.
            raise SloError(self.place, "a title without {{", repr(self.title))
        if not 0 < self.objective < 1:
            hint = f"say {self.objective / 100:g}" if 1 < self.objective < 100 else ""
            got = f"{self.objective:g}"
            raise SloError(self.place, "an objective between 0 and 1", got, hint)
        if self.period.milliseconds % HOUR.milliseconds:
            raise SloError(self.place, "a period of whole hours", str(self.period))
        if self.fewest_bad < 1:
            raise SloError(self.place, "one bad event or more", str(self.fewest_bad))
        if not self.roles:
            raise SloError(self.place, "a role", "none")
        twice = sorted(set(self.by) & set(self.where))
        if twice:
            raise SloError(self.place, f"{twice[0]} in by or in where", "it in both")
        # Errors of tiers are the promise's own, and are said at once.
        _ = self.policy
        for window in (w for tier in self.policy.tiers for w in (tier.long, tier.short)):
            if window.milliseconds % TILE.milliseconds:
                raise SloError(self.place, f"windows that are a multiple of {TILE}", str(window))

    @property
    def place(self) -> str:
        """How messages call it."""
        return f"SLO {self.name}"

    @property
    def promised(self) -> str:
        """What is promised, in a phrase."""
        return f"{percent(self.objective)} over {self.period}"

    @property
    def policy(self) -> Policy:
        """Its tiers, solved."""
        return Policy.solved(self.objective, self.period, self.tiers, self.fast)


def refuse_twins(slos: Sequence[Slo]) -> None:
    """Raise a SloError when two promises have one name, and so one history."""
    names = [slo.name for slo in slos]
    for name in dict.fromkeys(names):
        if names.count(name) > 1:
            raise SloError(f"SLO {name}", "one promise of a name", str(names.count(name)))


def windows_of(slos: Sequence[Slo]) -> tuple[Duration, ...]:
    """Return every window that some tier of the promises reads, the shortest first."""
    found = {
        window for slo in slos for tier in slo.policy.tiers for window in (tier.long, tier.short)
    }
    return tuple(sorted(found))
