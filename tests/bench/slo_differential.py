"""Our rules, sloth's and pyrra's on the same incidents: who is called, when, and what the month says.

Pages are read at one evaluation a minute. What is told of the period is read at one in five, since
promtool evaluates a group as often as any other and would gather an hour twice.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llmdash.alerts.burn import BURN, UNCOUNTED
from tests.bench.slo_pack import our_groups
from tests.bench.slo_peers import AVAILABILITY, FIRST_TOKEN, pyrra, sloth
from tests.bench.slo_promtool import ask
from tests.bench.slo_scenarios import SCENARIOS, Kind, Scenario

#: One evaluation: a page may be later than another by as much as the two see it apart.
EVALUATION_MINUTES = 1
#: How far a share of bad events may be from the truth: what happens between two scrapes weighs up to
#: 1 + interval / 5 m, since increases are extrapolated.
LIKENESS = 0.12
_PROMISES = {Kind.AVAILABILITY: AVAILABILITY, Kind.LATENCY: FIRST_TOKEN}
#: Of two cores.
WORKERS = 2

Groups = Sequence[dict[str, Any]]


@dataclass(frozen=True)
class RuleSet:
    """One of the three: its rules, and how it says what all three say."""

    name: str
    groups: Callable[[Kind], Groups]
    #: The labels of alerts that call somebody at once.
    page: str
    #: The share of bad events of the period.
    bad_share: Callable[[Kind], str]


def _ours(kind: Kind) -> str:
    chosen = f'{{slo="{kind.value}"}}'
    return f"1 - sum(llm:slo_good:period{chosen}) / sum(llm:slo_total:period{chosen})"


OURS = RuleSet("llmdash", lambda _: our_groups(), f'alertname="{BURN}", severity="critical"', _ours)
SLOTH = RuleSet(
    "sloth",
    lambda kind: sloth(_PROMISES[kind]),
    'alertname="SlothBurn", sloth_severity="page"',
    lambda _: "slo:sli_error:ratio_rate30d",
)
PYRRA = RuleSet(
    "pyrra",
    lambda kind: pyrra(_PROMISES[kind]),
    'alertname=~"ErrorBudgetBurn|SLOMetricAbsent", severity="critical"',
    lambda _: "1 - pyrra_availability",
)
RULE_SETS = (OURS, SLOTH, PYRRA)


@dataclass(frozen=True)
class Pages:
    """When a rule set called somebody; minutes of the scenario."""

    first: int | None
    #: The first minute at which it is silent for good.
    reset: int | None
    #: How often it began to fire.
    times: int


@dataclass(frozen=True)
class Outcome:
    """What one rule set made of a scenario."""

    scenario: Scenario
    rule_set: RuleSet
    pages: Pages
    #: The share of bad events that it says; None where it has none, and possibly NaN.
    bad_share: float | None

    @property
    def detection(self) -> int | None:
        """Minutes from the onset to the first page; None without a page."""
        return None if self.pages.first is None else self.pages.first - self.scenario.onset

    @property
    def reset(self) -> int | None:
        """Minutes from the end to silence; None without a page, or where it never comes."""
        return None if self.pages.reset is None else self.pages.reset - self.scenario.over

    @property
    def is_false(self) -> bool:
        """Tell whether it called somebody for nothing, or before anybody could know."""
        if self.detection is None or self.scenario.pages is None:
            return False
        return not self.scenario.pages or self.detection < self.scenario.evident_after

    @property
    def is_missed(self) -> bool:
        """Tell whether nobody was called who had to be."""
        return self.scenario.pages is True and self.pages.first is None

    @property
    def is_repeated(self) -> bool:
        """Tell whether one incident began a second page."""
        return self.pages.times > 1

    @property
    def is_share_true(self) -> bool:
        """Tell whether the share of bad events is that of the events."""
        truth = self.scenario.bad_share()
        if self.bad_share is None or math.isnan(self.bad_share):
            return False
        return math.isclose(self.bad_share, truth, rel_tol=LIKENESS, abs_tol=1e-9)


@dataclass(frozen=True)
class Comparison:
    """A scenario and what all three made of it."""

    scenario: Scenario
    outcomes: tuple[Outcome, ...]
    #: Minutes from the onset until ours said that it no longer counts events; None if it did not.
    uncounted: int | None

    def of(self, rule_set: RuleSet) -> Outcome:
        """Return what one of them made of it."""
        return next(o for o in self.outcomes if o.rule_set is rule_set)

    def is_late(self, rule_set: RuleSet) -> bool:
        """Tell whether one pages more than one evaluation after a page of sloth's that was due."""
        own, theirs = self.of(rule_set).detection, self.of(SLOTH).detection
        if not self.scenario.pages or own is None or theirs is None:
            return False
        # An earlier page of theirs is one that a single failure would have caused too.
        return own > max(theirs, self.scenario.evident_after) + EVALUATION_MINUTES

    def faults(self) -> Iterator[str]:
        """Yield what is promised of ours and not so."""
        ours, theirs = self.of(OURS), self.of(SLOTH)
        place = f"{self.scenario.kind.value}: {self.scenario.name}"
        if ours.is_false:
            yield f"{place}: paged {ours.detection} min after the onset, for nothing"
        if ours.is_missed:
            yield f"{place}: paged nobody"
        if (self.uncounted is not None) is not self.scenario.is_uncounted:
            yield f"{place}: said after {self.uncounted} min that events are not counted"
        if not ours.is_share_true:
            truth = self.scenario.bad_share()
            yield f"{place}: a share of {ours.bad_share} bad events, {truth} are"
        if self.is_late(OURS):
            yield f"{place}: paged after {ours.detection} min, sloth after {theirs.detection}"
        if ours.is_repeated:
            yield f"{place}: {ours.pages.times} pages of one incident"


def compare(promtool: Path, scenarios: Sequence[Scenario] = SCENARIOS) -> tuple[Comparison, ...]:
    """Run all three on every scenario."""
    with ThreadPoolExecutor(WORKERS) as pool:
        return tuple(pool.map(lambda scenario: _compared(promtool, scenario), scenarios))


def _compared(promtool: Path, scenario: Scenario) -> Comparison:
    groups = [group for rules in RULE_SETS for group in rules.groups(scenario.kind)]
    series, minutes = scenario.series(), scenario.minutes

    def answers(questions: Sequence[str], evaluation: str) -> list[float | None]:
        return ask(
            promtool,
            groups,
            series,
            questions,
            scrape_seconds=scenario.scrape_seconds,
            evaluation=evaluation,
            minutes=minutes,
        )

    paging = [q for rules in RULE_SETS for q in _pages_asked(rules.page, minutes)]
    told, *_ = _pages_asked(f'alertname="{UNCOUNTED}"', minutes)
    *found, uncounted = answers([*paging, told], f"{EVALUATION_MINUTES}m")
    shares = answers([rules.bad_share(scenario.kind) for rules in RULE_SETS], "5m")
    outcomes = tuple(
        Outcome(scenario, rules, _pages(found[3 * place : 3 * place + 3], minutes), share)
        for place, (rules, share) in enumerate(zip(RULE_SETS, shares, strict=True))
    )
    minute = None if uncounted is None else round(uncounted / 60) - scenario.onset
    return Comparison(scenario, outcomes, minute)


def _pages_asked(labels: str, minutes: int) -> Iterator[str]:
    """Yield the questions for the first and the last second of firing, and how often it began."""
    firing = f'ALERTS{{alertstate="firing", {labels}}}'
    span = f"[{minutes}m:{EVALUATION_MINUTES}m]"
    yield f"min(min_over_time(timestamp({firing}){span}))"
    yield f"max(max_over_time(timestamp({firing}){span}))"
    before = f"{firing} offset {EVALUATION_MINUTES}m"
    yield f"count_over_time((group({firing}) unless group({before})){span})"


def _pages(answers: Sequence[float | None], minutes: int) -> Pages:
    first, last, times = answers
    if first is None or last is None or times is None:
        return Pages(None, None, 0)
    end = round(last / 60)
    still = end >= minutes
    return Pages(round(first / 60), None if still else end + EVALUATION_MINUTES, int(times))
