"""How a view looks: in narrow and in wide terminals, and as lines."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from rich.console import Console

from llmstack.demo.screen import drawn, lines
from llmstack.demo.view import Promise, View
from llmstack.prometheus import Alert

VIEW = View(
    seconds=75.4,
    incident="kv-exhaustion@60+900",
    targets=(6, 6),
    figures=(("tokens written", "/s", 1234.5), ("waiting", "", 0.0), ("p95", "s", math.nan), ("power", "W", None)),
    panels={"Fleet": (20, 21), "vLLM cache": (9, 9)},
    promises=(Promise("availability", 0.999, 0.9981), Promise("ttft", 0.95, 1.0), Promise("queue-time", 0.95, None)),
    alerts=(
        Alert("KvCacheFull", "critical", True, "2026-01-01T00:00:00Z", "KV cache of m is 99 % full"),
        Alert("QueueLong", "warning", False, "2026-01-01T00:00:00Z", "90 requests wait"),
        Alert("QueueLong", "warning", False, "2026-01-01T00:00:00Z", "91 requests wait"),
    ),
    sent=400,
    failed=3,
)  # fmt: skip
URLS = {"Prometheus": "http://127.0.0.1:9090"}


@pytest.mark.parametrize("width", [80, 100, 200])
def test_all_of_it_is_there(width: int) -> None:
    """However wide the terminal is, no line is wider."""
    console = Console(width=width, record=True, file=None, force_terminal=False, quiet=False)
    with console.capture() as capture:
        console.print(drawn(VIEW, URLS))
    text = capture.get()

    for told in ("75 s", "targets 6/6", "failed 3", "kv-exhaustion", "1,234", "29 of 30", "20/21", "broken", "kept", "no events", "1 firing, 2 pending", "KvCacheFull", "90 requests wait", "http://127.0.0.1:9090"):  # fmt: skip
        assert told in text, text
    assert max(map(len, text.splitlines())) <= width


def test_as_lines() -> None:
    """One below the other, with each alert once."""
    expected = """\
   75 s  live, targets 6/6, panels with data 29/30
         tokens written 1,234 /s, waiting 0, p95 – s, power – W
         promises: availability 99.81 % (promised 99.9 %); ttft 100 % (promised 95 %)
         alerts firing: KvCacheFull; pending: QueueLong"""

    assert expected == lines(VIEW)


def test_what_is_wrong_is_told() -> None:
    """Prometheus may be busy: what is known is shown all the same."""
    told = lines(replace(VIEW, problem="/api/v1/query: timeout"))

    assert told.endswith("\n         /api/v1/query: timeout")


def test_a_view_is_live_once_rules_have_spoken() -> None:
    """Not before all targets are up, and panels have data."""
    silent = (("tokens written", "/s", None),)

    assert VIEW.is_live
    assert not replace(VIEW, targets=(5, 6)).is_live
    assert not replace(VIEW, targets=(0, 0)).is_live
    assert not replace(VIEW, figures=silent).is_live
    assert not replace(VIEW, panels={"Fleet": (0, 21)}).is_live
