"""The page that teaches: its texts are short, and its lines have the colours of the house."""

from __future__ import annotations

from llmdash.dashboards.panels import Text, TimeSeries
from llmdash.dashboards.style import FINISH_REASONS
from llmdash.dashboards.vllm.service import vllm_service
from llmdash.layer import Layer
from llmdash.sources import vllm

SOURCE = vllm(v0=True)
PAGE = vllm_service(SOURCE, Layer((SOURCE,)))


def test_twelve_panels_teach() -> None:
    """Each tells its definition, its significance and what to do; texts take two lines."""
    panels = [panel for panel in PAGE.panels() if not isinstance(panel, Text)]
    parts = ("**Definition**", "**Significance**", "**What to do**")

    assert 12 == len(panels)
    assert [] == [p.key for p in panels if not all(part in p.description for part in parts)]
    assert {2} == {panel.height for panel in PAGE.panels() if isinstance(panel, Text)}


def test_lines_have_the_colours_of_the_house() -> None:
    """Waiting is orange and prompts are yellow here as on all pages; reasons by their own table."""
    reasons = PAGE.panel("finish-reasons")
    lines = {
        query.key: query.color
        for key in ("tokens", "scheduler", "cache", "prefill-decode")
        for query in PAGE.panel(key).queries
    }

    assert isinstance(reasons, TimeSeries)
    assert FINISH_REASONS == reasons.colors
    assert {
        "prompt": "yellow",
        "generation": "purple",
        "running": "green",
        "waiting": "orange",
        "swapped": "red",
        "max": "blue",
        "avg": "text",
        "prefill-p95": "dark-yellow",
        "prefill-mean": "light-yellow",
        "decode-p95": "dark-purple",
        "decode-mean": "light-purple",
    } == lines
