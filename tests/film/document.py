"""The films told for people: what happens, who is told and when, and who stays quiet."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.film.fired import STEP, Fired, Played
from tests.film.incident import Incident
from tests.film.notified import Notified

FILE = Path(__file__).resolve().parents[2] / "rules" / "incidents.md"

_HEAD = """\
<!-- Written by `make film`; changes made here are lost when it runs again. -->

# Incidents, and who is told

Each incident is played to all built rules by promtool: made series of three servers of a chat model and one of a
code model (vLLM), a ranker (Triton), a gateway and four GPUs. `rules/incidents.test.yaml` holds the series, the seconds, and that
nothing else fires; run it with `promtool test rules rules/incidents.test.yaml`. The stories are in `tests/film/`.

- Minutes are counted from the beginning of the incident. Rules are evaluated every 2 minutes here, and every 15 or 30 s in
  service: an alert may fire up to 2 minutes earlier there, and end up to 2 minutes later than it was seen last; what holds for
  less is not seen here.
- Promises know three clean days before each film; what they know of the last hours is off by some minutes.
- A message is what Alertmanager sends, by the built configuration: what is muted by an alert that says more (see
  `llmdash/alerts/inhibition.py`) is not sent, and alerts of one name, source and model are sent together.
- Alerts that compare with a day ago (`FirstTokenSlowerThanUsual`, `DraftsRejected`) know none here and cannot fire.

## Overview
"""


def write_document(played: Sequence[tuple[Incident, Played]]) -> str:
    """Return the text of the document."""
    lines = [_HEAD, *_overview(played)]
    for incident, found in played:
        lines += ["", *_chapter(incident, found)]
    return "\n".join(lines) + "\n"


def _overview(played: Sequence[tuple[Incident, Played]]) -> Iterator[str]:
    yield (
        "| incident | first page after | pages that fire | messages to the pager | tickets that "
        "fire | messages to tickets | alerts |"
    )
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for incident, found in played:
        notified = Notified(found.fired)
        pages, tickets = (notified.messages(pages=which) for which in (True, False))
        firing = sum(one.is_page for one in found.fired)
        first = _since(incident, min(pages.values())) if pages else "–"
        cells = (
            f"[{incident.title}](#{_anchor(incident.title)})",
            first,
            _many(firing),
            _many(len(pages)),
            _many(len(found.fired) - firing),
            _many(len(tickets)),
            ", ".join(f"`{name}`" for name in sorted(found.names)) or "–",
        )
        yield f"| {' | '.join(cells)} |"


def _chapter(incident: Incident, found: Played) -> Iterator[str]:
    yield f"## {incident.title}"
    yield ""
    yield incident.story
    yield ""
    if incident.happens:
        length = incident.ends - incident.begins
        yield (
            f"It begins at minute {incident.begins} of the film and lasts for {length}; the film "
            f"ends at minute {incident.minutes}."
        )
    else:
        yield f"The film ends at minute {incident.minutes}."
    yield ""
    if found.fired:
        yield from _table(incident, found)
    else:
        yield "Nothing fires."
    yield ""
    yield "Stays quiet:"
    yield ""
    for name, reason in incident.quiet.items():
        yield f"- `{name}`: {reason}."


def _table(incident: Incident, found: Played) -> Iterator[str]:
    yield "| alert | severity | what it says | fires first | fires last | muted by |"
    yield "| --- | --- | --- | --- | --- | --- |"
    notified = Notified(found.fired)
    for kind, same in found.of_kinds().items():
        first, last = same[0], max(one.last for one in same)
        promise = f" ({first.label('slo')})" if first.label("slo") else ""
        times = f" × {len(same)}" if len(same) > 1 else ""
        pauses = ", with pauses" if any(one.has_pauses for one in same) else ""
        until = "at the end" if last == incident.minutes * 60 else _since(incident, last)
        cells = (
            f"`{first.name}`{promise}{times}",
            "page" if first.is_page else "ticket",
            found.said[kind],
            _since(incident, first.first),
            until + pauses,
            _muted(incident, notified, same),
        )
        yield f"| {' | '.join(cells)} |"


def _muted(incident: Incident, notified: Notified, same: Sequence[Fired]) -> str:
    """Return what mutes alerts of one kind: all the time, or from when on."""
    moments = [
        (second, one)
        for one in same
        for second in range(one.first, one.last + 1, STEP)
        if notified.muted_by(one, second)
    ]
    if not moments:
        return "–"
    names = {name for second, one in moments for name in notified.muted_by(one, second)}
    text = ", ".join(f"`{name}`" for name in sorted(names))
    if not any(True for one in same for _ in notified.told_at(one)):
        return text
    begins = min(second for second, _ in moments)
    return f"{text} from {_since(incident, begins)}, not all the time"


def _since(incident: Incident, second: int) -> str:
    return f"{second / 60 - incident.begins:g} min"


def _many(count: int) -> str:
    return str(count) if count else "–"


def _anchor(title: str) -> str:
    """Return the address of a heading within the document."""
    return re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")
