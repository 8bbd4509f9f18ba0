"""The mutants of alerts against their rule tests, in copies: many in one run of promtool."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.mutate.complaints import complaints, is_blamed
from tests.mutate.copies import Copy, alone, asking, dealt
from tests.mutate.mutators import Mutant, mutants_of
from tests.mutate.trial import (
    Trial,
    evaluation_of,
    files_of,
    only_what_is_read,
    rule_file,
    rules_in,
    with_rules,
)

#: So many copies of an alert are asked about in one run.
TOGETHER = 24


@dataclass(frozen=True)
class AlertCampaign:
    """The alerts of a file, and the tests that have to notice a change in them, by name."""

    title: str
    file: str
    tests: Mapping[str, Mapping[str, Any]]

    def mutants(self) -> list[Mutant]:
        """Return every mutant, at the rarest evaluation of the tests."""
        step = max(evaluation_of(test) for test in self.tests.values())
        return list(mutants_of(self.file, rules_in(rule_file(self.file)), step))

    def survivors(self, promtool: Path, mutants: Sequence[Mutant]) -> list[Mutant]:
        """Return those that no test notices, alert by alert."""
        names = dict.fromkeys(mutant.name for mutant in mutants)
        found = []
        with tempfile.TemporaryDirectory() as scratch:
            for name in names:
                own = [mutant for mutant in mutants if mutant.name == name]
                asked = _AlertName(self, name, promtool, Path(scratch) / name)
                if asked.unnoticed([Copy(name, ())]) != [Copy(name, ())]:
                    raise RuntimeError(f"{self.title}: {name}: its tests fail on rules as they are")
                found += asked.survivors(own)
        return found


@dataclass(frozen=True)
class _AlertName:
    """All rules of one name, in copies."""

    campaign: AlertCampaign
    name: str
    promtool: Path
    folder: Path

    def survivors(self, mutants: Sequence[Mutant]) -> list[Mutant]:
        copies = list(dealt(self.name, mutants))
        left = [mutant for said in self._in_runs(copies) for mutant in said]
        if all(len(copy.mutants) == 1 for copy in copies):
            return left
        single = list(alone(self.name, left))
        return [mutant for said in self._in_runs(single) for mutant in said]

    def _in_runs(self, copies: Sequence[Copy]) -> list[list[Mutant]]:
        runs = [copies[at : at + TOGETHER] for at in range(0, len(copies), TOGETHER)]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            return list(pool.map(self._left_of, runs))

    def _left_of(self, copies: Sequence[Copy]) -> list[Mutant]:
        return [mutant for copy in self.unnoticed(copies) for mutant in copy.mutants]

    def unnoticed(self, copies: Sequence[Copy]) -> list[Copy]:
        """Return the copies with what no complaint is about; a rule that fails hides the others."""
        running, unclear = list(copies), []
        while running:
            said = self._said(running)
            found = list(complaints(said))
            if said and not found:
                # Rules that cannot be read say nothing of any test.
                raise RuntimeError(f"{self.name}: promtool complains of no test:\n{said}")
            failing = {name for each in found if each.is_error for name in each.names}
            if not failing:
                break
            unclear += [copy for copy in running if copy.name in failing]
            running = [copy for copy in running if copy.name not in failing]
        else:
            found = []
        # One mutant that can't be evaluated is noticed; of several nobody knows which.
        left = [copy for copy in unclear if len(copy.mutants) > 1]
        for copy in running:
            mutants = [m for m in copy.mutants if not is_blamed(m, copy.mutants, found, copy.name)]
            told = any(copy.name in each.names for each in found)
            if mutants or not (told or copy.mutants):
                left.append(Copy(copy.name, tuple(mutants)))
        return left

    def _said(self, copies: Sequence[Copy]) -> str:
        content = rule_file(self.campaign.file)
        rules = dict(enumerate(rules_in(content)))
        own = {place: rule for place, rule in rules.items() if rule["alert"] == self.name}
        made = [copy.rules(own) for copy in copies]
        instead = {place: [each[place] for each in made if place in each] for place in rules}
        asked = {
            test: text
            for test, content_of in self.campaign.tests.items()
            if (text := asking(content_of, self.name, copies)) is not None
        }
        names = {name for test in asked for name in files_of(self.campaign.tests[test])}
        files = {name: rule_file(name) for name in sorted(names)}
        files[self.campaign.file] = with_rules(content, instead)
        read = only_what_is_read(files, self.campaign.file)
        folder = self.folder / f"{copies[0].name}-{len(copies)}"
        return Trial(self.promtool, asked, read).said(
            folder, self.campaign.file, read[self.campaign.file]
        )
