"""What the model's arithmetic should cost one GPU, as vLLM estimates it from shapes."""

from __future__ import annotations

from collections.abc import Iterator

from llmdash.dashboards.conditions import with_conditions
from llmdash.dashboards.panels import Panel, Query, TimeSeries
from llmdash.dashboards.source_page import SourcePage
from llmdash.metrics import vllm_features
from llmdash.promql.nodes import Expr

FLOPS = vllm_features.ESTIMATED_FLOPS_PER_GPU_TOTAL
READ = vllm_features.ESTIMATED_READ_BYTES_PER_GPU_TOTAL
WRITTEN = vllm_features.ESTIMATED_WRITE_BYTES_PER_GPU_TOTAL

#: The numbers are those of one GPU of the engine: they are not added up over engines.
ENGINE = ("model_name", "instance", "engine")
ENGINE_LEGEND = "{{model_name}} {{instance}} engine {{engine}}"


def work_panels(page: SourcePage) -> Iterator[Panel]:
    """Yield compute, memory traffic and their ratio, of one GPU of each engine."""
    if not page.speaks(FLOPS):
        return
    flops, moved = page.rate(FLOPS, ENGINE), _moved(page)
    yield TimeSeries(
        key="estimated-flops",
        title="Compute of one GPU",
        width=8,
        description=with_conditions(
            page.source,
            "Floating point operations each second on one GPU of each engine, by vLLM's estimate. "
            "Divided by what the GPU can do at this precision it is the model FLOPS utilisation; "
            "in prefill 0.3 to 0.6 of it is good, in decode far less is normal.",
            FLOPS,
        ),
        queries=(Query("flops", flops, ENGINE_LEGEND),),
    )
    yield TimeSeries(
        key="estimated-bytes",
        title="Memory traffic of one GPU",
        width=8,
        description=with_conditions(
            page.source,
            "Bytes read from and written to the memory of one GPU each second, by vLLM's "
            "estimate. In decode it should come near the GPU's bandwidth; far below it, the "
            "engine waits for something else.",
            *(READ, WRITTEN),
        ),
        queries=(
            Query("read", page.rate(READ, ENGINE), f"read {ENGINE_LEGEND}"),
            Query("written", page.rate(WRITTEN, ENGINE), f"written {ENGINE_LEGEND}"),
        ),
    )
    yield TimeSeries(
        key="arithmetic-intensity",
        title="Arithmetic intensity",
        width=8,
        description=with_conditions(
            page.source,
            "Operations per byte moved. Below the GPU's own ratio of compute to bandwidth "
            "(hundreds at 16 bit on a current card) memory sets the pace, and larger batches are "
            "nearly free; above it compute does.",
            *(FLOPS, READ, WRITTEN),
        ),
        queries=(Query("intensity", flops / moved, ENGINE_LEGEND),),
    )


def _moved(page: SourcePage) -> Expr:
    return page.rate(READ, ENGINE) + page.rate(WRITTEN, ENGINE)
