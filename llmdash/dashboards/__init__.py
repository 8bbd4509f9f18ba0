"""The pages that ship, as tuples; a page over recordings asks any engine, the others their own."""

from llmdash.dashboards.app.overview import app_overview
from llmdash.dashboards.dcgm.gpu import gpu
from llmdash.dashboards.engine.cache import engine_cache
from llmdash.dashboards.engine.latency import engine_latency
from llmdash.dashboards.engine.overview import engine_overview
from llmdash.dashboards.engine.scheduler import engine_scheduler
from llmdash.dashboards.engine.traffic import engine_traffic
from llmdash.dashboards.fleet.capacity import capacity
from llmdash.dashboards.fleet.compare import compare
from llmdash.dashboards.fleet.honesty import honesty
from llmdash.dashboards.fleet.overview import fleet
from llmdash.dashboards.fleet.slo import slo
from llmdash.dashboards.gateway.overview import gateway_overview
from llmdash.dashboards.load.overview import load_overview
from llmdash.dashboards.triton.overview import triton_overview
from llmdash.dashboards.triton.tensorrt_llm import tensorrt_llm
from llmdash.dashboards.vllm.cache import vllm_cache
from llmdash.dashboards.vllm.extras import vllm_extras
from llmdash.dashboards.vllm.latency import vllm_latency
from llmdash.dashboards.vllm.overview import vllm_overview
from llmdash.dashboards.vllm.scheduler import vllm_scheduler
from llmdash.dashboards.vllm.service import vllm_service
from llmdash.dashboards.vllm.traffic import vllm_traffic

SHARED_PAGES = (fleet, compare, capacity, honesty)

#: Pages over what promises record.
SLO_PAGES = (slo,)

#: Pages of any engine; one that has too little for a subject has no page on it.
SUBJECTS = (engine_latency, engine_traffic, engine_scheduler, engine_cache)
ENGINE_PAGES = (engine_overview, *SUBJECTS)

#: Pages of the exporters that have some of their own.
SOURCE_PAGES = {
    "vllm": (
        vllm_overview,
        vllm_service,
        vllm_latency,
        vllm_traffic,
        vllm_scheduler,
        vllm_cache,
        vllm_extras,
    ),
    "triton": (triton_overview, *SUBJECTS),
    "triton_vllm": (triton_overview, *SUBJECTS),
    "triton_trtllm": (triton_overview, tensorrt_llm, *SUBJECTS),
    "gateway": (gateway_overview,),
    "app": (app_overview,),
    "dcgm": (gpu,),
    "load": (load_overview,),
}

__all__ = ["ENGINE_PAGES", "SHARED_PAGES", "SLO_PAGES", "SOURCE_PAGES"]
