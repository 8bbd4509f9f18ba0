"""vLLM's API server as a process, and what appears only once a feature is in use.

Rows of features are collapsed: on a server without the feature they ask nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from llmdash.dashboards.dashboard import Dashboard, Row
from llmdash.dashboards.engine.page import engine_dashboard
from llmdash.dashboards.panels import Panel
from llmdash.dashboards.rows import row_of
from llmdash.dashboards.source_page import SourcePage
from llmdash.dashboards.tiles import side_by_side
from llmdash.dashboards.vllm.answers import answer_panels
from llmdash.dashboards.vllm.api_server import (
    python_panels,
    server_panels,
    server_tiles,
    websocket_panels,
)
from llmdash.dashboards.vllm.lora import lora_panels
from llmdash.dashboards.vllm.sleep import (
    sleep_operation_panels,
    sleep_state_tiles,
    sleep_state_timeline,
)
from llmdash.dashboards.vllm.speculation import diffusion_panels, speculation_panels
from llmdash.dashboards.vllm.stores import file_panels, object_panels, store_panels
from llmdash.dashboards.vllm.transfer_panels import CONNECTORS, transfer_panels
from llmdash.dashboards.vllm.work_estimates import work_panels
from llmdash.layer import Layer
from llmdash.sources.source import Source


def vllm_extras(source: Source, layer: Layer) -> Dashboard | None:
    """Return the page."""
    del layer  # it reads the exporter alone
    return engine_dashboard(
        SourcePage(source),
        "extras",
        "The API server, and features of vLLM that only some servers use: speculative decoding, "
        "LoRA, KV transfer, work estimates, sleep. A row that stays empty is a feature that is "
        "off; each panel says what it needs.",
        tuple(_rows(SourcePage(source))),
        title=f"{source.title} API server and extras",
    )


def _rows(page: SourcePage) -> Iterator[Row]:
    def feature(key: str, title: str, *panels: Iterable[Panel]) -> Iterator[Row]:
        found = (panel for each in panels for panel in each)
        return row_of(key, title, found, collapsed=True)

    yield from row_of(
        "server",
        "API server",
        (*side_by_side(server_tiles(page)), *server_panels(page)),
    )
    yield from feature("speculation", "Speculative decoding", speculation_panels(page))
    yield from feature("lora", "LoRA adapters", lora_panels(page))
    for connector in CONNECTORS:
        yield from feature(connector.key, connector.title, transfer_panels(page, connector))
    yield from feature("mooncake-store", "KV store Mooncake", store_panels(page))
    yield from feature("hf3fs", "KV files on HF3FS", file_panels(page))
    yield from feature("umbp", "KV objects by UMBP", object_panels(page))
    yield from feature("work", "Estimated work of a GPU", work_panels(page))
    yield from feature(
        "sleep-operations",
        "Sleep and weight updates",
        side_by_side(sleep_state_tiles(page)),
        sleep_state_timeline(page),
        sleep_operation_panels(page),
    )
    yield from feature("answers", "Answers", answer_panels(page))
    yield from feature("websockets", "Realtime API", websocket_panels(page))
    yield from feature("diffusion", "Diffusion language models", diffusion_panels(page))
    yield from feature("python", "Python of the API server", python_panels(page))
