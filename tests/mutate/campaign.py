"""All mutants of one file against its rule tests: many at once first, then each that is left alone."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.mutate.mutators import Mutant, mutants_of, seconds_of
from tests.mutate.trial import (
    GENERATED,
    RECORDED,
    ROOT,
    Trial,
    complaints,
    is_blamed,
    rule_file,
    rules_in,
    with_rules,
)

#: Its alerts are judged with all their limits in tests/rules/test_slo_limits.py.
PROMISES = "llmdash-slo-alerts"


@dataclass(frozen=True)
class Campaign:
    """The rules of some groups of a file, and the tests that have to notice a change in them."""

    title: str
    file: str
    #: Places of the rules that are changed; the others of the file stay as they are.
    places: tuple[int, ...]
    tests: tuple[Path, ...]
    #: Whether the rest of the file is left out, since nothing of it is read.
    is_alone: bool = False

    def mutants(self) -> list[Mutant]:
        """Return every mutant, at the rarest evaluation of the tests."""
        rules = rules_in(rule_file(self.file))
        step = max(_evaluation(test) for test in self.tests)
        found = mutants_of(self.file, rules, step)
        return [mutant for mutant in found if mutant.place in self.places]

    def trial(self, promtool: Path) -> Trial:
        """Return the run of its tests, with what they do not read left out."""
        names = {name for test in self.tests for name in _files_of(test)}
        contents = {name: rule_file(name) for name in sorted(names)}
        if self.is_alone:
            contents[self.file] = with_rules(contents[self.file], {}, frozenset(self.places))
            contents = _what_is_read(contents, self.file, self.tests)
        return Trial(promtool, self.tests, contents)

    def survivors(self, promtool: Path, mutants: Sequence[Mutant]) -> list[Mutant]:
        """Return the mutants that no test notices.

        Raises:
            RuntimeError: the tests fail on rules as they are.
        """
        trial = self.trial(promtool)
        content = rule_file(self.file)
        keep = frozenset(self.places) if self.is_alone else None
        with tempfile.TemporaryDirectory() as scratch:
            if said := trial.said(Path(scratch) / "as-is", self.file, trial.files[self.file]):
                raise RuntimeError(f"{self.title}: its tests fail on rules as they are:\n{said}")

            def said_of(name: str, batch: Sequence[Mutant]) -> str:
                changed = {mutant.place: mutant.rule for mutant in batch}
                made = with_rules(content, changed, keep)
                return trial.said(Path(scratch) / name, self.file, made)

            def left_of(numbered: tuple[int, list[Mutant]]) -> list[Mutant]:
                number, batch = numbered
                found = list(complaints(said_of(f"batch-{number}", batch)))
                return [mutant for mutant in batch if not is_blamed(mutant, batch, found)]

            def is_unnoticed(numbered: tuple[int, Mutant]) -> bool:
                number, mutant = numbered
                return not said_of(f"alone-{number}", [mutant])

            with ThreadPoolExecutor(os.cpu_count()) as pool:
                batches = list(_batches(mutants))
                left = [m for each in pool.map(left_of, enumerate(batches)) for m in each]
                alone = list(pool.map(is_unnoticed, enumerate(left)))
        return [mutant for mutant, missed in zip(left, alone, strict=True) if missed]


def _what_is_read(
    contents: Mapping[str, dict[str, Any]], file: str, tests: Sequence[Path]
) -> dict[str, dict[str, Any]]:
    """Return the files without recordings that neither the tests nor the file's rules read."""
    rules = [rule for name in contents for rule in rules_in(contents[name])]
    texts = [rule["expr"] for rule in rules_in(contents[file])]
    wanted = _names_in([*texts, *(test.read_text() for test in tests)])
    while True:
        read = _names_in([rule["expr"] for rule in rules if rule.get("record") in wanted])
        if read <= wanted:
            break
        wanted |= read
    found = {}
    for name, content in contents.items():
        keep = [n for n, rule in enumerate(rules_in(content)) if rule.get("record") in wanted]
        found[name] = content if name == file else with_rules(content, {}, frozenset(keep))
    return found


def _names_in(texts: Sequence[str]) -> set[str]:
    return {name for text in texts for name in RECORDED.findall(text)}


def _batches(mutants: Sequence[Mutant]) -> Iterator[list[Mutant]]:
    """Yield mutants in batches in which no rule reads another, nor is there twice."""
    left = list(mutants)
    while left:
        batch: list[Mutant] = []
        names: set[str] = set()
        read: set[str] = set()
        rest: list[Mutant] = []
        for mutant in left:
            own = set(RECORDED.findall(mutant.was["expr"]))
            is_free = mutant.place not in {other.place for other in batch}
            if is_free and mutant.name not in read and not own & names:
                batch.append(mutant)
                names.add(mutant.name)
                read |= own
            else:
                rest.append(mutant)
        yield batch
        left = rest


@cache
def _test(path: Path) -> dict[str, Any]:
    """Return a rule test; read once, for reading is slow."""
    found: dict[str, Any] = yaml.safe_load(path.read_text())
    return found


def _evaluation(test: Path) -> float:
    return seconds_of(_test(test).get("evaluation_interval", "1m"))


def _files_of(test: Path) -> list[str]:
    return [Path(name).name for name in _test(test)["rule_files"]]


def alert_campaigns() -> Iterator[Campaign]:
    """Yield a campaign for each subject of alerts."""
    for path in sorted(GENERATED.glob("*-alerts.yaml")):
        tests = tuple(
            test
            for test in sorted((ROOT / "rules").glob("*.test.yaml"))
            if path.name in _files_of(test)
        )
        places = range(len(rules_in(rule_file(path.name))))
        if path.stem != PROMISES:
            yield Campaign(path.stem, path.name, tuple(places), tests, is_alone=True)


def recording_campaigns() -> Iterator[Campaign]:
    """Yield a campaign for the recordings of each source."""
    for test in sorted((ROOT / "rules").glob("recordings-*.test.yaml")):
        names = _files_of(test)
        if len(names) == 1:
            places = range(len(rules_in(rule_file(names[0]))))
            yield Campaign(names[0].removesuffix(".yaml"), names[0], tuple(places), (test,))


def campaigns() -> Iterator[Campaign]:
    """Yield every campaign, the alerts first."""
    yield from alert_campaigns()
    yield from recording_campaigns()
