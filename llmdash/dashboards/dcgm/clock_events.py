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
from llmdash.dashboards.style import (
    BAD,
    CLOCK_EVENTS,
    GOOD,
    HARMFUL_THROTTLE_REASONS,
    PLAIN,
    THROTTLE_REASONS,
)
from llmdash.metrics import clock_events
from llmdash.metrics.clock_events import ClockEvent
from llmdash.promql.expressions import call, greatest, total
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
    """Yield which GPUs harm holds back, when, how many there are for each reason, and how long."""
    if page.has(MASK):
        mask = page.now(MASK)
        harmful = "; ".join(f"{_words(event)}: {event.meaning}" for event in _HARMFUL)
        yield StateTimeline(
            key="held-back",
            title="Held back by harm",
            description=page.described(
                MASK,
                "When something that should not be held a GPU's clocks back. A GPU has a line only "
                f"while it is held back, and all together have one while none is. {harmful} Look "
                "for cooling and power supply; the model cannot help it.",
            ),
            queries=(
                # Not an empty panel: that is what no data looks like.
                Query("none", Binary("==", greatest(harm(mask)), Number(0)), "all GPUs"),
                Query("harm", harm(mask) > 0, LEGEND),
            ),
            mappings=harm_mappings(),
            unit=COUNT,
            width=8,
        )
        yield TimeSeries(
            key="clock-events",
            title="GPUs held back by reason",
            description=page.described(
                MASK,
                "How many GPUs each harmful reason holds back at the moment; one may have several. "
                "One GPU points at its place, all of a node at its cooling or its power supply.",
            ),
            queries=_by_reason(mask, _HARMFUL),
            decimals=0,
            width=8,
        )
    yield from _throttled_time(
        page,
        "throttled-time",
        "Share of time held back",
        "Which share of the time the driver held each GPU's clocks back for a reason that is no "
        "part of normal work: it adds up what a mask of the moment misses. Heat for a share of "
        "the time is cooling that does not suffice.",
        is_harm=True,
    )


def normal_clock_event_panels(page: GpuPage) -> Iterator[Panel]:
    """Yield the reasons for lower clocks that are no harm."""
    if page.has(MASK):
        normal = "; ".join(f"{_words(event)}: {event.meaning}" for event in _NORMAL)
        yield TimeSeries(
            key="clock-events-normal",
            title="GPUs at lower clocks by normal reason",
            description=page.described(
                MASK,
                "How many GPUs lower their clocks at the moment for a reason that is no harm; one "
                f"may have several. At work, most GPUs stand at their power cap. {normal}",
            ),
            queries=_by_reason(page.now(MASK), _NORMAL),
            decimals=0,
            width=8,
        )
    yield from _throttled_time(
        page,
        "throttled-time-normal",
        "Share of time at lower clocks",
        "Which share of the time the driver lowered each GPU's clocks for a normal reason. Power "
        "is usual at work, low utilisation while idle; more power than on its neighbours is a "
        "lower limit or a harder share of the work.",
        is_harm=False,
    )


def _by_reason(mask: Expr, events: tuple[ClockEvent, ...]) -> tuple[Query, ...]:
    return tuple(
        Query(
            event.name.replace("_", "-"),
            total(is_set(mask, event)),
            _words(event),
            color=CLOCK_EVENTS[event.name],
        )
        for event in events
    )


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


def _throttled_time(
    page: GpuPage, key: str, title: str, text: str, *, is_harm: bool
) -> Iterator[Panel]:
    name = "gpu_throttled_time"
    answer = page.source.answers.get(name)
    if not isinstance(answer, CounterAnswer):
        return
    reasons = [dict(term.fixed)["throttle_reason"] for term in answer.terms]
    yield TimeSeries(
        key=key,
        title=title,
        description=page.described(name, text),
        queries=tuple(
            Query(
                reason.replace("_", "-"),
                page.counter(name, BY_GPU, place),
                f"{LEGEND} {reason.replace('_', ' ')}",
                color=THROTTLE_REASONS[reason],
            )
            for place, reason in enumerate(reasons)
            if (reason in HARMFUL_THROTTLE_REASONS) == is_harm
        ),
        zoomed=True,
        width=8,
    )


def _bit(mask: Expr, event: ClockEvent) -> Expr:
    """Return 1 where a bit of the mask is set, else 0, as a number of the mask's own unit."""
    above = mask if event.bit == 1 else call("floor", mask / event.bit)
    return Binary("%", above, Number(2))


def is_set(mask: Expr, event: ClockEvent) -> Expr:
    """Return 1 for each GPU of whose mask a bit is set, else 0."""
    return Binary("==", _bit(mask, event), Number(1), as_state=True)


def _words(event: ClockEvent) -> str:
    return event.name.replace("_", " ")
