"""The rule tests of promises would notice mistakes in what is counted, added up, kept and alerted on."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.mistakes.mutants import Mutant, Rule, mutants_of
from tests.prometheus_tools import MAJORS, said_against, tools_of_major

ROOT = Path(__file__).resolve().parents[2]
RULES = ROOT / "generated" / "rules" / "llmdash-slo.yaml"
ALERTS = RULES.with_name("llmdash-slo-alerts.yaml")
COUNTS = "slo-counts.test.yaml"
UPTIME = "slo-uptime.test.yaml"
#: The faster ones first: most mistakes show there.
SUMS = ("slo-period.test.yaml", "slo-hour.test.yaml", "slo-windows.test.yaml")

#: What is counted, of which promise, on which source: a mistake in one shows in no other.
Key = tuple[str, str, str]
SAMPLE = re.compile(r"\{([^}]*)\} [^\s,]+")
FAILURE = re.compile(r'^ *expr: "(.*)", time: .*\n *exp: ?(.*)\n *got: ?(.*)$', re.MULTILINE)
#: What has no series yet is none, where there are events at all.
ZERO = re.compile(r" or sum(?: by \(\w+\) )?\(llm:slo_total:increase5m\{[^}]*\}\) \* 0$")
#: Good events once more: one series for each model.
OF_ONE = re.compile(r"sum by \(\w+\) \(llm:slo_good:increase5m\{[^}]*\}\)")
KIND = re.compile(r"llm:slo_\w+:increase5m")
#: Whose scrapes count; rules of all sources are alike but for the job.
ANSWERED = "llm_instance:target_answered:state"


@dataclass(frozen=True)
class Counted:
    """A mistake in one rule that counts events."""

    key: Key
    mutant: Mutant


@cache
def groups() -> list[dict[str, Any]]:
    """The groups of the built file; read once, for reading is slow."""
    found: list[dict[str, Any]] = yaml.safe_load(RULES.read_text())["groups"]
    return found


def key_of(rule: Rule) -> Key:
    labels = rule.get("labels", {})
    return rule["record"], labels.get("slo", ""), labels.get("source", "")


def counting_rules() -> list[Rule]:
    """The rules that count events of five minutes."""
    return [rule for rule in groups()[0]["rules"] if KIND.fullmatch(rule["record"])]


def target_rules() -> list[Rule]:
    """The rules that tell whose scrapes count, which stand before them."""
    return [rule for rule in groups()[0]["rules"] if rule["record"] == ANSWERED]


def counting_mistakes() -> Iterator[Counted]:
    """Yield every mistake in a rule that counts, but those that change nothing."""
    rules = counting_rules()
    for mutant in mutants_of(RULES.name, rules):
        rule = rules[mutant.place]
        key = key_of(rule)
        if mutant.kind == "labels left out":
            # Rules without labels would collide in a batch.
            relabelled = {**rule, "labels": {**rule["labels"], "role": "other"}}
            yield Counted(key, replace(mutant, kind="another role", rule=relabelled))
        elif not is_equal(mutant, rule["expr"]):
            yield Counted(key, mutant)


def is_equal(mutant: Mutant, expression: str) -> bool:
    """Whether a mistake cannot show: in a zero's labels, one of two matchers, a sum of one series."""
    if mutant.rule is None or mutant.rule["expr"] == expression:
        return False
    changed: str = mutant.rule["expr"]
    if mutant.kind == "matcher dropped":
        pairs = enumerate(zip(expression, changed, strict=False))
        at = next(place for place, (one, other) in pairs if one != other)
        zero = ZERO.search(expression)
        # A zero without labels is one zero.
        in_one_zero = zero is not None and at > zero.start() and " by " not in zero[0]
        return in_one_zero or expression.count("+Inf") > changed.count("+Inf")
    return mutant.kind == "another aggregation" and OF_ONE.fullmatch(expression) is not None


def in_batches(mistakes: list[Counted]) -> list[list[Counted]]:
    """Return mistakes in batches of different keys, one kind of events each.

    Good events read all of them, and tolerable ones may read the good.
    """
    by_key: dict[Key, list[Counted]] = {}
    for mistake in mistakes:
        by_key.setdefault(mistake.key, []).append(mistake)
    batches = []
    for kind in {key[0] for key in by_key}:
        of_kind = [same for key, same in by_key.items() if key[0] == kind]
        longest = max(map(len, of_kind))
        batches += [[same[n] for same in of_kind if n < len(same)] for n in range(longest)]
    return batches


def said_of(folder: Path, rules: list[dict[str, Any]], *tests: str) -> str:
    """What promtool says of rule tests on changed rules."""
    (folder / "rules").mkdir(parents=True)
    (folder / "generated" / "rules").mkdir(parents=True)
    (folder / "generated" / "rules" / RULES.name).write_text(json.dumps({"groups": rules}))
    shutil.copy(ALERTS, folder / "generated" / "rules")
    copies = [shutil.copy(ROOT / "rules" / test, folder / "rules") for test in tests]
    return said_against(tools_of_major(MAJORS[0]).promtool, *copies)


def keys_noticed(folder: Path, batch: list[Counted]) -> set[Key]:
    """The keys of a batch that the rule test of counts complains about."""
    changed = {mistake.mutant.place: mistake.mutant.rule for mistake in batch}
    rules = [changed.get(place, rule) for place, rule in enumerate(counting_rules())]
    kept = [*target_rules(), *(rule for rule in rules if rule is not None)]
    said = said_of(folder, [{"name": "llmdash-slo", "rules": kept}], COUNTS)
    return keys_that_fail(said, batch) | keys_that_differ(said)


def keys_that_fail(said: str, batch: list[Counted]) -> set[Key]:
    """The keys whose rules promtool could not evaluate: all of that name, one of which is wrong."""
    failed = set(re.findall(r"^ *rule: (\S+), time: \S+, err: ", said, re.MULTILINE))
    of_name = [mistake.key for mistake in batch if mistake.key[0] in failed]
    return set(of_name) if len(of_name) == 1 else set()


def keys_that_differ(said: str) -> set[Key]:
    """The keys whose expectations failed, by the labels of what differs."""
    found = set()
    for expression, expected, got in FAILURE.findall(said):
        (kind,) = set(KIND.findall(expression))
        differing = set(sample_texts(expected)) ^ set(sample_texts(got))
        for text in differing:
            labels = dict(re.findall(r'(\w+)="([^"]*)"', text))
            found.add((kind, labels.get("slo", ""), labels.get("source", "")))
    return found


def sample_texts(said: str) -> list[str]:
    return [found[0] for found in SAMPLE.finditer(said)]


@pytest.mark.promtool
def test_every_mistake_in_counting_is_noticed(tmp_path: Path) -> None:
    """A wrong aggregation, window, matcher or label in what is counted fails the rule test of counts."""
    work = in_batches(list(counting_mistakes()))

    def unnoticed(number: int) -> list[str]:
        noticed = keys_noticed(tmp_path / str(number), work[number])
        rest = [mistake for mistake in work[number] if mistake.key not in noticed]
        # A rule that cannot be evaluated ends a test and hides the others; alone each shows itself.
        return [
            str(mistake.mutant)
            for place, mistake in enumerate(rest)
            if mistake.key not in keys_noticed(tmp_path / f"{number}-{place}", [mistake])
        ]

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = [text for texts in pool.map(unnoticed, range(len(work))) for text in texts]

    assert [] == found


@pytest.mark.promtool
def test_every_mistake_in_whose_scrapes_count_is_noticed(tmp_path: Path) -> None:
    """A target that starts, stays, dies or goes is told apart by the rule test of uptime."""
    first, *others = groups()
    rules = first["rules"]
    # The gateway is the one that dies there.
    (place,) = (rules.index(r) for r in target_rules() if r["labels"]["source"] == "gateway")
    # Looking back 20 minutes instead of 10 shows only where Prometheus itself was away.
    work = [
        mutant
        for mutant in mutants_of(RULES.name, [rules[place]])
        if mutant.rule is None or "[20m]" not in mutant.rule["expr"]
    ]

    def is_unnoticed(number: int) -> bool:
        mutant = work[number]
        instead = [mutant.rule] if mutant.rule else []
        changed = [*rules[:place], *instead, *rules[place + 1 :]]
        said = said_of(tmp_path / str(number), [{**first, "rules": changed}, *others], UPTIME)
        return "FAILED" not in said

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        unnoticed = list(pool.map(is_unnoticed, range(len(work))))

    assert [] == [str(mutant) for mutant, missed in zip(work, unnoticed, strict=True) if missed]


# --- sums and what is left ------------------------------------------------------------------------

#: Not within a duration, an exponent or a name.
NUMBER = re.compile(r'(?<!e-)(?<![\w.|"\[])\d+(?:\.\d+)?(?![\w.|"\]]|e-)')


def summing_mistakes() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Yield every mistake in the rules that add up and judge, with the groups that hold it."""
    kept = [
        {**group, "rules": [rule for rule in group["rules"] if not is_of_targets(rule)]}
        for group in groups()
    ]
    for place, group in enumerate(kept):
        for mutant in (*mutants_of(RULES.name, group["rules"]), *with_other_numbers(group)):
            # All promises have one period, so naming them chooses nothing yet.
            if mutant.kind == "matcher dropped" or is_unchanged(mutant, group["rules"]):
                continue
            rules = list(group["rules"])
            rules[mutant.place : mutant.place + 1] = [mutant.rule] if mutant.rule else []
            yield str(mutant), [*kept[:place], {**group, "rules": rules}, *kept[place + 1 :]]


def is_of_targets(rule: Rule) -> bool:
    """Whether a rule reads what targets expose."""
    return rule["record"] == ANSWERED or KIND.fullmatch(rule["record"]) is not None


def is_unchanged(mutant: Mutant, rules: list[Rule]) -> bool:
    """Whether there were no labels to be left out."""
    return mutant.kind == "labels left out" and "labels" not in rules[mutant.place]


def with_other_numbers(group: dict[str, Any]) -> Iterator[Mutant]:
    """Yield rules with one number doubled, and one for zero."""
    for place, rule in enumerate(group["rules"]):
        expression = rule["expr"]
        for number in NUMBER.finditer(expression):
            value = 2 * float(number[0])
            text = f"{value:.12g}" if value else "1"
            changed = {
                **rule,
                "expr": expression[: number.start()] + text + expression[number.end() :],
            }
            yield Mutant(RULES.name, place, rule["record"], "another number", changed)


@pytest.mark.promtool
def test_every_mistake_in_sums_is_noticed(tmp_path: Path) -> None:
    """A wrong tile, window, hour, period or share of the budget fails a rule test of sums."""
    work = list(summing_mistakes())

    def is_unnoticed(number: int) -> bool:
        groups_with_it = work[number][1]
        return not any(
            "FAILED" in said_of(tmp_path / f"{number}-{test}", groups_with_it, test)
            for test in SUMS
        )

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        unnoticed = list(pool.map(is_unnoticed, range(len(work))))

    assert [] == [said for (said, _), missed in zip(work, unnoticed, strict=True) if missed]
