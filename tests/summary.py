"""Says what pytest ran, out of its JUnit reports, so that a run that tested nothing cannot pass.

`python tests/summary.py .reports/test.xml .reports/live.xml` prints a row for each kind of test in
each report and ends with the totals; it exits with 1 when a report is missing or ran no test.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

OUTCOMES = ("passed", "failed", "skipped")


def outcome_of(case: ElementTree.Element) -> str:
    """Return what became of one test; an error in a fixture is a failure."""
    if case.find("failure") is not None or case.find("error") is not None:
        return "failed"
    return "skipped" if case.find("skipped") is not None else "passed"


def kind_of(case: ElementTree.Element) -> str:
    """Return the kind that tests/conftest.py wrote beside one test."""
    kinds = (entry.get("value") for entry in case.iter("property") if entry.get("name") == "kind")
    # A module that cannot be imported is reported as a test without properties.
    return next(kinds, None) or "unknown"


def read_report(report: Path) -> dict[str, Counter[str]]:
    """Return, for each kind, how many tests of one JUnit report had which outcome."""
    # A test that fails and then fails again while cleaning up is written twice.
    outcomes: dict[tuple[str, str], tuple[str, str]] = {}
    for case in ElementTree.parse(report).iter("testcase"):
        name = (case.get("classname", ""), case.get("name", ""))
        if outcomes.get(name, ("", ""))[1] != "failed":
            outcomes[name] = (kind_of(case), outcome_of(case))
    kinds: dict[str, Counter[str]] = {}
    for kind, outcome in outcomes.values():
        kinds.setdefault(kind, Counter())[outcome] += 1
    return kinds


def summarise(reports: list[Path]) -> tuple[list[str], bool]:
    """Return the lines to print, and whether each report ran at least one test."""
    lines = [f"{'report':<12}{'kind':<12}{'ran':>7}" + "".join(f"{each:>9}" for each in OUTCOMES)]
    total: Counter[str] = Counter()
    every_report_ran = True
    for report in reports:
        kinds = read_report(report) if report.is_file() else {}
        for kind, counts in sorted(kinds.items()):
            ran = counts["passed"] + counts["failed"]
            cells = "".join(f"{counts[outcome]:>9}" for outcome in OUTCOMES)
            lines.append(f"{report.stem:<12}{kind:<12}{ran:>7}{cells}")
            total += counts
        if not any(counts["passed"] + counts["failed"] for counts in kinds.values()):
            every_report_ran = False
            lines.append(f"{report.stem:<12}no test ran")
    lines.append(", ".join(f"{total[outcome]} {outcome}" for outcome in OUTCOMES))
    return lines, every_report_ran


def main(arguments: list[str]) -> int:
    """Print the summary of the reports that are named."""
    lines, every_report_ran = summarise([Path(argument) for argument in arguments])
    print("\n".join(lines))
    return 0 if every_report_ran else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
