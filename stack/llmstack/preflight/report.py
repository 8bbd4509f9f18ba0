"""What a check came to, and how it is told: a line each for people, or JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum


class Verdict(Enum):
    """How a check ended."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    #: It asks what the profile does not need, or what could not be known.
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Finding:
    """One check: what was found, what is needed, and what to do where these differ."""

    check: str
    verdict: Verdict
    found: str
    needed: str = ""
    remedy: str = ""


def failed(findings: Iterable[Finding]) -> bool:
    """Tell whether anything fails."""
    return any(finding.verdict is Verdict.FAIL for finding in findings)


def told(findings: Sequence[Finding]) -> str:
    """Return a line for each check, and one that sums up."""
    width = max(len(finding.check) for finding in findings)
    lines = []
    for finding in findings:
        line = f"{finding.verdict.value:<7}  {finding.check:<{width}}  {finding.found}"
        if finding.needed:
            line += f"; needs {finding.needed}"
        if finding.remedy:
            line += f" -> {finding.remedy}"
        lines.append(line)
    counts = [
        f"{sum(finding.verdict is verdict for finding in findings)} {verdict.value}"
        for verdict in Verdict
    ]
    return "\n".join((*lines, "", ", ".join(counts)))


def as_json(profile: str, findings: Sequence[Finding]) -> str:
    """Return the findings as a document."""
    return json.dumps(
        {
            "profile": profile,
            "ready": not failed(findings),
            "checks": [
                {
                    "check": finding.check,
                    "verdict": finding.verdict.value,
                    "found": finding.found,
                    "needed": finding.needed,
                    "remedy": finding.remedy,
                }
                for finding in findings
            ],
        },
        indent=2,
    )
