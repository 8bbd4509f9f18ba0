"""A panel's expression asked of made series, by promtool."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import yaml

from tests.prometheus_tools import said_against

#: What Grafana would fill in: a window of four scrapes, and All for each choice.
FILLED = {
    "$__rate_interval": "1m",
    "$model": ".+",
    "$instance": ".+",
    "$engine": ".*",
}


def judged(
    promtool: Path,
    folder: Path,
    expression: str,
    series: Mapping[str, str],
    expected: float | None,
    labels: str = "{}",
) -> str:
    """Return what promtool has to say against a value after five minutes; empty if it agrees.

    NaN is asked for by what it is not equal to: itself. None is no series at all.
    """
    for name, filling in FILLED.items():
        expression = expression.replace(name, filling)
    is_nan = expected is not None and math.isnan(expected)
    if is_nan:
        expression = f"({expression}) != ({expression})"
    record = {"record": "shown", "expr": f"({expression}) != bool 2" if is_nan else expression}
    value = 1.0 if is_nan else expected
    samples = [] if value is None else [{"labels": _named(labels), "value": value}]
    test = {
        "interval": "15s",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [{"expr": "shown", "eval_time": "5m", "exp_samples": samples}],
    }
    (folder / "rules.yaml").write_text(
        yaml.safe_dump({"groups": [{"name": "shown", "interval": "15s", "rules": [record]}]})
    )
    (folder / "test.yaml").write_text(
        yaml.safe_dump({"rule_files": ["rules.yaml"], "tests": [test]})
    )
    return said_against(promtool, folder / "test.yaml")


def _named(labels: str) -> str:
    return f"shown{labels}" if labels != "{}" else "shown"
