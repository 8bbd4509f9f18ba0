"""What a description says of the catalogue: needs, what stays at zero, and since when."""

from __future__ import annotations

import pytest

from llmdash.dashboards.conditions import with_conditions
from llmdash.metrics import vllm as metrics
from llmdash.metrics import vllm_features, vllm_transfer
from llmdash.metrics.metric import Metric, Versions
from llmdash.sources import vllm


@pytest.mark.parametrize(
    ("families", "expected"),
    [
        ((metrics.NUM_REQUESTS_RUNNING,), "Words."),
        (
            (vllm_features.LORA_REQUESTS_INFO,),
            "Words. Needs LoRA adapters (--enable-lora).",
        ),
        (
            (vllm_features.ESTIMATED_FLOPS_PER_GPU_TOTAL,),
            "Words. Stays at zero without --enable-mfu-metrics. From vLLM 0.17.0.",
        ),
        (
            (vllm_transfer.NIXL_XFER_TIME_SECONDS, vllm_transfer.NIXL_NUM_KV_EXPIRED_REQS_TOTAL),
            "Words. Needs the NIXL KV connector. From vLLM 0.15.",
        ),
        # What only one of them needs is not needed for the panel to show anything.
        (
            (vllm_features.CORRUPTED_REQUESTS_TOTAL, metrics.REQUEST_SUCCESS_TOTAL),
            "Words. From vLLM 0.11.1.",
        ),
        (
            (
                vllm_transfer.HISPARSE_HOST_BLOCK_LIFETIME_SECONDS,
                vllm_transfer.HISPARSE_HOST_BLOCK_REUSE_GAP_SECONDS,
            ),
            "Words. Needs the HiSparse connector and --kv-cache-metrics. From vLLM 0.32.0.",
        ),
    ],
)
def test_conditions_are_said_after_the_words(families: tuple[Metric, ...], expected: str) -> None:
    """All families of a panel together: what each needs, and the release that has the last."""
    assert expected == with_conditions(vllm(), "Words.", *families)


@pytest.mark.parametrize(("first", "said"), [("0.16.9", True), ("0.17", True), ("0.17.1", False)])
def test_a_release_is_said_only_to_whom_it_is_news(first: str, said: bool) -> None:
    """A source whose releases all have a family is not told since when."""
    source = vllm(versions=Versions(first))
    text = with_conditions(source, "Words.", vllm_features.ESTIMATED_FLOPS_PER_GPU_TOTAL)

    assert said == text.endswith("From vLLM 0.17.0.")
