"""No two rules record the same series: Prometheus would keep whichever it evaluates last."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from llmdash.build import Build
from llmdash.problems import Problem


def recording_is_unique(build: Build) -> Iterator[Problem]:
    """Yield a problem for each name and set of static labels that several rules record."""
    rules = [
        (rule["record"], tuple(sorted(rule.get("labels", {}).items())))
        for _, rule in build.rule_items()
        if "record" in rule
    ]
    for (name, labels), times in sorted(Counter(rules).items()):
        if times > 1:
            listing = ", ".join(f"{label}={value}" for label, value in labels)
            message = f"{times} rules record it with {listing or 'no label'}"
            yield Problem(name, message, "recording_is_unique")
