"""A reading for programs."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from llmstack.top.figures import Figure, Reading, Role, Row
from llmstack.top.json_lines import json_line
from tests.stack.top.made import READING

MOMENT = datetime(2026, 1, 2, 3, 4, 5, 678_900, UTC)


def test_a_line() -> None:
    """Numbers as they are, in seconds and ratios; what has had no traffic is told apart."""
    line = json_line(READING, MOMENT)
    found = json.loads(line)

    assert "\n" not in line
    assert (1, "2026-01-02T03:04:05.678+00:00") == (found["version"], found["time"])
    assert {"count": 8, "watts": 4321.4} == found["gpus"]
    assert [{"server": "http://a:8000/metrics", "problem": "cannot be reached: Connection refused"}] == found["problems"]  # fmt: skip
    assert {
        "source": "triton",
        "role": "engine",
        "model": "ensemble",
        "ttft_p95_seconds": None,
        "tpot_p95_seconds": None,
        "e2e_p95_seconds": None,
        "e2e_mean_seconds": 1.25,
        "tokens_per_second": None,
        "running": None,
        "waiting": 0,
        "kv_cache_ratio": None,
        "no_traffic": ["ttft_p95_seconds"],
        "beyond_buckets": [],
    } == found["rows"][1]


def test_beyond_all_buckets() -> None:
    """Programs are told too that the figure is only where buckets end."""
    row = Row("triton-vllm", Role.ENGINE, "m", {Figure.TTFT: 10.0})
    (found,) = json.loads(json_line(Reading((row,)), MOMENT))["rows"]

    assert (10.0, ["ttft_p95_seconds"]) == (found["ttft_p95_seconds"], found["beyond_buckets"])
