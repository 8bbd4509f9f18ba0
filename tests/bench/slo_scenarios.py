"""Incidents as counters: what servers would have shown, what is true of it, and who must be called.

Every event is counted one by one, so the true share of bad ones is known and not estimated.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum

SCRAPE_SECONDS = 30


class Kind(Enum):
    """What is promised of the events."""

    AVAILABILITY = "availability"
    LATENCY = "ttft"


class Target(Enum):
    """What Prometheus sees of a server."""

    #: It answers, and shows its counters.
    SERVES = "serves"
    #: Scrapes fail: it restarts.
    DOWN = "down"
    #: It is no target any more: scaled to zero.
    REMOVED = "removed"
    #: It answers, and the metric has another name since an update.
    RENAMED = "renamed"


@dataclass(frozen=True)
class Stretch:
    """Some minutes of even traffic."""

    minutes: int
    #: Requests an hour.
    traffic: float = 3600.0
    #: Share of them that is bad.
    bad: float = 0.0
    #: Share of them that is bad by the stricter measure too (latency: later than 10 s).
    worse: float = 0.0
    #: Bad requests that end all at once at its beginning, beside the even ones.
    burst: int = 0
    target: Target = Target.SERVES
    #: Counters begin again at zero.
    restarts: bool = False


#: A clean past, as long as the longest window that pages.
CLEAN = (Stretch(480),)


@dataclass(frozen=True)
class Scenario:
    """One incident: what was before, what goes wrong, and what comes after."""

    name: str
    kind: Kind
    #: What a person who sees each request would say.
    truth: str
    incident: Sequence[Stretch]
    before: Sequence[Stretch] = CLEAN
    #: Otherwise good traffic as before, for two hours and up to the next full one.
    after: Sequence[Stretch] | None = None
    #: Somebody must be called; None where these promises cannot tell, so neither is wrong.
    pages: bool | None = False
    #: It must be said that events are no longer counted.
    is_uncounted: bool = False
    #: Minutes of it after which it can be told from one unlucky request.
    evident_after: int = 0
    #: The counter of bad events has no series before the first of them.
    born_late: bool = False
    scrape_seconds: int = SCRAPE_SECONDS

    @property
    def onset(self) -> int:
        """The minute at which it begins."""
        return _minutes(self.before)

    @property
    def over(self) -> int:
        """The minute at which it has ended."""
        return self.onset + _minutes(self.incident)

    @property
    def minutes(self) -> int:
        """How long all of it is."""
        return _minutes(self.stretches)

    @property
    def stretches(self) -> tuple[Stretch, ...]:
        """All of it."""
        after = self.after
        if after is None:
            after = (Stretch(120 + -self.over % 60, self.before[-1].traffic),)
        return (*self.before, *self.incident, *after)

    def series(self) -> dict[str, str]:
        """Return promtool's values by series."""
        return {name: " ".join(values) for name, values in self._counted().values.items()}

    def bad_share(self) -> float:
        """Return the share of all its events that is bad."""
        counted = self._counted()
        return counted.all_bad / counted.all_events

    def _counted(self) -> _Counters:
        made = _Counters(self)
        made.run(self.stretches)
        return made


def _minutes(stretches: Sequence[Stretch]) -> int:
    return sum(stretch.minutes for stretch in stretches)


_GATEWAY = 'job="gateway", instance="gateway:8080"'
_REQUESTS = 'model="m", endpoint="/v1/chat/completions", method="POST", prompt_class="small"'
_VLLM = 'job="vllm", instance="vllm:8000"'
_FAMILY = "vllm:time_to_first_token_seconds"


def _of_kind(kind: Kind, events: int, bad: int, worse: int) -> dict[str, int]:
    if kind is Kind.AVAILABILITY:
        name = f"gateway_requests_total{{{_GATEWAY}, {_REQUESTS}, "
        return {
            f'{name}status_code="200", outcome="ok"}}': events - bad,
            f'{name}status_code="500", outcome="error"}}': bad,
        }
    labels = f'{_VLLM}, model_name="m", engine="0"'
    return {
        f'{_FAMILY}_bucket{{{labels}, le="2.5"}}': events - bad,
        f'{_FAMILY}_bucket{{{labels}, le="10.0"}}': events - worse,
        f'{_FAMILY}_bucket{{{labels}, le="+Inf"}}': events,
        f"{_FAMILY}_count{{{labels}}}": events,
    }


@dataclass
class _Counters:
    """Counts a scenario's events, scrape by scrape."""

    scenario: Scenario
    values: dict[str, list[str]] = field(default_factory=dict)
    all_events: int = 0
    all_bad: int = 0

    def run(self, stretches: Sequence[Stretch]) -> None:
        events = bad = worse = 0
        self._show(Target.SERVES, 0, 0, 0)
        for stretch in stretches:
            if stretch.restarts:
                events = bad = worse = 0
            past = (events + stretch.burst, bad + stretch.burst, worse)
            counted = (0, 0)
            for more, more_bad, more_worse in _even(stretch, self.scenario.scrape_seconds):
                events, bad, worse = past[0] + more, past[1] + more_bad, past[2] + more_worse
                counted = (more + stretch.burst, more_bad + stretch.burst)
                self._show(stretch.target, events, bad, worse)
            self.all_events += counted[0]
            self.all_bad += counted[1]

    def _show(self, target: Target, events: int, bad: int, worse: int) -> None:
        kind = self.scenario.kind
        job = _GATEWAY if kind is Kind.AVAILABILITY else _VLLM
        up = {Target.DOWN: "0", Target.REMOVED: ""}.get(target, "1")
        self._add(f"up{{{job}}}", up)
        for name, value in _of_kind(kind, events, bad, worse).items():
            unborn = self.scenario.born_late and value == 0 and "error" in name
            self._add(name, str(value) if target is Target.SERVES and not unborn else "")

    def _add(self, name: str, value: str) -> None:
        """Add what a scrape showed; nothing ends the series, as Prometheus marks it."""
        values = self.values.setdefault(name, [])
        ends = not value and bool(values) and values[-1] not in ("_", "stale")
        values.append(value or ("stale" if ends else "_"))


def _even(stretch: Stretch, interval: int) -> Iterator[tuple[int, int, int]]:
    """Yield how many events of a stretch have happened at each of its scrapes."""
    for scrape in range(1, stretch.minutes * 60 // interval + 1):
        events = int(stretch.traffic * scrape * interval / 3600 + 1e-9)
        if stretch.target in (Target.DOWN, Target.REMOVED):
            events = 0
        yield events, int(events * stretch.bad + 1e-9), int(events * stretch.worse + 1e-9)


_A, _L = Kind.AVAILABILITY, Kind.LATENCY
#: Requests an hour of a night, and a past of it. A burst is no scrape of two tiles' joint, where it
#: would weigh nothing: that tolerance is stated, not measured here.
_QUIET = 10.0
_NIGHT = (Stretch(483, _QUIET),)
#: The third failure of such a night: before it, it is what one failure looks like.
_THIRD = 18

SCENARIOS = (
    Scenario("total outage", _A, "all fail for 30 min", (Stretch(30, bad=1),), pages=True),
    Scenario("half fail", _A, "50 % fail for 30 min", (Stretch(30, bad=0.5),), pages=True),
    Scenario("a tenth fails", _A, "10 % fail for an hour", (Stretch(60, bad=0.1),), pages=True),
    Scenario("8x burn", _A, "0.8 % fail for 7 h", (Stretch(420, bad=0.008),), pages=True),
    Scenario("2x burn", _A, "0.2 % fail for 6 h: a ticket, no page", (Stretch(360, bad=0.002),)),
    Scenario(
        "total outage, born late",
        _A,
        "all fail for 30 min; failures had no series before",
        (Stretch(30, bad=1),),
        pages=True,
        born_late=True,
    ),
    Scenario(
        "fifty failures at once, born late",
        _A,
        "50 of the hour's 650 requests fail together; their series begins at 50",
        (Stretch(5, 600, burst=50),),
        before=(Stretch(483, 600),),
        pages=True,
        born_late=True,
    ),
    Scenario(
        "two failures, born late",
        _A,
        "two of 50,400 requests fail, 6 min apart; they had no series before",
        (Stretch(6, burst=1), Stretch(54, burst=1)),
        before=(Stretch(603),),
        born_late=True,
    ),
    Scenario(
        "one failure at night",
        _A,
        "one of 10 requests an hour fails",
        (Stretch(60, _QUIET, burst=1),),
        before=_NIGHT,
    ),
    Scenario(
        "all fail at night",
        _A,
        "all of 10 requests an hour fail for 2 h",
        (Stretch(120, _QUIET, bad=1),),
        before=_NIGHT,
        pages=True,
        evident_after=_THIRD,
    ),
    Scenario("idle night", _A, "no request for 2 h", (Stretch(120, 0),)),
    Scenario(
        "scaled to zero",
        _A,
        "no server for 2 h, as planned",
        (Stretch(120, 0, target=Target.REMOVED),),
        after=(Stretch(120, restarts=True),),
    ),
    Scenario("counter reset", _A, "the server counts anew", (Stretch(60, restarts=True),)),
    Scenario(
        "restart",
        _A,
        "scrapes fail for 2 min, then it counts from zero",
        (Stretch(2, 0, target=Target.DOWN), Stretch(58, restarts=True)),
    ),
    Scenario(
        "restart in an outage",
        _A,
        "all fail for 30 min; after 10 of them the server counts anew",
        (Stretch(10, bad=1), Stretch(20, bad=1, restarts=True)),
        pages=True,
    ),
    Scenario(
        "busy good day, quiet bad night",
        _A,
        "300,000 good requests in 5 h, then 10 % of 3,000 fail in 5 h",
        (Stretch(300, 600, bad=0.1),),
        before=(Stretch(300, 60_000),),
        after=(),
        pages=True,
        scrape_seconds=60,
    ),
    Scenario(
        "target vanished",
        _A,
        "the gateway is dead for an hour: its counters cannot tell, a promise of uptime does",
        (Stretch(60, 0, target=Target.DOWN),),
        after=(),
        pages=None,
    ),
    Scenario(
        "metric renamed",
        _A,
        "the gateway serves well and counts under another name: somebody has to mend it",
        (Stretch(60, 0, target=Target.RENAMED),),
        after=(),
        pages=None,
        is_uncounted=True,
    ),
    Scenario(
        "no first token in time",
        _L,
        "all first tokens later than 10 s for 90 min",
        (Stretch(90, bad=1, worse=1),),
        pages=True,
    ),
    Scenario(
        "all slow", _L, "all within 2.5 to 10 s for 90 min", (Stretch(90, bad=1),), pages=True
    ),
    Scenario("half slow", _L, "50 % are slow for 5 h", (Stretch(300, bad=0.5),), pages=True),
    Scenario("2x burn", _L, "10 % are slow for 6 h: a ticket, no page", (Stretch(360, bad=0.1),)),
    Scenario("idle night", _L, "no request for 2 h", (Stretch(120, 0),)),
    Scenario(
        "one slow at night",
        _L,
        "one of 10 requests an hour is slow",
        (Stretch(60, _QUIET, burst=1),),
        before=_NIGHT,
    ),
    Scenario(
        "all slow at night",
        _L,
        "all of 10 requests an hour are later than 10 s for 3 h",
        (Stretch(180, _QUIET, bad=1, worse=1),),
        before=_NIGHT,
        pages=True,
        evident_after=_THIRD,
    ),
)
