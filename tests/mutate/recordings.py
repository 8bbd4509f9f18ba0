"""The mutants of recordings against their rule tests: in batches, and alone where nobody is blamed."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.mistakes.mutants import Rule
from tests.mutate.complaints import RECORDED, complaints, is_blamed
from tests.mutate.mutators import Mutant, mutants_of
from tests.mutate.trial import Trial, evaluation_of, rule_file, rule_test, rules_in, with_rules


@dataclass(frozen=True)
class RecordingCampaign:
    """Some recordings of a file, and the tests that have to notice a change in them."""

    title: str
    file: str
    #: Places of the rules that are changed, and of those that are left out: nothing reads them.
    places: tuple[int, ...]
    tests: tuple[Path, ...]
    left_out: tuple[int, ...] = ()
    #: Other files that the tests read.
    beside: tuple[str, ...] = ()

    def mutants(self) -> list[Mutant]:
        """Return every mutant, at the rarest evaluation of the tests."""
        step = max(evaluation_of(rule_test(test)) for test in self.tests)
        found = mutants_of(self.file, rules_in(rule_file(self.file)), step)
        return [mutant for mutant in found if mutant.place in self.places]

    def survivors(self, promtool: Path, mutants: Sequence[Mutant]) -> list[Mutant]:
        """Return the mutants that no test notices.

        Raises:
            RuntimeError: the tests fail on rules as they are.
        """
        tests = {test.name: test.read_text() for test in self.tests}
        files = {name: rule_file(name) for name in (self.file, *self.beside)}
        trial = Trial(promtool, tests, files)
        with tempfile.TemporaryDirectory() as scratch:

            def said_of(name: str, batch: Sequence[Mutant]) -> str:
                instead = {mutant.place: (mutant.rule,) for mutant in batch}
                out = dict.fromkeys(self.left_out, ())
                made = with_rules(rule_file(self.file), {**out, **instead})
                return trial.said(Path(scratch) / name, self.file, made)

            if said := said_of("as-is", []):
                raise RuntimeError(f"{self.title}: its tests fail on rules as they are:\n{said}")

            def left_of(numbered: tuple[int, list[Mutant]]) -> list[Mutant]:
                number, batch = numbered
                found = list(complaints(said_of(f"batch-{number}", batch)))
                return [mutant for mutant in batch if not is_blamed(mutant, batch, found)]

            def is_unnoticed(numbered: tuple[int, Mutant]) -> bool:
                number, mutant = numbered
                return not said_of(f"alone-{number}", [mutant])

            with ThreadPoolExecutor(os.cpu_count()) as pool:
                batches = list(_batches(mutants, rests_on(rules_in(rule_file(self.file)))))
                left = [m for each in pool.map(left_of, enumerate(batches)) for m in each]
                missed = list(pool.map(is_unnoticed, enumerate(left)))
        return [mutant for mutant, is_missed in zip(left, missed, strict=True) if is_missed]


def rests_on(rules: Sequence[Rule]) -> dict[str, set[str]]:
    """Return all recordings that each recording reads, through others too, and itself."""
    found: dict[str, set[str]] = {}
    for rule in rules:
        own = found.setdefault(rule["record"], {rule["record"]})
        own.update(RECORDED.findall(rule["expr"]))
    growing = True
    while growing:
        growing = False
        for own in found.values():
            more = {name for read in own for name in found.get(read, ())} - own
            own |= more
            growing = growing or bool(more)
    return found


def _batches(mutants: Sequence[Mutant], resting: Mapping[str, set[str]]) -> Iterator[list[Mutant]]:
    """Yield mutants in batches in which no rule rests on another, nor is there twice."""
    left = list(mutants)
    while left:
        batch: list[Mutant] = []
        places: set[int] = set()
        names: set[str] = set()
        read: set[str] = set()
        rest: list[Mutant] = []
        for mutant in left:
            others = resting[mutant.name] - {mutant.name}
            if mutant.place not in places and mutant.name not in read and not others & names:
                batch.append(mutant)
                places.add(mutant.place)
                names.add(mutant.name)
                read |= others
            else:
                rest.append(mutant)
        yield batch
        left = rest
