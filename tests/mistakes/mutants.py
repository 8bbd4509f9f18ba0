"""Recording rules made wrong, one small change at a time, to see whether the rule tests notice."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Rule = dict[str, Any]

# What an aggregation is taken for by mistake.
OTHER_AGGREGATION = {"sum": "max", "max": "min", "avg": "max", "count": "sum"}

MATCHER = re.compile(r'(\w+)(=~|!~|!=|=)"((?:[^"\\]|\\.)*)"')
BRACES = re.compile(r"\{[^{}]*\}")
#: Two selectors of which one is taken from, or multiplied by, the other of the same labels.
JOIN = re.compile(r"\{[^{}]*\} [-+*/] on \(([^()]*)\) [\w:]+\{[^{}]*\}")
#: Series less the same series of a while ago: a wider choice of those takes nothing more away.
BORN = re.compile(r"([\w:]+)(\{[^{}]*\}) unless \1(?P<again>\2) offset")
SET_OPERATION = re.compile(r" (and|or|unless) (?:(?:on|ignoring) \([^()]*\) )?")


_RENAMED_COUNT = re.compile(r"(?: by \([^()]*\) )?\((?:label_replace\()+count\b")
_COUNTED = re.compile(r"\bcount(?: by \([^()]*\) )?\($")


@dataclass(frozen=True)
class Mutant:
    """One rule of a file, changed; None when it is left out."""

    file: str
    place: int
    name: str
    kind: str
    rule: Rule | None

    def __str__(self) -> str:
        """Say what was changed, for the list of those that nobody noticed."""
        changed = (
            "" if self.rule is None else f": {self.rule['expr']} {self.rule.get('labels', {})}"
        )
        return f"{self.file} rule {self.place} {self.name} ({self.kind}){changed}"


def mutants_of(file: str, rules: list[Rule]) -> Iterator[Mutant]:
    """Yield every mutant of a file's recording rules."""
    for place, rule in enumerate(rules):
        name = rule["record"]
        yield Mutant(file, place, name, "rule left out", None)
        yield Mutant(file, place, name, "labels left out", {**rule, "labels": {}})
        for kind, expression in _changed(rule["expr"]):
            yield Mutant(file, place, name, kind, {**rule, "expr": expression})


def _changed(expression: str) -> Iterator[tuple[str, str]]:
    for word, other in OTHER_AGGREGATION.items():
        swapped = _swapped(expression, word, other)
        if swapped != expression:
            yield "another aggregation", swapped
    for pattern, kind in (
        (r"(?<=\[)\d+(?=[mh]\])", "window"),
        (r"(?<=offset )\d+(?=[mh])", "offset"),
    ):
        doubled = re.sub(pattern, lambda found: str(2 * int(found[0])), expression)
        if doubled != expression:
            yield f"{kind} doubled", doubled
    for factor in re.finditer(r" [*/] (\d+)\b", expression):
        wrong = " / 1000" if factor[0] == " / 1000000" else ""
        yield "another unit", expression[: factor.start()] + wrong + expression[factor.end() :]
    for changed in dict.fromkeys(with_a_matcher_dropped(expression)):
        yield "matcher dropped", changed
    for operation in SET_OPERATION.finditer(expression):
        start, end = _operands(expression, operation)
        yield f"right of {operation[1]} dropped", expression[: operation.start()] + expression[end:]
        if operation[1] == "or":
            yield "left of or dropped", expression[:start] + expression[operation.end() :]


def with_a_matcher_dropped(expression: str) -> Iterator[str]:
    """Yield the expression without one matcher; where two are joined on its label, without both."""
    joins = list(JOIN.finditer(expression))
    taken_away = {found.start("again") for found in BORN.finditer(expression)}
    for braces in BRACES.finditer(expression):
        if braces.start() in taken_away:
            continue
        within = [join for join in joins if join.start() <= braces.start() < join.end()]
        for matcher in MATCHER.finditer(braces[0]):
            # One side without it changes nothing: the other side still decides what is joined.
            joined = [join for join in within if matcher[1] in join[1].split(", ")]
            start, end = (joined or [braces])[0].span()
            without = without_matcher(expression[start:end], matcher[0])
            yield expression[:start] + without + expression[end:]


def without_matcher(part: str, dropped: str) -> str:
    """Return a part of an expression in which no selector has this matcher."""

    def kept(braces: re.Match[str]) -> str:
        matchers = [found[0] for found in MATCHER.finditer(braces[0]) if found[0] != dropped]
        return f"{{{', '.join(matchers)}}}" if matchers else ""

    return BRACES.sub(kept, part)


def _swapped(expression: str, word: str, other: str) -> str:
    """Return the expression with one aggregation taken for another where that changes a value."""

    def swap(found: re.Match[str]) -> str:
        before, after = expression[: found.start()], expression[found.end() :]
        # What is only renamed is one series by then, and what is only counted may have any value.
        is_rename = _RENAMED_COUNT.match(after) is not None
        return found[0] if is_rename or _COUNTED.search(before) is not None else other

    return re.sub(rf"\b{word}(?=\(| by )", swap, expression)


def _operands(expression: str, operation: re.Match[str]) -> tuple[int, int]:
    """Return where the left operand of a set operation begins and where the right one ends."""
    depth, start = 0, operation.start()
    while start > 0 and (depth or expression[start - 1] != "("):
        depth += {")": 1, "(": -1}.get(expression[start - 1], 0)
        start -= 1
    depth, end = 0, operation.end()
    while end < len(expression) and (depth or expression[end] != ")"):
        if depth == 0 and SET_OPERATION.match(expression, end):
            break
        depth += {"(": 1, ")": -1}.get(expression[end], 0)
        end += 1
    return start, end


def batches(mutants: list[Mutant]) -> list[list[Mutant]]:
    """Return mutants of one file in batches of different recorded names: each is noticed by itself."""
    by_name: dict[str, list[Mutant]] = {}
    for mutant in mutants:
        by_name.setdefault(mutant.name, []).append(mutant)
    longest = max((len(same) for same in by_name.values()), default=0)
    return [
        [same[turn] for same in by_name.values() if turn < len(same)] for turn in range(longest)
    ]
