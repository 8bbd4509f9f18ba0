"""The rule tests of recordings would notice mistakes in any of them."""

from __future__ import annotations

import json
import os
import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from tests.mistakes.mutants import Mutant, batches, mutants_of
from tests.prometheus_tools import MAJORS, said_against, tools_of_major
from tests.rules.test_rules import RECORDED_NAME, TEST_FILES, files_tested_by, rules_of

RECORDING_TESTS = [file for file in TEST_FILES if file.name.startswith("recordings-")]
RECORDINGS = sorted({file for test in RECORDING_TESTS for file in files_tested_by(test)})


@cache
def mutants() -> dict[Path, list[Mutant]]:
    """Every mutant of the files that the tests of recordings name."""
    return {file: list(mutants_of(file.name, rules_of(file))) for file in RECORDINGS}


def test_mutants_are_of_every_kind() -> None:
    """Each kind of mistake is made somewhere, so none of them has stopped to apply."""
    kinds = {mutant.kind for of_file in mutants().values() for mutant in of_file}

    assert {
        "another aggregation",
        "another unit",
        "labels left out",
        "left of or dropped",
        "matcher dropped",
        "offset doubled",
        "right of and dropped",
        "right of or dropped",
        "right of unless dropped",
        "rule left out",
        "window doubled",
    } == kinds


@pytest.mark.promtool
def test_every_mistake_is_noticed(tmp_path: Path) -> None:
    """A wrong aggregation, window, unit or matcher, half a rename or a lost rule fails a rule test."""
    work = [(file, batch) for file, of_file in mutants().items() for batch in batches(of_file)]

    def unnoticed(number: int) -> list[str]:
        file, batch = work[number]
        noticed = names_noticed(tmp_path / str(number), file, batch)
        return [str(mutant) for mutant in batch if mutant.name not in noticed]

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = [text for texts in pool.map(unnoticed, range(len(work))) for text in texts]

    assert [] == found


@pytest.mark.promtool
@pytest.mark.parametrize("file", RECORDINGS, ids=[file.name for file in RECORDINGS])
def test_nothing_is_noticed_where_nothing_is_wrong(tmp_path: Path, file: Path) -> None:
    """Rules as they are fail no rule test, so a mutant that does is noticed for its change."""
    unchanged = [replace(mutant, rule=rules_of(file)[mutant.place]) for mutant in mutants()[file]]
    smallest = batches(unchanged)[-1]
    largest = batches(unchanged)[0]

    assert set() == names_noticed(tmp_path / "smallest", file, smallest)
    assert set() == names_noticed(tmp_path / "largest", file, largest)


def names_noticed(folder: Path, file: Path, batch: list[Mutant]) -> set[str]:
    """The recorded names of a batch that a rule test complains about."""
    tests = write_mutated(folder, file, batch)
    said = said_against(tools_of_major(MAJORS[0]).promtool, *tests)
    failed = names_that_fail(said) & {mutant.name for mutant in batch}
    if failed:
        # A rule that cannot be evaluated ends a test, and with it what it says of the other rules.
        rest = [mutant for mutant in batch if mutant.name not in failed]
        return failed | names_noticed(folder / "rest", file, rest)
    return names_that_differ(said) & {mutant.name for mutant in batch}


def write_mutated(folder: Path, mutated: Path, batch: list[Mutant]) -> list[Path]:
    """Write what tests a file, with rules of the batch's names only: no rule reads another."""
    (folder / "rules").mkdir(parents=True)
    (folder / "generated" / "rules").mkdir(parents=True)
    names = {mutant.name for mutant in batch}
    changed = {mutant.place: mutant.rule for mutant in batch}
    for file in RECORDINGS:
        rules = [
            changed.get(place, rule) if file == mutated else rule
            for place, rule in enumerate(rules_of(file))
            if rule["record"] in names
        ]
        group = {"name": file.stem, "rules": [rule for rule in rules if rule is not None]}
        text = json.dumps({"groups": [group]})  # JSON is YAML
        (folder / "generated" / "rules" / file.name).write_text(text)
    tests = [test for test in RECORDING_TESTS if mutated in files_tested_by(test)]
    return [Path(shutil.copy(test, folder / "rules")) for test in tests]


def names_that_fail(said: str) -> set[str]:
    """The recorded names whose rules promtool could not evaluate."""
    return set(re.findall(r"^ *rule: (\S+), time: \S+, err: ", said, re.MULTILINE))


def names_that_differ(said: str) -> set[str]:
    """The recorded names whose expectations failed, by what promtool says of each failure."""
    failure = re.compile(r'^ *expr: "(.*)", time: .*\n *exp: ?(.*)\n *got: ?(.*)$', re.MULTILINE)
    sample = re.compile(r"\{[^}]*\} [^\s,]+")
    found = set()
    for expression, expected, got in failure.findall(said):
        named = set(RECORDED_NAME.findall(expression))
        # An expression over several recordings does not say which of them is wrong.
        if len(named) == 1:
            found |= named
        for differing in set(sample.findall(expected)) ^ set(sample.findall(got)):
            if not named:
                found |= set(RECORDED_NAME.findall(differing))
    return found
