"""Numbers read out of promtool: rules run over given series, and questions asked at the end.

`promtool test rules` only says whether what is expected came; a question expects what cannot come,
so that the answer is in the complaint. Files are JSON, which is YAML too and quicker to read.
"""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

#: No rule records it.
_NEVER = [{"labels": "never", "value": 0}]
_GOT = re.compile(r"^\s*got:\s*(?:nil|(?P<samples>.*))$", re.MULTILINE)
_VALUE = re.compile(r"\} (\S+?),?$")


def ask(
    promtool: Path,
    groups: Sequence[Mapping[str, Any]],
    series: Mapping[str, str],
    questions: Sequence[str],
    *,
    scrape_seconds: int,
    evaluation: str,
    minutes: int,
) -> list[float | None]:
    """Return the value of each question after some minutes; None where it has none.

    A question is an expression of one series or none.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "rules.yaml").write_text(json.dumps({"groups": list(groups)}))
        test = {
            "interval": f"{scrape_seconds}s",
            "input_series": [{"series": s, "values": v} for s, v in series.items()],
            "promql_expr_test": [
                {"expr": question, "eval_time": f"{minutes}m", "exp_samples": _NEVER}
                for question in questions
            ],
        }
        file = folder / "test.yaml"
        file.write_text(
            json.dumps(
                {
                    "rule_files": ["rules.yaml"],
                    "evaluation_interval": evaluation,
                    "group_eval_order": [group["name"] for group in groups],
                    "tests": [test],
                }
            )
        )
        command: list[str | Path] = [promtool, "test", "rules", file]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
    return _answers(done.stdout + done.stderr, questions)


def _answers(said: str, questions: Sequence[str]) -> list[float | None]:
    found: list[float | None] = []
    for match in _GOT.finditer(said):
        samples = match["samples"]
        value = _VALUE.search(samples) if samples else None
        if samples and value is None:
            raise ValueError(f"expected a sample, got {samples!r}")
        found.append(float(value[1]) if value else None)
    if len(found) != len(questions):
        raise ValueError(f"expected {len(questions)} answers of promtool, got {said[-3000:]}")
    return found
