"""The rules that llmdash builds, by what they record."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import yaml

GENERATED = Path(__file__).resolve().parents[3] / "generated" / "rules"
_NAME = re.compile(r"\b((?:vllm|sglang):\w+|(?:nv|trtllm|gateway|DCGM)_\w+)")


@cache
def recorded() -> tuple[dict[str, Any], ...]:
    """Every recording."""
    return tuple(
        rule
        for path in sorted(GENERATED.glob("*.yaml"))
        for group in yaml.safe_load(path.read_text())["groups"]
        for rule in group["rules"]
        if "record" in rule
    )


def families(source: str, record: str) -> set[str]:
    """The series that a recording of a source reads."""
    return {
        name
        for rule in recorded()
        if rule["record"] == record and rule["labels"]["source"] == source
        for name in _NAME.findall(rule["expr"])
    }
