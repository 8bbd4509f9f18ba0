"""Rule files of expressions, for promtool to judge."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import yaml


def check_rules(
    promtool: Path, folder: Path, expressions: Sequence[str]
) -> subprocess.CompletedProcess[str]:
    """Return what promtool says to a rule file that records every expression."""
    rules = [{"record": f"rule_{index}", "expr": text} for index, text in enumerate(expressions)]
    file = folder / "rules.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "rules", "rules": rules}]}))
    command = [str(promtool), "check", "rules", str(file)]
    return subprocess.run(command, capture_output=True, text=True, check=False)
