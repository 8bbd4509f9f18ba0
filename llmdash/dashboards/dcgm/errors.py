"""Errors of memory and links: what wears out a GPU, and when to replace it."""

from __future__ import annotations

from collections.abc import Iterator

from llmdash.dashboards.dcgm.page import (
    BY_GPU,
    BY_GPU_AND_MODEL,
    LEGEND,
    MODEL,
    GpuPage,
)
from llmdash.dashboards.panels import (
    Column,
    LabelColumn,
    Mapping,
    Panel,
    Query,
    Table,
    Threshold,
    TimeSeries,
)
from llmdash.dashboards.style import BAD, GOOD, WARNING, hue
from llmdash.promql.units import COUNT
from llmdash.sources.answer import CounterAnswer

#: Counters rarely move; an hour's growth stays in sight.
_HOUR = "1h"
_ANY = (Threshold(1, WARNING),)


def memory_health(page: GpuPage) -> Iterator[Panel]:
    """Yield a table of how worn each GPU's memory is."""
    columns: list[tuple[Query, Column]] = []
    for name, title in (
        ("gpu_uncorrected_errors", "Uncorrected on screen"),
        ("gpu_corrected_errors", "Corrected on screen"),
    ):
        if page.has(name):
            query = Query(_key(name), page.increased(name, BY_GPU_AND_MODEL))
            color = BAD if name == "gpu_uncorrected_errors" else WARNING
            limits = (Threshold(1, color),)
            column = Column(query.key, title, unit=COUNT, thresholds=limits, decimals=0)
            columns.append((query, column))
    for name, title in (
        ("gpu_rows_failed", "Rows lost"),
        ("gpu_rows_remapped", "Rows replaced"),
    ):
        if page.has(name):
            query = Query(_key(name), page.now(name, BY_GPU_AND_MODEL))
            columns.append((query, Column(query.key, title, unit=COUNT, thresholds=_ANY)))
    for name, title, yes in (
        ("gpu_remap_pending", "Reset needed", Mapping(1, "reset it", WARNING)),
        ("gpu_remap_failed", "Remapping failed", Mapping(1, "replace it", BAD)),
    ):
        if page.has(name):
            query = Query(_key(name), page.now(name, BY_GPU_AND_MODEL))
            mappings = (Mapping(0, "no", GOOD), yes)
            columns.append((query, Column(query.key, title, mappings=mappings)))
    if len(columns) > 1:
        yield Table(
            key="memory-health",
            title="Memory health",
            description="How worn the memory of each GPU is: errors in the time on screen, and "
            "rows of memory replaced over its whole life. A row that waits for its replacement "
            "needs a reset of the GPU; one that finds none, a new GPU. Columns without data "
            "are left out of the exporter's own counters file.",
            by=(
                LabelColumn("instance"),
                LabelColumn("gpu", "GPU"),
                LabelColumn(MODEL, "Model", stands_last=True),
            ),
            queries=tuple(query for query, _ in columns),
            columns=tuple(column for _, column in columns),
            sort_by=columns[0][1].title,
        )


def error_panels(page: GpuPage) -> Iterator[Panel]:
    """Yield when errors of memory and links happened."""
    for name, title, text in (
        (
            "gpu_uncorrected_errors",
            "Uncorrected ECC errors, last hour",
            "Memory errors of each GPU within an hour that ECC could not mend: some process lost "
            "data or its life (XID 48, 94 or 95). Drain the GPU and reset it.",
        ),
        (
            "gpu_corrected_errors",
            "Corrected ECC errors, last hour",
            "Memory errors of each GPU within an hour that ECC mended. A few do no harm; a GPU "
            "with many more than its neighbours is about to have worse ones.",
        ),
        (
            "gpu_pcie_replays",
            "PCIe replays, last hour",
            "Packets that each GPU had to send again over PCIe within an hour. Steadily above "
            "zero is a bad slot, riser or cable, and may end with the GPU off the bus (XID 79).",
        ),
    ):
        if page.has(name):
            yield TimeSeries(
                key=_key(name),
                title=title,
                description=page.described(name, text),
                queries=(
                    Query("grown", page.increased(name, BY_GPU, _HOUR), LEGEND, color=hue(name)),
                ),
                unit=COUNT,
            )
    yield from _nvlink_errors(page)


def _nvlink_errors(page: GpuPage) -> Iterator[Panel]:
    name = "gpu_nvlink_errors"
    answer = page.source.answers.get(name)
    if not isinstance(answer, CounterAnswer):
        return
    kinds = [dict(term.fixed)["link_error"] for term in answer.terms]
    yield TimeSeries(
        key="nvlink-errors",
        title="NVLink errors, last hour",
        description=page.described(
            name,
            "Errors on the NVLinks of each GPU within an hour, by kind. CRC errors and replays "
            "are mended and cost a little speed; a recovery means that a link was trained anew, "
            "and more of them that it will fail (XID 74).",
        ),
        queries=tuple(
            Query(
                kind.replace("_", "-"),
                page.increased(name, BY_GPU, _HOUR, place),
                f"{LEGEND} {kind.replace('_', ' ')}",
            )
            for place, kind in enumerate(kinds)
        ),
        unit=COUNT,
    )


def _key(name: str) -> str:
    return name.removeprefix("gpu_").replace("_", "-")
