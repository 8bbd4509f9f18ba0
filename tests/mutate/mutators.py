"""Built rules made wrong, one small change at a time: numbers, windows, waits, matchers, labels."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tests.mistakes.mutants import MATCHER, Rule, with_a_matcher_dropped, without_matcher

#: A number that is no part of a name, a label's value or a window.
NUMBER = re.compile(r"(?<![\w.:\"|\\])\d+(?:\.\d+)?(?:e-?\d+)?(?![\w.:\"|])")
WINDOW = re.compile(r"(?<=\[)(\d+)([smhd])(?=\])|(?<=offset )(\d+)([smhd])\b")
COMPARISON = re.compile(r" (>=|<=|>|<) ")
SWAPPED = {">": ">=", ">=": ">", "<": "<=", "<=": "<"}
BY = re.compile(r"\bby \(([^()]+)\)")
SET = re.compile(r" (and|unless) ")
QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
LENGTH = re.compile(r"(\d+)(ms|s|m|h|d)")
SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400}


@dataclass(frozen=True)
class Mutant:
    """One rule of a file, changed."""

    file: str
    #: Where the rule stands in the file, counted through all groups.
    place: int
    kind: str
    was: Rule
    rule: Rule

    @property
    def name(self) -> str:
        """What the rule records or alerts."""
        found: str = self.was.get("record") or self.was["alert"]
        return found

    @property
    def labels(self) -> dict[str, str]:
        """The static labels that tell rules of one name apart."""
        found: dict[str, str] = self.was.get("labels", {})
        return found

    def __str__(self) -> str:
        """Say what was changed, for the list of those that nobody noticed."""
        told = {name: value for name, value in self.labels.items() if name != "severity"}
        of = " ".join(f"{name}={value}" for name, value in told.items())
        return f"{self.name} {{{of}}}: {self.kind}"


def mutants_of(file: str, rules: list[Rule], evaluation_seconds: float) -> Iterator[Mutant]:
    """Yield every mutant of a file's rules."""
    for place, rule in enumerate(rules):
        for kind, text in dict(_changed(rule["expr"])).items():
            yield Mutant(file, place, kind, rule, {**rule, "expr": text})
        for name in ("for", "keep_firing_for"):
            if name in rule:
                for step in (evaluation_seconds, -evaluation_seconds):
                    length = max(0.0, seconds_of(rule[name]) + step)
                    kind = f"{name} {rule[name]} -> {length:g}s"
                    yield Mutant(file, place, kind, rule, {**rule, name: f"{length:g}s"})


def seconds_of(length: str) -> float:
    """Return a duration of Prometheus in seconds."""
    return sum(int(number) * SECONDS[unit] for number, unit in LENGTH.findall(length))


def _changed(expression: str) -> Iterator[tuple[str, str]]:
    """Yield what is changed, in words, and the changed expression."""
    quoted = [match.span() for match in QUOTED.finditer(expression)]

    def is_text(at: int) -> bool:
        return any(start <= at < end for start, end in quoted)

    def changed(match: re.Match[str], new: str) -> str:
        return expression[: match.start()] + new + expression[match.end() :]

    def told(match: re.Match[str], new: str) -> str:
        before = expression[max(0, match.start() - 30) : match.start()]
        return f"{before.strip()}»{match[0].strip()} -> {new.strip()}« at {match.start()}"

    for number in NUMBER.finditer(expression):
        value = float(number[0])
        # A factor of one or of a unit is no threshold; a tenth of nothing is nothing.
        if value == 0 or is_text(number.start()) or _is_unit(expression, number):
            continue
        for factor in (1.1, 0.9):
            new = f"{value * factor:.12g}"
            yield told(number, new), changed(number, new)
    for window in WINDOW.finditer(expression):
        count, unit = int(window[1] or window[3]), window[2] or window[4]
        for seconds in (count * SECONDS[unit] * 2, count * SECONDS[unit] / 2):
            new = f"{seconds:g}s"
            yield told(window, new), changed(window, new)
    for comparison in COMPARISON.finditer(expression):
        new = f" {SWAPPED[comparison[1]]} "
        yield told(comparison, new), changed(comparison, new)
    for found in BY.finditer(expression):
        labels = found[1].split(", ")
        for label in labels:
            rest = ", ".join(one for one in labels if one != label)
            new = f"by ({rest})"
            yield told(found, f"without {label}"), changed(found, new)
    for operation in SET.finditer(expression):
        new = " unless " if operation[1] == "and" else " and "
        yield told(operation, new), changed(operation, new)
    if "(" in expression:
        for text in dict.fromkeys(with_a_matcher_dropped(expression)):
            yield f"matcher dropped: {_difference(expression, text)}", text
    else:
        # Selectors joined on all labels: what one of them chooses is chosen of all.
        for matcher in dict.fromkeys(found[0] for found in MATCHER.finditer(expression)):
            yield f"matcher dropped: {matcher}", without_matcher(expression, matcher)


def _is_unit(expression: str, number: re.Match[str]) -> bool:
    """Tell whether a number converts a unit, is the 1 of a share of all, or of what carries a label."""
    before, after = expression[: number.start()], expression[number.end() :]
    converts = before.endswith(("* ", "/ ")) and number[0] in ("1000", "1000000", "1048576", "100")
    whole = number[0] == "1" and (
        after.startswith(" - ") or before.endswith(("== bool ", "vector("))
    )
    return converts or whole


def _difference(one: str, other: str) -> str:
    """Return what is in one text and not in the other, at its first place."""
    at = next((n for n, pair in enumerate(zip(one, other, strict=False)) if len({*pair}) > 1), 0)
    return f"»{one[at : at + len(one) - len(other)]}« at {at}"
