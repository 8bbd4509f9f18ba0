"""What the catalogues say has been seen is what the captured pages show."""

from __future__ import annotations

from llmdash.metrics import triton, vllm
from llmdash.metrics.seen import SEEN
from tests.exposition import captured_scrapes


def test_seen_is_what_was_captured() -> None:
    """SEEN holds exactly the catalogued families on the captured pages of real servers."""
    captured = {name for scrape in captured_scrapes() for name in scrape.families}
    catalogued = {metric.name for metric in (*vllm.METRICS, *triton.METRICS)}

    assert captured & catalogued == SEEN
