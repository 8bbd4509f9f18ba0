"""Readings that are made up, and what is shown of them."""

from __future__ import annotations

from math import nan

from llmstack.top.figures import Figure, Gpus, Problem, Reading, Role, Row
from llmstack.top.frame import View
from llmstack.top.history import History

ALL = Row(
    "vllm",
    Role.ENGINE,
    "llama-3.1-8b",
    {
        Figure.TTFT: 0.2425,
        Figure.TPOT: 0.0089,
        Figure.E2E: 9.75,
        Figure.TOKENS: 12_345.6,
        Figure.RUNNING: 12,
        Figure.WAITING: 3,
        Figure.KV_CACHE: 0.934,
    },
)
QUIET = Row(
    "triton",
    Role.ENGINE,
    "ensemble",
    {Figure.TTFT: nan, Figure.E2E_MEAN: 1.25, Figure.WAITING: 0},
)
BEFORE = Row(
    "gateway", Role.GATEWAY, "llama-3.1-8b", {Figure.TOKENS: 12_000, Figure.TTFT: 10.0 / 3}
)
READING = Reading(
    (ALL, QUIET, BEFORE),
    Gpus(8, 4321.4),
    (Problem("http://a:8000/metrics", "cannot be reached: Connection refused"),),
    "rates over 1m of exporters",
)


def view(reading: Reading = READING, history: History | None = None) -> View:
    """What is shown of a reading."""
    return View("http://127.0.0.1:9090", reading, history or History(), "14:03:22", 2)
