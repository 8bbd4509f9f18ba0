"""The comparison of the three rule sets as a page, and their cost as a section of measurements."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from tests.bench.results import Row, Section
from tests.bench.slo_cost import SCRAPE_SECONDS as COST_SCRAPE_SECONDS
from tests.bench.slo_cost import Costs, Size
from tests.bench.slo_differential import (
    EVALUATION_MINUTES,
    LIKENESS,
    OURS,
    PYRRA,
    RULE_SETS,
    SLOTH,
    Comparison,
    Outcome,
    RuleSet,
)
from tests.bench.slo_scenarios import SCRAPE_SECONDS, Kind
from tests.prometheus_tools import PrometheusTools

PAGE = Path(__file__).with_name("slo_differential.md")

#: By replicas: how many times less than sloth's ours read.
PROMISED = {1: 10, 200: 100}

_PROMISES = {
    Kind.AVAILABILITY: "Availability, 99.9 %",
    Kind.LATENCY: "First token within 2.5 s, 95 %",
}


def page(comparisons: Sequence[Comparison], tools: PrometheusTools) -> str:
    """Return the page: what each rule set did in each scenario, and how often it was wrong."""
    parts = [
        "# Three rule sets, the same incidents",
        f"Written by `make bench-slo` with promtool {_version(tools)}: the rules that llmdash, sloth "
        "v0.16.0 and pyrra (August 2026) make of two promises over 30 days, run on the same "
        f"series, scraped every {SCRAPE_SECONDS} s (the busy day every 60 s) and evaluated every {EVALUATION_MINUTES} min "
        "(`tests/bench/slo_scenarios.py`, `slo_peers.py`). Pages are alerts that call somebody at "
        "once: llmdash `severity=critical`, sloth `sloth_severity=page`, pyrra `severity=critical`. "
        "A cell says minutes from the onset to the first page, minutes from the end of the incident until "
        "it was silent, how many pages that were if not one, and the share of bad events that the "
        "rules tell of the period. In bold is what is wrong: a page for nothing, none where one was "
        f"due, a share that is off by more than {LIKENESS:.0%} (what happens between two scrapes "
        "weighs up to 1 + interval / 5 m) or that is no number.",
        "A share of sloth and pyrra is that of their own period rules; that of llmdash reaches "
        "up to the last full hour, at which each scenario ends. A page before the third failure "
        "of ten requests an hour is for nothing: one unlucky request would have caused it too. "
        "What these promises cannot tell (a dead server) is not judged.",
    ]
    for kind, title in _PROMISES.items():
        chosen = [one for one in comparisons if one.scenario.kind is kind]
        if not chosen:
            continue
        rows = "\n".join(_line(one) for one in chosen)
        heads = ("scenario", "truth", "bad", "page due", *(r.name for r in RULE_SETS))
        parts += [f"## {title}", f"| {' | '.join(heads)} |\n|{' --- |' * len(heads)}\n{rows}"]
    parts += ["## How often each is wrong", _sums(comparisons)]
    return "\n\n".join(parts) + "\n"


def _line(one: Comparison) -> str:
    scenario = one.scenario
    due = {True: "yes", False: "no", None: "not judged"}[scenario.pages]
    if scenario.evident_after:
        due = f"yes, from {scenario.evident_after} min"
    cells = [scenario.name, scenario.truth, _share(scenario.bad_share()), due]
    for outcome in one.outcomes:
        told = outcome.rule_set is OURS and one.uncounted is not None
        ticket = f"; ticket after {one.uncounted} min" if told else ""
        cells.append(f"{_pages(outcome)}{ticket}; {_told_share(outcome)}")
    return f"| {' | '.join(cells)} |"


def _pages(outcome: Outcome) -> str:
    if outcome.detection is None:
        return "**none**" if outcome.is_missed else "none"
    times = "" if outcome.pages.times == 1 else f", {outcome.pages.times} pages"
    reset = ", fires on" if outcome.reset is None else f", reset {outcome.reset} min"
    if outcome.reset is not None and outcome.reset < 0:
        reset = f", reset {-outcome.reset} min before the end"
    text = f"page after {outcome.detection} min{reset}{times}"
    return f"**{text}**" if outcome.is_false else text


def _told_share(outcome: Outcome) -> str:
    text = _share(outcome.bad_share)
    return text if outcome.is_share_true else f"**{text}**"


def _share(value: float | None) -> str:
    if value is None:
        return "no share"
    return "NaN" if math.isnan(value) else f"{value * 100:.3g} %"


def _sums(comparisons: Sequence[Comparison]) -> str:
    lines = [
        "| | " + " | ".join(rules.name for rules in RULE_SETS) + " |",
        "| --- |" + " --- |" * 3,
    ]
    wrongs: tuple[tuple[str, Callable[[Comparison, RuleSet], bool]], ...] = (
        ("pages for nothing", lambda one, rules: one.of(rules).is_false),
        ("missed", lambda one, rules: one.of(rules).is_missed),
        (
            f"later than sloth by more than {EVALUATION_MINUTES} min, where both page rightly",
            lambda one, rules: one.is_late(rules),
        ),
        ("paged again in one incident", lambda one, rules: one.of(rules).is_repeated),
        ("shares that are wrong", lambda one, rules: not one.of(rules).is_share_true),
    )
    for what, is_wrong in wrongs:
        numbers = [str(sum(is_wrong(one, rules) for one in comparisons)) for rules in RULE_SETS]
        lines.append(f"| {what}, of {len(comparisons)} | {' | '.join(numbers)} |")
    return "\n".join(lines)


def cost_section(size: Size, costs: Costs, tools: PrometheusTools) -> Section:
    """Return the section of what an evaluation reads."""
    return Section(
        "Cost of promises",
        f"Written by `make bench-slo`: every rule of two promises (availability 99.9 %, first token "
        f"95 %) asked once of Prometheus {_version(tools)}, at a full hour, when llmdash reads most, "
        f"with {size.days} days at {COST_SCRAPE_SECONDS} s made with promtool, of replicas that each "
        "have a gateway, and of all that the rules record. Samples are those that Prometheus counts "
        "(`stats=all`), seconds are the client's.",
        ("what", "llmdash", "against", "ratio"),
        list(_cost_rows(costs)),
    )


def _cost_rows(costs: Costs) -> Iterator[Row]:
    for replicas, by_set in costs.items():
        ours = by_set[OURS.name]
        of = f"{replicas} replica{'s' if replicas > 1 else ''}"
        for rules in (SLOTH, PYRRA):
            theirs = by_set[rules.name]
            least = PROMISED.get(replicas) if rules is SLOTH else None
            yield Row(
                f"samples of an evaluation, {of}",
                f"{ours.samples:,}",
                f"{theirs.samples:,} {rules.name}",
                f"1/{theirs.samples / ours.samples:.0f}",
                f"at most 1/{least}" if least else "",
                least is None or ours.samples * least <= theirs.samples,
            )
            yield Row(
                "seconds of it",
                f"{ours.seconds:.2f}",
                f"{theirs.seconds:.2f} {rules.name}",
                f"{ours.seconds / theirs.seconds:.2f}",
            )


def _version(tools: PrometheusTools) -> str:
    return ".".join(str(part) for part in tools.version)
