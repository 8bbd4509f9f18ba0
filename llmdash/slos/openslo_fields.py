"""The fields of OpenSLO documents as parts of a promise: periods, objectives, our annotations."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from llmdash.errors import LlmdashError, SloError
from llmdash.promql.labels import nearest
from llmdash.promql.windows import Duration
from llmdash.signals import SIGNALS
from llmdash.slos import openslo
from llmdash.slos.reading import Fields, Reading
from llmdash.slos.slo import Begun, Indicator, Outcomes, Up, Within
from llmdash.slos.tiers import Fast
from llmdash.sources.source import Role

OF_SLO = (
    openslo.BY,
    openslo.WHERE,
    openslo.ROLES,
    openslo.SOURCES,
    openslo.FEWEST_BAD,
    openslo.TIERS,
    openslo.FAST_SHARE,
)
OF_CONDITION = (openslo.SHORT, openslo.SPENT)

_OF_OUTCOMES = (openslo.SIGNAL, openslo.GOOD, openslo.BAD)
_OF_WITHIN = (
    openslo.SIGNAL,
    openslo.THRESHOLD,
    openslo.OTHERWISE,
    openslo.FAILURES,
    openslo.COMPANION,
)
OF_INDICATOR = tuple(dict.fromkeys((openslo.INDICATOR, *_OF_OUTCOMES, *_OF_WITHIN)))

#: How places in a file say their line.
LINE = " (line "

_SHORTHAND = re.compile(r"[1-9][0-9]*[mhdw]", re.ASCII)
#: Up to here a share of the budget is the one that a rounded threshold gives.
_ALIKE = 1e-6


def annotations_of(metadata: Fields, known: Sequence[str]) -> Fields:
    """Return our annotations; those of others are theirs."""
    found = metadata["annotations"].entries() if "annotations" in metadata else {}
    own = {name: told for name, told in found.items() if name.startswith(openslo.PREFIX)}
    for name in own:
        if name not in known:
            place = metadata["annotations"].place
            expected = f"one of {', '.join(known)}" if known else "none of ours"
            raise SloError(place, expected, name, nearest(name, known))
    return Fields(own, f"{metadata.place}.annotations")


def indicator_of(told: Fields) -> Indicator:
    """Return what an event is, as the annotations of an SLI have it."""
    hint = "say what an event is, for llmdash"
    kinds = (openslo.OUTCOMES, openslo.WITHIN, openslo.BEGUN, openslo.UP)
    kind = told.require(openslo.INDICATOR, hint).choice(kinds)
    allowed = {
        openslo.OUTCOMES: _OF_OUTCOMES,
        openslo.WITHIN: _OF_WITHIN,
        openslo.BEGUN: (openslo.GOOD,),
        openslo.UP: (),
    }[kind]
    for name in told:
        if name not in (openslo.INDICATOR, *allowed):
            raise SloError(told.place, f"annotations of the indicator {kind}", name)
    try:
        if kind == openslo.OUTCOMES:
            good, bad = (told[name].listed() for name in (openslo.GOOD, openslo.BAD))
            return Outcomes(_signal(told[openslo.SIGNAL]), good, bad)
        if kind == openslo.BEGUN:
            return Begun(told[openslo.GOOD].listed())
        return Up() if kind == openslo.UP else _within(told)
    except SloError as error:
        raise placed(error, told.place) from error


def _within(told: Fields) -> Within:
    said: dict[str, object] = {}
    if openslo.OTHERWISE in told:
        said["otherwise"] = told[openslo.OTHERWISE].decimals()
    if openslo.FAILURES in told:
        told[openslo.FAILURES].choice((openslo.IGNORED,))
        said["failures"] = False
    if openslo.COMPANION in told:
        said["companion"] = told[openslo.COMPANION].decimal()
    asked, threshold = _signal(told[openslo.SIGNAL]), told[openslo.THRESHOLD].decimal()
    return Within(asked, threshold, **said)  # type: ignore[arg-type]  # as the fields have it


def _signal(of: Reading) -> str:
    name, names = of.text(), [each.name for each in SIGNALS]
    if name not in names:
        raise of.refused("a signal that signals.md names", nearest(name, names))
    return name


def period_of(window: Reading) -> Duration:
    """Return the period of a rolling time window."""
    only = window.only("window").fields(("duration", "isRolling", "calendar"))
    if "calendar" in only:
        hint = "a period of llmdash rolls on, and has no first day"
        raise only["calendar"].refused("a rolling window", hint)
    only["isRolling"].require(True)
    return shorthand_of(only["duration"])


def objective_of(objectives: Reading) -> float:
    """Return the only objective, as a share."""
    hint = f"a threshold stands in the annotation {openslo.THRESHOLD} of the SLI"
    objective = objectives.only("objective", "declare an SLO for each")
    fields = objective.fields(("displayName", "target", "targetPercent"), hint)
    if ("target" in fields) == ("targetPercent" in fields):
        got = "both" if "target" in fields else "neither"
        raise SloError(fields.place, "target or targetPercent", got)
    if "target" in fields:
        return fields["target"].number()
    return round(fields["targetPercent"].number() / 100, 12)


def shorthand_of(of: Reading) -> Duration:
    """Return a length that is one number and one letter."""
    text = of.text()
    if _SHORTHAND.fullmatch(text) is None:
        hint = "a month, quarter or year is no fixed length" if text[-1:] in ("M", "Q", "Y") else ""
        raise of.refused("a length such as 5m, 6h, 30d or 4w", hint)
    return duration_of(of)


def duration_of(of: Reading) -> Duration:
    """Return a length as PromQL spells it, which shorthands do too."""
    try:
        return Duration.parse(of.text())
    except LlmdashError as error:
        raise of.refused("a length such as 5m or 1h30m") from error


def spent_of(threshold: Reading, told: Fields, long: Duration, period: Duration) -> float:
    """Return the share of the budget that is gone when a tier fires."""
    burn = threshold.number()
    by_burn = burn * long.milliseconds / period.milliseconds
    if openslo.SPENT not in told:
        return round(by_burn, 12)
    spent = told[openslo.SPENT].decimal()
    if abs(spent - by_burn) > _ALIKE:
        asked = spent * period.milliseconds / long.milliseconds
        expected = f"{asked:.6g}, at which {spent:g} of the budget is gone in {long}"
        hint = f"change it, or take away {openslo.SPENT}"
        raise SloError(threshold.place, expected, f"{burn:g}", hint)
    return spent


def fast_of(told: Fields) -> Fast | None:
    """Return the fast tier, where it was chosen by hand."""
    if openslo.FAST_SHARE not in told:
        return None
    try:
        return Fast(told[openslo.FAST_SHARE].decimal())
    except SloError as error:
        raise placed(error, told.place) from error


def names_of(told: Fields, name: str) -> tuple[str, ...] | None:
    """Return the names that an annotation lists, or None without it."""
    return told[name].listed() if name in told else None


def whole_of(told: Fields, name: str) -> int | None:
    """Return the whole number of an annotation, or None without it."""
    return told[name].whole() if name in told else None


def roles_of(told: Fields) -> tuple[Role, ...] | None:
    """Return the roles that the annotation lists, or None without it."""
    names = names_of(told, openslo.ROLES)
    if names is None:
        return None
    known = [role.value for role in Role]
    return tuple(Role(Reading(n, told[openslo.ROLES].place).choice(known)) for n in names)


def where_of(told: Fields) -> dict[str, str] | None:
    """Return the label values that narrow events, or None without the annotation."""
    if openslo.WHERE not in told:
        return None
    of = told[openslo.WHERE]
    try:
        read = json.loads(of.text())
    except ValueError:
        raise of.refused('labels with values, such as {"prompt_class": "small"}') from None
    return {name: value.text() for name, value in Reading(read, of.place).entries().items()}


def placed(error: SloError, place: str) -> SloError:
    """Return an error of a promise's own at its place in the file; others know theirs."""
    if LINE in error.place:
        return error
    document, _, _ = place.partition(LINE)
    rest = error.place.removeprefix(document).removeprefix(": ")
    where = f"{place}: {rest}" if rest else place
    return SloError(where, error.expected, error.got, error.hint)
