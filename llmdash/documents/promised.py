"""What is said of one promise, in words and tables: the page and the command print the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from llmdash.intervals import Intervals
from llmdash.slos.detection import Detection, detections, time_to_end, time_until
from llmdash.slos.policy import Policy, left_out
from llmdash.slos.rules import Measured
from llmdash.slos.slo import Begun, Outcomes, Slo, Up, Within
from llmdash.slos.tiers import budget, percent, roughly
from llmdash.sources.answer import CounterAnswer

NONE = "–"

#: How a total is said where nothing tells one from another.
_ALL_TOGETHER = "all together"


@dataclass(frozen=True)
class Passage:
    """One thing that is told of a promise: a sentence, a table, or both."""

    title: str
    words: str = ""
    head: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


def passages(slo: Slo, measured: Sequence[Measured], intervals: Intervals) -> tuple[Passage, ...]:
    """Return all that is told of a promise.

    Args:
        slo: the promise.
        measured: what it is on each of its sources.
        intervals: how often is scraped, recorded and alerted, which adds to every time.
    """
    found = (
        _promise(slo),
        _where_measured(slo, measured),
        _where_not(measured),
        _tiers(slo, measured),
        _detection(slo, measured, intervals),
    )
    return tuple(passage for passage in found if passage.words or passage.rows)


def _seconds(value: float | None) -> str:
    return NONE if value is None else f"{value:g} s"


# --- the promise ---------------------------------------------------------------------------------


def _promise(slo: Slo) -> Passage:
    whom = f"for each {' and '.join(slo.by)}" if slo.by else "for all together"
    words = (
        f"{percent(slo.objective)} of events are good over {slo.period}, {whom}: "
        f"{percent(budget(slo.objective))} may be bad. {_good(slo)} "
        f"Fewer than {slo.fewest_bad} bad events in a long window tell nobody."
    )
    return Passage("Promise", words)


def _good(slo: Slo) -> str:
    match slo.indicator:
        case Outcomes() as asked:
            good, bad = ", ".join(asked.good), ", ".join(asked.bad)
            what = f"An event of {asked.signal} is good that ends as {good}, and bad as {bad}"
        case Within() as asked:
            what = f"An event is good whose {asked.signal} is at most {asked.threshold:g} s"
            if asked.otherwise:
                others = " or ".join(f"{value:g} s" for value in asked.otherwise)
                what += f" ({others} where that is no bucket edge)"
            if asked.failures:
                what += "; requests that failed unobserved, where they are counted, are bad too"
        case Begun() as asked:
            ends = " or ".join(asked.good)
            what = (
                f"An answer that was begun is good that ends as {ends} or still runs. This is an "
                "estimate: a client that drops its stream looks like a server that lost it, and "
                "what failed before its first token is not seen"
            )
        case Up():
            what = "A scrape is good that the target answers"
    if slo.where:
        only = " and ".join(f"{name} is {value}" for name, value in slo.where.items())
        what += f"; only events count whose {only}"
    return f"{what}."


# --- where it is measured ------------------------------------------------------------------------


def _where_measured(slo: Slo, measured: Sequence[Measured]) -> Passage:
    title = "Where it is measured"
    counted = [(one.source, one.events) for one in measured if one.events is not None]
    if not counted:
        return Passage(title, "No source of this pack can tell of it: there are no rules for it.")
    head = ["source", "told apart by"]
    timed = isinstance(slo.indicator, Within)
    fast = slo.policy.fast is not None
    if timed:
        head.append("threshold")
        if fast:
            head.append("far beyond it")
        head.append("failures")
    rows = []
    for source, events in counted:
        row = [source.name, ", ".join(events.by) or _ALL_TOGETHER]
        if timed:
            row.append(_seconds(events.threshold))
            if fast:
                row.append(_seconds(events.companion or events.threshold))
            row.append("bad" if events.counts_failures else "not seen")
        rows.append(tuple(row))
    return Passage(title, "", tuple(head), tuple(rows))


def _where_not(measured: Sequence[Measured]) -> Passage:
    gaps = [one for one in measured if one.events is None]
    words = ""
    if any(_misses(one) for one in gaps):
        words = (
            "Where some failures are counted nowhere, a share of those that are counted would "
            "promise more than is kept. A gateway in front of such a server sees all of them; "
            "without one, AVAILABILITY_ESTIMATE tells of answers that were begun and lost."
        )
    rows = tuple((one.source.name, _why(one)) for one in gaps)
    return Passage("Where it is not measured", words, ("source", "why"), rows)


def _why(one: Measured) -> str:
    misses = _misses(one)
    return f"it has no complete count of failures: {misses}" if misses else one.gap


def _misses(one: Measured) -> str:
    """Return which failures the source counts nowhere."""
    if not isinstance(one.slo.indicator, Outcomes):
        return ""
    answer = one.source.answers.get(one.slo.indicator.signal)
    return answer.misses if isinstance(answer, CounterAnswer) else ""


# --- tiers ---------------------------------------------------------------------------------------


def _tiers(slo: Slo, measured: Sequence[Measured]) -> Passage:
    policy = slo.policy
    rows = list(_tier_rows(policy, _has_stricter(measured)))
    head = ("tier", "windows", "burn above", "bad events above", "budget gone when it fires")
    words = " ".join(filter(None, (_left_out(slo), _lingering(policy))))
    return Passage("Tiers", words, head, tuple(rows))


def _tier_rows(policy: Policy, stricter: bool) -> Iterator[tuple[str, ...]]:
    if policy.fast is not None:
        fast = policy.fast
        above = (
            f"{percent(fast.share)}, far beyond the threshold" if stricter else percent(fast.share)
        )
        yield fast.place, str(fast.window), NONE, above, NONE
    for tier in policy.tiers:
        yield (
            tier.place,
            f"{tier.long} and {tier.short}",
            f"{tier.factor(policy.period):g} x",
            percent(tier.limit(policy.objective, policy.period)),
            roughly(tier.spent),
        )


def _left_out(slo: Slo) -> str:
    """Say which tiers of the workbook would be for show; those chosen by hand are refused."""
    if slo.tiers is not None:
        return ""
    reasons = left_out(slo.objective, slo.period)
    said = "; ".join(f"{place} ({why})" for place, why in reasons)
    return f"Left out of the workbook's: {said}." if said else ""


def _lingering(policy: Policy) -> str:
    """Say which pages outlast a pause, and why."""
    own = [(tier.place, tier.lingers) for tier in policy.tiers if tier.lingers]
    fast = [] if policy.fast is None else [(policy.fast.place, policy.fast.lingers)]
    said = " and ".join(f"{place} fires on for {length}" for place, length in (*fast, *own))
    return f"So that no pause between requests ends a page, {said}." if said else ""


def _has_stricter(measured: Sequence[Measured]) -> bool:
    return any(one.events is not None and one.events.companion for one in measured)


# --- detection -----------------------------------------------------------------------------------


def _detection(slo: Slo, measured: Sequence[Measured], intervals: Intervals) -> Passage:
    stricter = slo.policy.fast is not None and _has_stricter(measured)
    head = ["bad events", "share", "page after"]
    if stricter:
        head[2:] = ["page after, far beyond", "page after, just late"]
    head += ["ticket after", "page ends after", "ticket ends after"]
    words = (
        "After a clean past and with even traffic; it ends so long after trouble that lasted. "
        f"Up to {intervals.scrape} of scraping, {intervals.recordings} of recording and "
        f"{intervals.alerts} of alerting come on top."
        f"{_just_late(measured) if stricter else ''}"
    )
    rows = tuple(_detection_row(found, stricter) for found in detections(slo.policy))
    return Passage("Detection", words, tuple(head), rows)


def _just_late(measured: Sequence[Measured]) -> str:
    """Say where there is no difference between late and far beyond the threshold."""
    alike = [
        one.source.name
        for one in measured
        if one.events is not None and one.events.companion is None
    ]
    if not alike:
        return ""
    return f" On {', '.join(alike)} nothing stricter is known: what is just late pages as early."


def _detection_row(found: Detection, stricter: bool) -> tuple[str, ...]:
    pages = [found.page, found.page_by_budget] if stricter else [found.page]
    return (
        found.title,
        percent(found.bad),
        *(time_until(minutes) for minutes in (*pages, found.ticket)),
        *(time_to_end(minutes) for minutes in (found.page_ends, found.ticket_ends)),
    )
