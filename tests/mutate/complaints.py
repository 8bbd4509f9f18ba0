"""What promtool complains about, and which of several mutants it is about."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.mutate.mutators import Mutant

BLOCK = re.compile(r"^ {4}(?=(?:alertname|expr|rule|name): )", re.MULTILINE)
SAMPLE = re.compile(r"\{[^{}]*\}[^{]*")
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
RECORDED = re.compile(r"\bllm(?:_instance)?:\w+:\w+")
ALERT_NAME = re.compile(r'alertname="(\w+)"')


@dataclass(frozen=True)
class Complaint:
    """One expectation that was not met: the names that it is about, and the labels that differ."""

    names: frozenset[str]
    labels: tuple[dict[str, str], ...]
    #: Whether a rule could not be evaluated, which ends a test before the rest of it is judged.
    is_error: bool = False


def complaints(said: str) -> Iterator[Complaint]:
    """Yield what promtool complains about."""
    for block in BLOCK.split(said)[1:]:
        kind, _, rest = block.partition(": ")
        head, _, body = rest.partition("\n")
        if kind == "rule":
            yield Complaint(frozenset({head.partition(",")[0]}), (), is_error=True)
        elif kind == "alertname":
            yield Complaint(frozenset({head.partition(",")[0]}), tuple(_differing(body)))
        elif kind == "expr":
            differing = tuple(_differing(body))
            names = {*ALERT_NAME.findall(head.replace('\\"', '"')), *RECORDED.findall(head)}
            names |= {each["__name__"] for each in differing if "__name__" in each} - {"ALERTS"}
            yield Complaint(frozenset(names), differing)


def _differing(body: str) -> Iterator[dict[str, str]]:
    expected, _, got = body.partition("got:")
    samples = [set(SAMPLE.findall(side)) for side in (expected, got)]
    for text in sorted(samples[0] ^ samples[1]):
        yield dict(LABEL.findall(text.partition("}")[0]))


def is_blamed(
    mutant: Mutant, others: Sequence[Mutant], found: Sequence[Complaint], name: str = ""
) -> bool:
    """Tell whether a complaint is surely about one mutant of several, which may have another name."""
    namesakes = [other for other in others if other.name == mutant.name and other is not mutant]
    apart = [
        label
        for label, value in mutant.labels.items()
        if any(other.labels.get(label) != value for other in namesakes)
    ]
    for complaint in found:
        if complaint.names != {name or mutant.name}:
            continue
        if not namesakes:
            return True
        for labels in complaint.labels:
            told = [label for label in apart if label in labels]
            if told and all(labels[label] == mutant.labels[label] for label in told):
                rivals = [
                    other
                    for other in namesakes
                    if all(labels.get(label) == other.labels.get(label) for label in told)
                ]
                if not rivals:
                    return True
    return False
