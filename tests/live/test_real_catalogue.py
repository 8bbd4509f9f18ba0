"""The catalogues agree with the pages of the real servers, as they do with the captured ones."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.exposition import Scrape
from tests.live.exposition import fetch_exposition
from tests.live.triton_server import TritonServer
from tests.live.vllm_server import VllmServer
from tests.metrics import test_catalogue as catalogue

AGREEMENTS: tuple[Callable[[Scrape], None], ...] = (
    catalogue.test_every_family_is_known,
    catalogue.test_every_family_is_expected_in_its_version,
    catalogue.test_no_family_is_missing,
    catalogue.test_types_are_equal,
    catalogue.test_labels_are_equal,
    catalogue.test_label_values_are_in_their_closed_set,
    catalogue.test_edges_are_equal,
    catalogue.test_quantiles_are_equal,
)


@pytest.mark.parametrize("agrees", AGREEMENTS)
def test_vllm_is_as_catalogued(vllm: VllmServer, agrees: Callable[[Scrape], None]) -> None:
    """What holds for the captured pages of vLLM holds for the one that runs."""
    page = fetch_exposition(vllm.metrics_url)
    agrees(Scrape("the running vLLM", "vllm", vllm.version.partition("+")[0], page.families))


@pytest.mark.parametrize("agrees", AGREEMENTS)
def test_triton_is_as_catalogued(triton: TritonServer, agrees: Callable[[Scrape], None]) -> None:
    """What holds for the captured pages of Triton holds for the one that runs."""
    page = fetch_exposition(triton.metrics_url)
    agrees(Scrape("the running Triton", "tritonserver", triton.version or "", page.families))
