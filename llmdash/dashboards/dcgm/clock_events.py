"""What holds a GPU's clocks back: the mask of clock events, taken apart bit by bit.

PromQL knows no bits, so one is what is left of the mask, divided by its value, as an odd number.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from itertools import combinations
from operator import add

from llmdash.dashboards.dcgm.page import BY_GPU, LEGEND, GpuPage
from llmdash.dashboards.panels import Mapping, Panel, Query, StateTimeline, TimeSeries
from llmdash.dashboards.style import BAD, CLOCK_EVENTS, GOOD, PLAIN, THROTTLE_REASONS
from llmdash.metrics import clock_events
from llmdash.metrics.clock_events import ClockEvent
from llmdash.promql.expressions import call, total
from llmdash.promql.nodes import Binary, Expr, Number
from llmdash.promql.units import COUNT
from llmdash.sources.answer import CounterAnswer

MASK = "gpu_clock_events"

_HARMFUL = tuple(event for event in clock_events.CLOCK_EVENTS if event.is_harm)
_NORMAL = tuple(event for event in clock_events.CLOCK_EVENTS if not event.is_harm)


def harm(mask: Expr) -> Expr:
    """Return what is left of a mask when only reasons that are harm are kept."""
    return reduce(add, (_bit(mask, event) * event.bit for event in _HARMFUL))


def is_held_back(mask: Expr) -> Expr:
    """Return 1 for each GPU that something harmful holds back, else 0."""
    return Binary(">", harm(mask), Number(0), as_state=True)


def harm_mappings() -> tuple[Mapping, ...]:
    """Return what the masks of harmful reasons are called: each alone, and all together."""
    chosen = (
        found for size in range(1, len(_HARMFUL) + 1) for found in combinations(_HARMFUL, size)
    )
    return (
        Mapping(0, "no", GOOD),
        *(
            Mapping(
                sum(event.bit for event in events),
                " + ".join(_words(event) for event in events),
                CLOCK_EVENTS[events[0].name] if len(events) == 1 else BAD,
            )
            for events in chosen
        ),
    )


def clock_event_panels(page: GpuPage) -> Iterator[Panel]:
    """Yield which GPUs are held back, since when, and how many there are for each reason."""
    if page.has(MASK):
        mask = page.now(MASK)
        harmful = "; ".join(f"{_words(event)}: {event.meaning}" for event in _HARMFUL)
        yield StateTimeline(
            key="held-back",
            title="Held back by harm",
            description=page.described(
                MASK,
                "Since when something that should not be holds a GPU's clocks back. "
                f"{harmful} Look for cooling and power supply; the model cannot help it.",
            ),
            queries=(Query("harm", harm(mask), LEGEND),),
            mappings=harm_mappings(),
            unit=COUNT,
        )
        normal = "; ".join(f"{_words(event)}: {event.meaning}" for event in _NORMAL)
        yield TimeSeries(
            key="clock-events",
            title="GPUs by clock event reason",
            description=page.described(
                MASK,
                "How many GPUs are held back at the moment, by reason; one may have several. "
                f"Cool colours are normal: {normal} Warm colours are harm. At work, most GPUs "
                "stand at their power cap.",
            ),
            queries=tuple(
                Query(
                    event.name.replace("_", "-"),
                    total(_is_set(mask, event)),
                    _words(event),
                    color=CLOCK_EVENTS[event.name],
                )
                for event in clock_events.CLOCK_EVENTS
            ),
            decimals=0,
        )
    yield from _throttled_time(page)


def clock_event_details(page: GpuPage) -> Iterator[Panel]:
    """Yield a line for each GPU and reason."""
    if page.has(MASK):
        mask = page.now(MASK)
        yield StateTimeline(
            key="clock-events-by-gpu",
            title="Clock event reasons by GPU",
            description=page.described(
                MASK,
                "A line for each GPU and reason that DCGM knows, red where a harmful one and grey "
                "where a normal one holds clocks back. Choose a GPU above: nine lines each.",
            ),
            queries=tuple(
                Query(
                    event.name.replace("_", "-"),
                    # 2 sets what is harm apart from 1, which is normal.
                    _bit(mask, event) * (2 if event.is_harm else 1),
                    f"{LEGEND} {_words(event)}",
                )
                for event in clock_events.CLOCK_EVENTS
            ),
            mappings=(
                Mapping(0, "no", "transparent"),
                Mapping(1, "yes", PLAIN),
                Mapping(2, "harm", BAD),
            ),
            unit=COUNT,
            width=24,
            height=12,
        )


def _throttled_time(page: GpuPage) -> Iterator[Panel]:
    name = "gpu_throttled_time"
    answer = page.source.answers.get(name)
    if not isinstance(answer, CounterAnswer):
        return
    reasons = [dict(term.fixed)["throttle_reason"] for term in answer.terms]
    yield TimeSeries(
        key="throttled-time",
        title="Share of time held back",
        description=page.described(
            name,
            "Which share of the time the driver held each GPU's clocks back, by reason: it adds "
            "up what a mask of the moment misses. Power is normal at work; heat for a share of "
            "the time is cooling that does not suffice.",
        ),
        queries=tuple(
            Query(
                reason.replace("_", "-"),
                page.counter(name, BY_GPU, place),
                f"{LEGEND} {reason.replace('_', ' ')}",
                color=THROTTLE_REASONS[reason],
            )
            for place, reason in enumerate(reasons)
        ),
        maximum=1,
        width=24,
    )


def _bit(mask: Expr, event: ClockEvent) -> Expr:
    """Return 1 where a bit of the mask is set, else 0, as a number of the mask's own unit."""
    above = mask if event.bit == 1 else call("floor", mask / event.bit)
    return Binary("%", above, Number(2))


def _is_set(mask: Expr, event: ClockEvent) -> Expr:
    return Binary("==", _bit(mask, event), Number(1), as_state=True)


def _words(event: ClockEvent) -> str:
    return event.name.replace("_", " ")
