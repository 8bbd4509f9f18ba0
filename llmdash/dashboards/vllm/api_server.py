"""The API server of vLLM as a process: what it takes of its host, and its open connections.

It tokenises, streams and counts; the engine and its workers are other processes.
"""

from __future__ import annotations

from collections.abc import Iterator

from llmdash.dashboards.conditions import with_conditions
from llmdash.dashboards.panels import (
    LabelColumn,
    Panel,
    Query,
    Stat,
    Table,
    TimeSeries,
)
from llmdash.dashboards.policy import API_SERVER_CPU, FILE_DESCRIPTORS
from llmdash.dashboards.source_page import SourcePage
from llmdash.metrics import python_process as process
from llmdash.metrics import vllm_features
from llmdash.promql.expressions import aggregate, call, greatest, least, total
from llmdash.promql.nodes import Expr

SERVER = ("instance",)


def server_tiles(page: SourcePage) -> Iterator[Panel]:
    """Yield the newest state of the API servers."""
    yield Stat(
        key="api-uptime",
        title="Youngest process",
        description=with_conditions(
            page.source,
            "Time since the API server that started last did so. Small without a deployment is "
            "a crash: its counters began at zero again.",
            process.PROCESS_START_TIME_SECONDS,
        ),
        queries=(Query("age", _age(greatest(page.select(process.PROCESS_START_TIME_SECONDS)))),),
    )
    yield Stat(
        key="api-cpu-now",
        title="API server CPU",
        description=with_conditions(
            page.source,
            "Share of one core that the busiest API server takes. Near 100 % it cannot stream "
            "faster, whatever the GPU does: start more API servers.",
            process.PROCESS_CPU_SECONDS_TOTAL,
        ),
        queries=(Query("cpu", greatest(page.rate(process.PROCESS_CPU_SECONDS_TOTAL, SERVER))),),
        thresholds=API_SERVER_CPU,
    )
    yield Stat(
        key="api-memory-now",
        title="API server memory",
        description=with_conditions(
            page.source,
            "Memory of the API server that holds most, without the engine's. Growing day by day "
            "is a leak, or images and prompts held for requests that never end.",
            process.PROCESS_RESIDENT_MEMORY_BYTES,
        ),
        queries=(Query("memory", greatest(page.select(process.PROCESS_RESIDENT_MEMORY_BYTES))),),
    )
    yield Stat(
        key="api-descriptors-now",
        title="File descriptors used",
        description=with_conditions(
            page.source,
            "Share of the descriptors that the API server nearest to its limit may open. Each "
            "connection takes one; at the limit new clients are refused.",
            *(process.PROCESS_OPEN_FDS, process.PROCESS_MAX_FDS),
        ),
        queries=(Query("share", greatest(_descriptors(page))),),
        thresholds=FILE_DESCRIPTORS,
    )


def server_panels(page: SourcePage) -> Iterator[Panel]:
    """Yield the API servers over time."""
    yield TimeSeries(
        key="api-cpu",
        title="API server CPU by server",
        width=8,
        description=with_conditions(
            page.source,
            "Share of one core that each API server takes; more than 100 % is several threads. "
            "Python runs one thread at a time, so a line that lies flat near 100 % holds tokens "
            "back while the engine's own latency looks well.",
            process.PROCESS_CPU_SECONDS_TOTAL,
        ),
        queries=(
            Query("cpu", page.rate(process.PROCESS_CPU_SECONDS_TOTAL, SERVER), "{{instance}}"),
        ),
        thresholds=API_SERVER_CPU,
    )
    yield TimeSeries(
        key="api-memory",
        title="API server memory by server",
        width=8,
        description=with_conditions(
            page.source,
            "Memory that each API server holds. It rises with the number and length of requests "
            "in flight; what does not fall again at night leaks.",
            process.PROCESS_RESIDENT_MEMORY_BYTES,
        ),
        queries=(
            Query(
                "resident",
                greatest(page.select(process.PROCESS_RESIDENT_MEMORY_BYTES), SERVER),
                "{{instance}}",
            ),
        ),
    )
    yield TimeSeries(
        key="api-descriptors",
        title="File descriptors by server",
        width=8,
        zoomed=True,
        description=with_conditions(
            page.source,
            "Open descriptors as a share of the limit. A line that follows traffic is "
            "connections; one that only climbs is connections that nobody closes.",
            *(process.PROCESS_OPEN_FDS, process.PROCESS_MAX_FDS),
        ),
        queries=(Query("share", _descriptors(page), "{{instance}}"),),
        thresholds=FILE_DESCRIPTORS,
    )


def python_panels(page: SourcePage) -> Iterator[Panel]:
    """Yield Python's own housekeeping, for those who look for pauses and leaks."""
    by = ("instance", "generation")
    legend = "generation {{generation}} of {{instance}}"
    yield TimeSeries(
        key="gc-collections",
        title="Garbage collections",
        width=8,
        description=with_conditions(
            page.source,
            "Runs of Python's collector each second. Those of generation 2 stop every stream of "
            "the server for a moment: several a minute show as spikes of inter-token latency.",
            process.PYTHON_GC_COLLECTIONS_TOTAL,
        ),
        queries=(Query("rate", page.rate(process.PYTHON_GC_COLLECTIONS_TOTAL, by), legend),),
    )
    yield TimeSeries(
        key="gc-objects",
        title="Objects collected",
        width=8,
        description=with_conditions(
            page.source,
            "Objects that the collector frees each second. A step up after a new release of a "
            "plugin or parser is where its pauses come from.",
            process.PYTHON_GC_OBJECTS_COLLECTED_TOTAL,
        ),
        queries=(Query("rate", page.rate(process.PYTHON_GC_OBJECTS_COLLECTED_TOTAL, by), legend),),
    )
    yield TimeSeries(
        key="gc-uncollectable",
        title="Objects that cannot be collected",
        width=8,
        description=with_conditions(
            page.source,
            "Objects that the collector found each second and could not free. Anything above "
            "zero is memory that is gone until a restart.",
            process.PYTHON_GC_OBJECTS_UNCOLLECTABLE_TOTAL,
        ),
        queries=(
            Query(
                "rate",
                page.rate(process.PYTHON_GC_OBJECTS_UNCOLLECTABLE_TOTAL, SERVER),
                "{{instance}}",
            ),
        ),
    )
    yield TimeSeries(
        key="api-virtual-memory",
        title="Address space by server",
        description=with_conditions(
            page.source,
            "Virtual memory of each API server. Large is normal, since libraries map more than "
            "they use; growth without end is a mapping that is never given back.",
            process.PROCESS_VIRTUAL_MEMORY_BYTES,
        ),
        queries=(
            Query(
                "virtual",
                greatest(page.select(process.PROCESS_VIRTUAL_MEMORY_BYTES), SERVER),
                "{{instance}}",
            ),
        ),
    )
    yield Table(
        key="python-versions",
        title="Python by server",
        width=12,
        height=8,
        description=with_conditions(
            page.source,
            "Which Python each API server runs. Two versions under one model are two images: "
            "compare them before you compare their latency.",
            process.PYTHON_INFO,
        ),
        queries=(
            Query(
                "python",
                aggregate(
                    "group",
                    page.select(process.PYTHON_INFO),
                    (*SERVER, "implementation", "version"),
                ),
            ),
        ),
        by=(LabelColumn("instance"), LabelColumn("implementation"), LabelColumn("version")),
    )


def websocket_panels(page: SourcePage) -> Iterator[Panel]:
    """Yield the connections of the realtime API, which carry no labels."""
    active = vllm_features.WEBSOCKET_CONNECTIONS_ACTIVE
    opened = vllm_features.WEBSOCKET_CONNECTIONS_TOTAL
    lasted = vllm_features.WEBSOCKET_CONNECTION_DURATION_SECONDS
    if not page.speaks(active):
        return
    yield TimeSeries(
        key="websockets-open",
        title="Websockets open",
        width=8,
        description=with_conditions(
            page.source,
            "Connections of the realtime API that are open, by server. A step down on one server "
            "alone is a restart, or a proxy that cuts long connections.",
            active,
        ),
        queries=(Query("open", total(page.select(active), SERVER), "{{instance}}"),),
    )
    yield TimeSeries(
        key="websockets-opened",
        title="Websockets opened",
        width=8,
        description=with_conditions(
            page.source,
            "Connections opened each second, by server. Many openings while few stay open are "
            "clients that are cut off and come back.",
            opened,
        ),
        queries=(Query("rate", page.rate(opened, SERVER), "{{instance}}"),),
    )
    yield TimeSeries(
        key="websocket-duration",
        title="Life of a websocket",
        width=8,
        description=with_conditions(
            page.source,
            "How long connections lasted that have ended. Many that end at the same age point at "
            "a time-out between client and server.",
            lasted,
        ),
        queries=page.quantiles_of(lasted, "requests"),
    )


def _age(moment: Expr) -> Expr:
    return call("time") - moment


def _descriptors(page: SourcePage) -> Expr:
    opened = greatest(page.select(process.PROCESS_OPEN_FDS), SERVER)
    return opened / least(page.select(process.PROCESS_MAX_FDS), SERVER)
