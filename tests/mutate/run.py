"""Mutates the built rules and writes how many mutants the rule tests kill, and which survive.

`make mutate` runs all of them. With `--sample N` it is one in N, which is not written: any that
survives must be in the list that is.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.bench.results import Row, Section, write
from tests.mutate.campaign import Campaign, campaigns
from tests.mutate.mutators import Mutant
from tests.prometheus_tools import MAJORS, tools_of_major

EQUIVALENT = Path(__file__).with_name("equivalent.yaml")
SURVIVORS = Path(__file__).with_name("survivors.md")
#: What is promised of all mutants: killed at least, and equivalent at most.
KILLED, EQUAL = 0.95, 0.03


@dataclass(frozen=True)
class Verdict:
    """What became of the mutants of one campaign."""

    campaign: Campaign
    mutants: int
    survivors: tuple[Mutant, ...]
    seconds: float

    def equal(self, reasons: dict[str, str]) -> list[Mutant]:
        """Return the survivors that cannot be told from the rule, for a written reason."""
        return [mutant for mutant in self.survivors if str(mutant) in reasons]


def main() -> int:
    """Run the campaigns, write the figure and the survivors, and fail below what is promised."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", type=int, default=1, metavar="N", help="one mutant in N")
    parser.add_argument("--only", default="", help="campaigns whose title has this in it")
    chosen = parser.parse_args()
    promtool = tools_of_major(MAJORS[0]).promtool
    verdicts = []
    for campaign in campaigns():
        if chosen.only not in campaign.title:
            continue
        begun = time.monotonic()
        mutants = campaign.mutants()[:: chosen.sample]
        left = campaign.survivors(promtool, mutants)
        verdict = Verdict(campaign, len(mutants), tuple(left), time.monotonic() - begun)
        print(
            f"{campaign.title}: {len(mutants)} mutants, {len(left)} survive, "
            f"{verdict.seconds:.0f} s",
            flush=True,
        )
        for mutant in left:
            print(f"  {mutant}", flush=True)
        verdicts.append(verdict)
    reasons = _reasons()
    section = _section(verdicts, reasons)
    print(section)
    if chosen.sample > 1:
        unlisted = _unlisted(verdicts)
        print("", *(f"not in {SURVIVORS.name}: {mutant}" for mutant in unlisted), sep="\n")
        return int(bool(unlisted))
    if not chosen.only:
        write(section)
        SURVIVORS.write_text(_survivors(verdicts, reasons))
    return int(not section.is_kept)


def _unlisted(verdicts: Sequence[Verdict]) -> list[Mutant]:
    """Return survivors that the last full run did not list, as equivalent or not."""
    listed = set(SURVIVORS.read_text().splitlines()) if SURVIVORS.exists() else set()
    return [m for one in verdicts for m in one.survivors if f"- `{m}`" not in listed]


def _reasons() -> dict[str, str]:
    """Return the reason of each equivalent mutant."""
    groups = yaml.safe_load(EQUIVALENT.read_text()) or []
    return {mutant: group["reason"] for group in groups for mutant in group["mutants"]}


def _section(verdicts: Sequence[Verdict], reasons: dict[str, str]) -> Section:
    rows = [_row(one.campaign.title, [one], reasons) for one in verdicts]
    total = sum(one.mutants for one in verdicts)
    equal = sum(len(one.equal(reasons)) for one in verdicts)
    rows.append(_row("all", verdicts, reasons, KILLED))
    rows.append(
        Row(
            "equivalent",
            f"{equal}",
            f"{total}",
            f"{equal / total:.1%}",
            f"at most {EQUAL:.0%}",
            equal <= EQUAL * total,
        )
    )
    return Section(
        "Mutation of rules",
        "Written by `make mutate`: each number ±10 %, each window and offset ×2 and ÷2, each `for` "
        "± one evaluation, `>` and `>=` exchanged, each matcher and each `by` label dropped, `and` "
        "and `unless` exchanged, one at a time. Killed is what some rule test fails on; survivors "
        "are in `tests/mutate/survivors.md`, those that change nothing with the reason.",
        ("rules", "killed", "mutants", "share"),
        rows,
    )


def _row(
    title: str, verdicts: Sequence[Verdict], reasons: dict[str, str], least: float | None = None
) -> Row:
    total = sum(one.mutants for one in verdicts)
    equal = sum(len(one.equal(reasons)) for one in verdicts)
    killed = total - sum(len(one.survivors) for one in verdicts)
    share = killed / (total - equal) if total > equal else 1.0
    promised = f"at least {least:.0%} of those that are not equivalent" if least else ""
    return Row(title, f"{killed}", f"{total}", f"{share:.1%}", promised, share >= (least or 0))


def _survivors(verdicts: Sequence[Verdict], reasons: dict[str, str]) -> str:
    lines = ["# Mutants that no rule test notices", "", "Written by `make mutate`.", ""]
    for one in verdicts:
        left = [mutant for mutant in one.survivors if str(mutant) not in reasons]
        if left:
            lines += [f"## {one.campaign.title}", "", *(f"- `{mutant}`" for mutant in left), ""]
    by_reason: dict[str, list[Mutant]] = {}
    for one in verdicts:
        for mutant in one.equal(reasons):
            by_reason.setdefault(reasons[str(mutant)], []).append(mutant)
    for reason, mutants in by_reason.items():
        lines += [f"## Equivalent: {reason}", "", *(f"- `{mutant}`" for mutant in mutants), ""]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
