"""What the proof of the panels accepts: an exception and a driven counter mean what they say."""

from __future__ import annotations

import pytest

from llmdash.metrics import triton, vllm
from tests.exposition import EXPOSITIONS, read_exposition
from tests.live.exposition import Exposition
from tests.live.questions import Question, excuse, is_driven

PAGES = tuple(
    Exposition(read_exposition((EXPOSITIONS / name).read_text()))
    for name in ("vllm-0.32.0.prom", "triton-2.51.0.prom")
)
NOTHING = Exposition({})
METRICS = (*vllm.METRICS, *triton.METRICS)

TTFT = "rate(vllm:time_to_first_token_seconds_bucket[5m])"
FIRST_RESPONSE = "rate(nv_inference_first_response_histogram_ms_bucket[5m])"
ERRORS = 'sum(rate(vllm:request_success_total{finished_reason="error"}[5m]))'
ENDED = "sum(rate(vllm:request_success_total[5m]))"
NEW_OR_OLD = (
    "rate(vllm:inter_token_latency_seconds_sum[5m]) or "
    "rate(vllm:time_per_output_token_seconds_sum[5m])"
)


@pytest.mark.parametrize(
    ("foundations", "family"),
    [
        ((FIRST_RESPONSE,), "nv_inference_first_response_histogram_ms"),
        ((TTFT,), None),
        ((TTFT, FIRST_RESPONSE), None),
        ((f"{FIRST_RESPONSE} or {TTFT}",), None),
        ((f"{TTFT} / {FIRST_RESPONSE}",), "nv_inference_first_response_histogram_ms"),
        ((NEW_OR_OLD,), None),
        (("vllm:no_such_family",), None),
    ],
)
def test_a_question_is_excused_when_all_it_rests_on_is_absent(
    foundations: tuple[str, ...], family: str | None
) -> None:
    """One absent source does not excuse what another source must answer."""
    found = excuse(Question("place", "text", foundations), METRICS, PAGES)

    assert family == (found.family if found else None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (TTFT, True),
        (NEW_OR_OLD, True),
        (f"{TTFT} / rate(vllm:no_such_family_total[5m])", False),
        ('rate(vllm:request_success_total{finished_reason="error"}[5m])', False),
        ('rate(vllm:request_success_total{finished_reason!~"error|abort"}[5m])', True),
        ("vllm:num_requests_running", False),
        (f"({ERRORS} or {ENDED} * 0) / {ENDED}", False),
        (f"({ENDED} or {ENDED} * 0) / {ENDED}", True),
    ],
)
def test_counters_that_rose_must_show_it(text: str, expected: bool) -> None:
    """An old name that nobody exposes any more does not hide that the new one rose."""
    assert expected == is_driven(text, NOTHING, PAGES[0])
