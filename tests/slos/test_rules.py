"""The rules of promises: where each is measured, and the groups that add up, in the order in which they read."""

from __future__ import annotations

import re
from typing import Any

import pytest

from llmdash.errors import SloError
from llmdash.intervals import Intervals
from llmdash.placement import Placement
from llmdash.promql.nodes import Selector
from llmdash.promql.printer import RULES, to_text
from llmdash.promql.windows import Duration
from llmdash.recordings import RuleGroup
from llmdash.slos.rules import Promises, promises, slo_rules
from llmdash.slos.slo import Outcomes, Slo, Up, Within
from llmdash.slos.tiers import Fast, Severity, Tier
from llmdash.sources.source import Role, Source
from tests.slos.taverns import BY_FLOOR, requests, slo, tavern

INTERVALS = Intervals(recordings=Duration.parse("37s"), retention=Duration.parse("11d"))
#: An odd tier: windows that no workbook has.
ODD = Tier(Severity.PAGE, 0.03, Duration.parse("2h"), Duration.parse("10m"))

SUPPER = slo(tiers=(ODD,))
LUNCH = slo(name="lunch", indicator=Up(), period=Duration.parse("3d"), tiers=(ODD,), fast=Fast(0.7))


def found(*slos: Slo, sources: tuple[Source, ...] = (tavern(),)) -> Promises:
    return promises(slos, sources, Placement(), INTERVALS)


def groups(*slos: Slo, **settings: Any) -> tuple[RuleGroup, ...]:
    return slo_rules(found(*slos, **settings), INTERVALS)


def written(group: RuleGroup) -> list[tuple[str, str]]:
    return [(each.name, to_text(each.expr, RULES)) for each in group.recordings]


def names(group: RuleGroup) -> list[str]:
    return [each.name for each in group.recordings]


# --- where a promise is measured -----------------------------------------------------------------


def test_a_promise_is_for_the_sources_of_its_roles() -> None:
    """A source of another role is no gap; one of the role that cannot tell is, with the reason."""
    sources = (
        tavern(),
        tavern("cellar", requests=requests(misses="mice are counted nowhere")),
        tavern("door", Role.GATEWAY),
    )
    of = found(slo(roles=(Role.ENGINE,)), sources=sources)

    assert [
        ("tavern", ""),
        ("cellar", "expected every failure counted, got mice are counted nowhere"),
    ] == [(one.source.name, one.gap) for one in of.measured]
    assert ["tavern"] == [one.source.name for one in of.counted]
    assert of.measured == of.of(slo())
    assert () == of.of(LUNCH)


def test_a_promise_for_named_sources() -> None:
    """Sources can be named, and then no other is measured."""
    sources = (tavern(), tavern("door"), tavern("cellar"))

    assert ["door", "cellar"] == [
        one.source.name for one in found(slo(sources=("cellar", "door")), sources=sources).measured
    ]


@pytest.mark.parametrize(
    ("slos", "message"),
    [
        (
            (slo(sources=("taverm",)),),
            "SLO supper: expected a source of its roles (tavern), got taverm; did you mean tavern?",
        ),
        (
            (slo(roles=(Role.APP,), sources=("tavern",)),),
            "SLO supper: expected a source of its roles (there is none), got tavern",
        ),
        (
            (slo(indicator=Within("decode_time", 0.7), sources=("tavern",)),),
            "SLO supper on tavern: expected an answer for decode_time, got none",
        ),
        (
            (slo(period=Duration.parse("12d")),),
            "SLO supper: expected its period of 12d to be kept, got samples kept for 11d; "
            "shorten the period, or keep samples longer",
        ),
        ((slo(), LUNCH, slo()), "SLO supper: expected one promise of a name, got 2"),
    ],
)
def test_a_pack_that_promises_too_much(slos: tuple[Slo, ...], message: str) -> None:
    """Sources that are named must be there and tell; a period above the retention is refused."""
    with pytest.raises(SloError) as caught:
        found(*slos)

    assert message == str(caught.value)


def test_a_period_as_long_as_the_retention_is_kept() -> None:
    """The limit itself is allowed."""
    assert 1 == len(found(slo(period=Duration.parse("11d"))).counted)


def test_a_promise_that_is_measured_nowhere_has_no_rules() -> None:
    """Without a source that can tell there is no series, no group, and no other harm."""
    nowhere = slo(name="nowhere", indicator=Within("decode_time", 0.7))
    series = found(nowhere, SUPPER).series

    assert found(nowhere).series is None
    assert () == groups(nowhere)
    assert () == groups()
    assert series is not None
    assert (("supper",), ("tavern",)) == (tuple(s.name for s in series.slos), series.sources)


# --- groups --------------------------------------------------------------------------------------


def test_groups_and_their_intervals() -> None:
    """Counts and windows are as quick as other recordings; months are added up every two minutes."""
    assert [("llmdash-slo", "37s"), ("llmdash-slo-period", "2m")] == [
        (group.name, str(group.interval)) for group in groups(SUPPER)
    ]


def test_counts_say_what_and_where() -> None:
    """Counts of five minutes carry the promise, the source and its role; the rest is by labels."""
    (windows, _) = groups(SUPPER, LUNCH)
    counts = [each for each in windows.recordings if each.name.endswith("increase5m")]

    assert [
        ("llm:slo_total:increase5m", "supper"),
        ("llm:slo_good:increase5m", "supper"),
        ("llm:slo_total:increase5m", "lunch"),
        ("llm:slo_good:increase5m", "lunch"),
        ("llm:slo_tolerable:increase5m", "lunch"),
    ] == [(each.name, dict(each.labels)["slo"]) for each in counts]
    assert {(("role", "engine"), ("source", "tavern"))} == {
        tuple(pair for pair in each.labels if pair[0] != "slo") for each in counts
    }


def test_good_events_without_a_series_are_none() -> None:
    """While all fail, good events have no series: they are zero of all that were counted."""
    (windows, _) = groups(slo(objective=0.9, indicator=Within("time_to_first_token", 0.11)))
    found = dict(written(windows))
    none = 'sum by (model) (llm:slo_total:increase5m{slo="supper", source="tavern"}) * 0'

    assert "llm:slo_total" not in found["llm:slo_total:increase5m"]
    for kind in ("good", "tolerable"):
        of_kind = found[f"llm:slo_{kind}:increase5m"]
        assert of_kind.endswith(f" or {none}")
        assert 1 == of_kind.count("llm:slo_total")


def test_scrapes_need_no_such_zero() -> None:
    """Scrapes are counted wherever they are asked for, answered or not."""
    (windows, _) = groups(LUNCH)

    assert "llm:slo_total" not in dict(written(windows))["llm:slo_good:increase5m"]


def test_a_promise_without_a_stricter_measure_is_its_own() -> None:
    """Where there is a fast tier and nothing stricter, all bad events are as bad as can be."""
    (windows, _) = groups(slo(objective=0.9))

    assert (
        'sum by (model) (llm:slo_good:increase5m{slo="supper", source="tavern"})'
        == dict(written(windows))["llm:slo_tolerable:increase5m"]
    )


def test_windows_written_out() -> None:
    """Each window from its tiles, then objectives, then the burn: what is read stands before."""
    (windows, _) = groups(SUPPER)
    by = "sum by (slo, source, role, model)"

    assert [
        (
            "llm:slo_good:increase10m",
            f'{by} (label_replace(llm:slo_good:increase5m, "part", "0", "", "") or label_replace(llm:slo_good:increase5m offset 5m, "part", "1", "", ""))',
        ),
        (
            "llm:slo_total:increase10m",
            f'{by} (label_replace(llm:slo_total:increase5m, "part", "0", "", "") or label_replace(llm:slo_total:increase5m offset 5m, "part", "1", "", ""))',
        ),
    ] == written(windows)[2:4]
    assert [
        "llm:slo_good:increase1h",
        "llm:slo_total:increase1h",
        "llm:slo_good:increase2h",
        "llm:slo_total:increase2h",
        "llm:slo_objective:ratio",
        "llm:slo_burn:ratio1h",
    ] == names(windows)[4:]
    assert (
        "llm:slo_burn:ratio1h",
        "clamp_min(llm:slo_total:increase1h - llm:slo_good:increase1h, 0)"
        " / clamp_min(llm:slo_total:increase1h, 1e-09)"
        " / on (slo) group_left () (1 - llm:slo_objective:ratio)",
    ) == written(windows)[-1]
    assert ("llm:slo_objective:ratio", "vector(0.98)") == written(windows)[-2]


def test_periods_written_out() -> None:
    """Hours are gathered, added up over each promise's own period, and judged; each name is one rule."""
    (_, periods) = groups(SUPPER, LUNCH)

    assert [
        ("llm:slo_good:hour", "llm:slo_good:increase1h and on () minute() < 2"),
        ("llm:slo_total:hour", "llm:slo_total:increase1h and on () minute() < 2"),
        (
            "llm:slo_good:period",
            'sum_over_time(llm:slo_good:hour{slo="supper"}[167h59m59s])'
            ' or sum_over_time(llm:slo_good:hour{slo="lunch"}[71h59m59s])',
        ),
        (
            "llm:slo_total:period",
            'sum_over_time(llm:slo_total:hour{slo="supper"}[167h59m59s])'
            ' or sum_over_time(llm:slo_total:hour{slo="lunch"}[71h59m59s])',
        ),
        (
            "llm:slo_coverage:ratio",
            'count_over_time(llm:slo_total:hour{slo="supper"}[167h59m59s]) / 168'
            ' or count_over_time(llm:slo_total:hour{slo="lunch"}[71h59m59s]) / 72',
        ),
        (
            "llm:slo_budget_left:ratio",
            "1 - clamp_min(llm:slo_total:period - llm:slo_good:period, 0)"
            " / clamp_min(llm:slo_total:period, 1e-09)"
            " / on (slo) group_left () (1 - llm:slo_objective:ratio)",
        ),
        (
            "llm:slo_exhaustion:seconds",
            'clamp_max(clamp_min(llm:slo_budget_left:ratio{slo="supper"}, 0)'
            " / (clamp_min(llm:slo_burn:ratio1h, 1e-09) / 604800), 604800)"
            ' or clamp_max(clamp_min(llm:slo_budget_left:ratio{slo="lunch"}, 0)'
            " / (clamp_min(llm:slo_burn:ratio1h, 1e-09) / 259200), 259200)",
        ),
    ] == written(periods)


def test_promises_of_one_period_are_added_up_together() -> None:
    """One sum over hours serves all promises of a period."""
    (_, periods) = groups(SUPPER, slo(name="lunch", indicator=Outcomes(bad=("cancelled",))))

    assert (
        "llm:slo_total:period",
        'sum_over_time(llm:slo_total:hour{slo=~"supper|lunch"}[167h59m59s])',
    ) in written(periods)


#: What a rule reads of itself: which targets had answered by then.
OF_THE_EVALUATION_BEFORE = {"llm_instance:target_answered:state"}


def test_every_rule_reads_what_stands_before_it() -> None:
    """In a group rules are evaluated in order, so none waits for a later one of its own group."""
    for group in groups(SUPPER, LUNCH, slo(name="tea")):
        known = names(group)
        for place, recording in enumerate(group.recordings):
            later = set(known[place:]) - set(known[:place]) - OF_THE_EVALUATION_BEFORE

            assert not later & {read.series.name for read in _selectors(recording.expr)}


def _selectors(expr: Any) -> list[Selector]:
    found = [expr] if isinstance(expr, Selector) else []
    for child in vars(expr).values():
        for each in child if isinstance(child, tuple) else (child,):
            if hasattr(each, "facts"):
                found += _selectors(each)
    return found


def test_labels_of_all_promises_are_kept() -> None:
    """Windows are summed by every label that some promise is grouped by, each once."""
    lunch = slo(name="lunch", by=("storey", "model"))
    of = found(SUPPER, lunch, sources=(tavern(dialect=BY_FLOOR),))
    by = "sum by (slo, source, role, model, storey) ("
    (windows, _) = slo_rules(of, INTERVALS)
    longer = [text for name, text in written(windows) if re.search("increase(10m|1h|2h)$", name)]

    assert of.series is not None
    assert ("slo", "source", "role", "model", "storey") == of.series.labels
    assert [True] * 6 == [text.startswith(by) for text in longer]
