"""The comparison of promises' rules runs from end to end on short incidents, and judges them rightly."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from tests.bench.slo_cost import Cost, measure
from tests.bench.slo_cost import Size as CostSize
from tests.bench.slo_differential import (
    OURS,
    PYRRA,
    RULE_SETS,
    SLOTH,
    Comparison,
    Outcome,
    Pages,
    RuleSet,
    compare,
)
from tests.bench.slo_peers import AVAILABILITY, FIRST_TOKEN, Promise, pyrra, sloth
from tests.bench.slo_report import cost_section, page
from tests.bench.slo_scenarios import SCENARIOS, Kind, Scenario, Stretch, Target
from tests.prometheus_tools import MAJORS, PrometheusTools, tools_of_major
from tests.requirements import require

#: Minutes of a sample, and of its past.
HOURS, SHORT = 120, 63
#: Only the version is said.
TOOLS = PrometheusTools((3, 5, 3), Path("promtool"), None, None)


@pytest.fixture
def newest() -> PrometheusTools:
    tools = tools_of_major(max(MAJORS))
    if tools.prometheus is None:
        require(f"prom{max(MAJORS)}", f"no prometheus beside {tools.promtool}")
    return tools


def named(name: str, kind: Kind = Kind.AVAILABILITY) -> Scenario:
    (found,) = (one for one in SCENARIOS if (one.name, one.kind) == (name, kind))
    return found


def shortened(name: str) -> Scenario:
    """A scenario within two hours: the first of them is its past, cut to end at no joint of tiles."""
    found = named(name)
    traffic = found.before[-1].traffic
    (incident,) = found.incident
    minutes = min(incident.minutes, HOURS - SHORT)
    return replace(
        found,
        before=(Stretch(SHORT, traffic),),
        incident=(replace(incident, minutes=minutes),),
        after=(Stretch(HOURS - SHORT - minutes, traffic),),
    )


def outcome(scenario: Scenario, rule_set: RuleSet, first: int | None, share: float) -> Outcome:
    reset = None if first is None else first + 5
    return Outcome(scenario, rule_set, Pages(first, reset, 0 if first is None else 1), share)


def compared(scenario: Scenario, ours: int | None, theirs: int | None, share: float) -> Comparison:
    both = (outcome(scenario, OURS, ours, share), outcome(scenario, SLOTH, theirs, share))
    return Comparison(scenario, both, None)


@pytest.mark.parametrize("name", ["one failure at night", "total outage"])
def test_rules_are_compared_on_a_short_incident(promtool: Path, name: str) -> None:
    """One failure of a quiet night pages nobody but of the others; all see an outage, ours as early."""
    (found,) = compare(promtool, [shortened(name)])
    paged = {one.rule_set.name: one.detection is not None for one in found.outcomes}
    is_outage = found.scenario.pages

    assert [] == list(found.faults())
    assert {"llmdash": is_outage, "sloth": True, "pyrra": True} == paged
    assert is_outage != found.of(SLOTH).is_false
    assert found.of(OURS).is_share_true


def test_an_idle_hour_poisons_only_theirs(promtool: Path) -> None:
    """After an hour without traffic sloth's month is no number; ours goes on, and calls nobody."""
    (found,) = compare(promtool, [shortened("idle night")])
    theirs = found.of(SLOTH).bad_share

    assert [] == list(found.faults())
    assert theirs is not None
    assert math.isnan(theirs)
    assert 0 == found.of(OURS).bad_share


def test_what_is_promised_is_judged() -> None:
    """A false page, a missing one, a late one and a wrong share are each a fault of ours."""
    quiet, outage = named("one failure at night"), named("total outage")
    onset, share = outage.onset, outage.bad_share()

    assert [] == list(compared(outage, onset + 3, onset + 2, share).faults())
    assert ["paged after 4 min, sloth after 2"] == faults(outage, onset + 4, onset + 2, share)
    assert ["paged nobody"] == faults(outage, None, onset + 2, share)
    assert ["paged 1 min after the onset, for nothing"] == faults(
        quiet, quiet.onset + 1, None, quiet.bad_share()
    )
    assert ["said after 3 min that events are not counted"] == [
        fault.split(": ", 2)[2]
        for fault in replace(compared(quiet, None, None, quiet.bad_share()), uncounted=3).faults()
    ]
    assert [f"a share of 0.5 bad events, {share} are"] == faults(outage, onset, onset, 0.5)


def faults(scenario: Scenario, ours: int | None, theirs: int | None, share: float) -> list[str]:
    found = compared(scenario, ours, theirs, share).faults()
    return [fault.split(": ", 2)[2] for fault in found]


def test_a_page_is_rightly_late_while_it_could_be_bad_luck() -> None:
    """Before the third failure of a quiet night nobody can know; a page by then is for nothing."""
    night = named("all fail at night")
    evident, share = night.onset + night.evident_after, night.bad_share()

    assert [] == list(compared(night, evident + 1, night.onset + 6, share).faults())
    assert compared(night, evident, night.onset + 6, share).of(SLOTH).is_false
    assert 1 == len(faults(night, evident + 2, night.onset + 6, share))


def test_scenarios_end_at_full_hours() -> None:
    """Our period reaches up to the last full hour, so nothing of a scenario is left out."""
    assert [] == [one.name for one in SCENARIOS if one.minutes % 60]
    assert len(SCENARIOS) == len({(one.kind, one.name) for one in SCENARIOS})


def test_events_are_counted_one_by_one() -> None:
    """Counters show every event: a burst at once, a restart from zero, and nothing while away."""
    made = Scenario(
        "made",
        Kind.AVAILABILITY,
        "two good, one bad, a restart",
        (
            Stretch(1, 120, burst=1),
            Stretch(1, 0, target=Target.DOWN),
            Stretch(1, 240, bad=0.5, restarts=True),
        ),
        before=(Stretch(1, 0),),
        after=(),
        born_late=True,
    )
    ups, good, bad = made.series().values()

    assert "1 1 1 1 1 0 0 1 1" == ups
    assert "0 0 0 1 2 stale _ 1 2" == good
    assert "_ _ _ 1 1 stale _ 1 2" == bad
    assert 3 / 7 == made.bad_share()


@pytest.mark.parametrize("promise", [AVAILABILITY, FIRST_TOKEN])
def test_peers_have_the_rules_that_they_print(promise: Promise) -> None:
    """Sloth makes 17 rules of a promise in three groups; pyrra seven burns and four alerts of them."""
    groups = sloth(promise)
    alerts = [r for group in groups for r in group["rules"] if "alert" in r]
    burns = [r for group in pyrra(promise) for r in group["rules"] if ":burnrate" in str(r)]

    assert [8, 7, 2] == [len(group["rules"]) for group in groups]
    assert f"(14.4 * {promise.budget})" in alerts[0]["expr"]
    assert 7 == sum("record" in rule for rule in burns)
    assert ["2m", "16m", "1h4m", "3h13m"] == [rule["for"] for rule in burns if "for" in rule]


def test_the_page_shows_what_is_wrong() -> None:
    """A page for nothing and a share that is no number stand out, and are counted."""
    quiet = named("one failure at night")
    both = [
        outcome(quiet, OURS, None, quiet.bad_share()),
        outcome(quiet, SLOTH, quiet.onset + 1, math.nan),
        outcome(quiet, PYRRA, quiet.onset + 3, quiet.bad_share()),
    ]
    text = page([Comparison(quiet, tuple(both), None)], TOOLS)

    assert (
        "| no | none; 0.833 % | **page after 1 min, reset 54 min before the end**; **NaN** "
        "| **page after 3 min, reset 52 min before the end**; 0.833 % |"
    ) in text
    assert "| pages for nothing, of 1 | 0 | 1 | 1 |" in text


def test_a_rule_set_that_reads_as_much_keeps_no_promise() -> None:
    """A tenth for one replica and a hundredth for 200 is what is promised, no less."""
    size = CostSize(30, (1, 200))

    def section(one: int, many: int) -> bool:
        costs = {
            replicas: {rules.name: Cost(1000, 1.0) for rules in RULE_SETS}
            | {OURS.name: Cost(samples, 1.0)}
            for replicas, samples in ((1, one), (200, many))
        }
        return cost_section(size, costs, TOOLS).is_kept

    assert section(100, 10)
    assert not section(101, 10)
    assert not section(100, 11)


def test_rules_of_a_made_day_are_asked(newest: PrometheusTools, tmp_path: Path) -> None:
    """Every rule of each set finds what it reads, and a replica more costs ours five minutes of it."""
    costs = measure(CostSize(1, (1, 3)), newest, tmp_path)
    more = {name: costs[3][name].samples - costs[1][name].samples for name in costs[1]}

    assert {"llmdash", "sloth", "pyrra"} == more.keys()
    assert 0 < 100 * more["llmdash"] < more["sloth"]
    assert [] == list(tmp_path.iterdir())
