"""GPUs by NVIDIA's exporter, whichever generation of its names: health first, then causes."""

from __future__ import annotations

from llmdash.dashboards.dashboard import Dashboard
from llmdash.dashboards.dcgm.clock_events import clock_event_details, clock_event_panels
from llmdash.dashboards.dcgm.clocks import clock_panels
from llmdash.dashboards.dcgm.errors import error_panels, memory_health
from llmdash.dashboards.dcgm.load import detail_panels, link_panels, load_panels
from llmdash.dashboards.dcgm.memory import memory_panels
from llmdash.dashboards.dcgm.now import gpu_table, gpu_tiles
from llmdash.dashboards.dcgm.page import GpuPage
from llmdash.dashboards.dcgm.power import energy_panels, heat_panels, power_panels
from llmdash.dashboards.dcgm.xid import xid_event, xid_panels
from llmdash.dashboards.rows import row_of
from llmdash.layer import Layer
from llmdash.sources.source import Source

_SUBJECT = "gpu"


def gpu(source: Source, layer: Layer) -> Dashboard | None:
    """Return the page; None for a source that does not tell of each GPU's power."""
    page = GpuPage(source)
    if not page.has("gpu_power"):
        return None
    uid = f"llm-{source.name.replace('_', '-')}-{_SUBJECT}"
    health = (*xid_panels(page), *clock_event_panels(page))
    heat = (*power_panels(page), *heat_panels(page), *energy_panels(page, layer))
    rows = (
        *row_of("now", "Summary", (*gpu_tiles(page), gpu_table(page, uid))),
        *row_of("health", "XID errors and clock events", health),
        *row_of("load", "Load", load_panels(page)),
        *row_of("memory", "Memory", memory_panels(page)),
        *row_of("power", "Power, heat and energy", heat),
        *row_of("clocks", "Clocks and stragglers", clock_panels(page, layer)),
        *row_of("errors", "Errors", (*memory_health(page), *error_panels(page)), collapsed=True),
        *row_of("links", "Links", link_panels(page), collapsed=True),
        *row_of(
            "details",
            "Details",
            (*detail_panels(page), *clock_event_details(page)),
            collapsed=True,
        ),
    )
    return page.dashboard(
        _SUBJECT,
        "Health, load, memory, power, clocks and errors of each GPU, from DCGM's exporter.",
        rows,
        tuple(xid_event(page)),
        title="GPUs" if source.name == source.exporter else f"GPUs {source.name}",
    )
