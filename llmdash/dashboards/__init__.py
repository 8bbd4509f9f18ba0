"""The pages that ship, as tuples; a page over recordings asks any engine, the others their own."""

from llmdash.dashboards.fleet import fleet
from llmdash.dashboards.triton_overview import triton_overview
from llmdash.dashboards.vllm_overview import vllm_overview
from llmdash.dashboards.vllm_service import vllm_service

SHARED_PAGES = (fleet,)
SOURCE_PAGES = {
    "vllm": (vllm_overview, vllm_service),
    "triton": (triton_overview,),
}

__all__ = ["SHARED_PAGES", "SOURCE_PAGES"]
