"""GPUs by NVIDIA's exporter, whichever generation of its names: health first, then causes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from llmdash.dashboards.dashboard import Dashboard, Row
from llmdash.dashboards.dcgm.clock_events import (
    clock_event_details,
    clock_event_panels,
    normal_clock_event_panels,
)
from llmdash.dashboards.dcgm.clocks import clock_details, straggler_panels
from llmdash.dashboards.dcgm.counters_file import counters_file_panels
from llmdash.dashboards.dcgm.errors import error_panels, memory_health
from llmdash.dashboards.dcgm.load import detail_panels, link_panels, load_panels
from llmdash.dashboards.dcgm.memory import memory_details, memory_panels
from llmdash.dashboards.dcgm.now import gpu_table, gpu_tiles
from llmdash.dashboards.dcgm.page import GpuPage
from llmdash.dashboards.dcgm.power import (
    energy_panels,
    heat_panels,
    power_details,
    power_panels,
)
from llmdash.dashboards.dcgm.xid import xid_event, xid_panels
from llmdash.dashboards.panels import Panel
from llmdash.dashboards.rows import row_of
from llmdash.dashboards.source_page import page_uid
from llmdash.layer import Layer
from llmdash.sources.source import Source

#: Alerts on GPUs link to it.
SUBJECT = "gpu"


def gpu(source: Source, layer: Layer) -> Dashboard | None:
    """Return the page; None for a source that does not tell of each GPU's power."""
    page = GpuPage(source)
    if not page.has("gpu_power"):
        return None
    uid = page_uid(source, SUBJECT)
    now = (*gpu_tiles(page), gpu_table(page, uid))
    shown = (
        *row_of("health", "XID errors and harm", (*xid_panels(page), *clock_event_panels(page))),
        *row_of(
            "load",
            "Load, memory and stragglers",
            (*load_panels(page), *memory_panels(page), *straggler_panels(page, layer)),
        ),
        *row_of(
            "power",
            "Power, heat and energy",
            (*power_panels(page), *heat_panels(page), *energy_panels(layer)),
        ),
    )
    text = counters_file_panels(source, (*now, *(panel for row in shown for panel in row.panels)))
    return page.dashboard(
        SUBJECT,
        "Health, load, memory, power, clocks and errors of each GPU, from DCGM's exporter.",
        (*row_of("now", "Summary", (*now, *text)), *shown, *_collapsed(page, layer)),
        tuple(xid_event(page)),
        title="GPUs" if source.name == source.exporter else f"GPUs {source.name}",
    )


def _collapsed(page: GpuPage, layer: Layer) -> Iterator[Row]:
    """Yield what explains the open rows, or repeats them in another unit."""
    clocks = (*clock_details(page, layer), *normal_clock_event_panels(page))
    rows: tuple[tuple[str, str, Iterable[Panel]], ...] = (
        ("clocks", "Clocks", clocks),
        ("memory", "Memory", memory_details(page)),
        ("energy", "Power limit and energy", power_details(page)),
        ("errors", "Errors", (*memory_health(page), *error_panels(page))),
        ("links", "Links", link_panels(page)),
        ("details", "Details", (*detail_panels(page), *clock_event_details(page))),
    )
    for key, title, panels in rows:
        yield from row_of(key, title, panels, collapsed=True)
