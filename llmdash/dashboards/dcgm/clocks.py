"""Clocks of GPUs, and the one that is slower than its equals: all others wait for it."""

from __future__ import annotations

from collections.abc import Iterator

from llmdash.dashboards.dcgm.page import BY_GPU, BY_GPU_AND_MODEL, LEGEND, MODEL, GpuPage
from llmdash.dashboards.panels import Panel, Query, Threshold, TimeSeries
from llmdash.dashboards.policy import GPU_AT_WORK, GPU_STRAGGLER
from llmdash.dashboards.style import PLAIN, WARNING, hue
from llmdash.layer import Layer
from llmdash.promql.expressions import aggregate, count, greatest, joined, median
from llmdash.promql.nodes import Binary, Expr, Number

#: Long enough that a GPU at work was at full clock once.
_LATELY = "6h"
#: What is compared, and what tells that a GPU is at work; alerts on stragglers ask the same.
CLOCK = "gpu_sm_clock"
WORK = "gpu_utilisation"
_ENGINE = "engine_instance"
#: Below the line is bad; a line in green would be a goal.
_AS_MUCH = (Threshold(GPU_STRAGGLER, PLAIN),)


def straggler_panels(page: GpuPage, layer: Layer) -> Iterator[Panel]:
    """Yield how fast GPUs run against each other."""
    if page.has(CLOCK) and page.has(WORK):
        yield _of_its_model(page)
        yield from _clock_of_its_engine(page, layer)


def clock_details(page: GpuPage, layer: Layer) -> Iterator[Panel]:
    """Yield how fast GPUs run, of what they can, and whether one of an engine does less."""
    yield from page.graph(
        CLOCK,
        "SM clock",
        "How fast the processors of each GPU run. Low while idle; lower than usual at work is a "
        "GPU held back, and the panels of clock events say by what.",
    )
    yield from page.graph(
        "gpu_memory_clock",
        "Memory clock",
        "How fast the memory of each GPU runs. At work it is constant; any lower value then "
        "slows decoding in the same measure.",
    )
    if page.has(CLOCK) and page.has(WORK):
        yield _of_its_greatest(page)
        yield from _work_of_its_engine(page, layer)


def at_work(page: GpuPage, of: Expr, by: tuple[str, ...]) -> Expr:
    """Keep GPUs at work: the clock of an idle one says nothing."""
    return Binary("and", of, page.now(WORK, by) > GPU_AT_WORK)


def _of_its_greatest(page: GpuPage) -> Panel:
    share = page.now(CLOCK) / page.at_its_most(CLOCK, _LATELY)
    return TimeSeries(
        key="clock-of-greatest",
        title="SM clock of its greatest",
        description="Clock of each GPU at work, of the greatest that it had in six hours. It "
        "needs no limit and no mask to show that a GPU is slowed: by power a little, by heat "
        "or a brake to a half. A gap is a GPU that idles.",
        queries=(Query("share", at_work(page, share, BY_GPU), LEGEND, color=hue(CLOCK)),),
        thresholds=_AS_MUCH,
        base_color=WARNING,
        width=8,
    )


def _of_its_model(page: GpuPage) -> Panel:
    own = at_work(page, page.now(CLOCK, BY_GPU_AND_MODEL), BY_GPU_AND_MODEL)
    return TimeSeries(
        key="clock-of-model",
        title="SM clock against GPUs of its kind",
        description="Clock of each GPU at work, over the median of all GPUs at work of the same "
        "make, among those chosen. One below the line is a straggler: look at its heat, its "
        "power limit and its place. A gap is a GPU that idles.",
        queries=(
            Query("share", _compared(own, median(own, (MODEL,)), MODEL), LEGEND, color=hue(CLOCK)),
        ),
        thresholds=_AS_MUCH,
        base_color=WARNING,
        width=8,
    )


def _uuid(page: GpuPage, layer: Layer) -> str:
    """Return the exporter's label for what a GPU is; empty where nobody says whose GPUs are."""
    placed = layer.placement.places_gpus
    return dict(page.source.dialect.labels).get("gpu_uuid", "") if placed else ""


def _clock_of_its_engine(page: GpuPage, layer: Layer) -> Iterator[Panel]:
    """Yield GPUs against those that compute each token together with them."""
    uuid = _uuid(page, layer)
    if not uuid:
        return
    clock = at_work(page, page.now(CLOCK, (*BY_GPU, uuid)), (*BY_GPU, uuid))
    in_step = _with_engine(page, layer, clock, uuid)
    yield _within_engine(
        CLOCK,
        "SM clock within its engine",
        "Clock of each GPU at work, over the median of the GPUs of its engine. Ranks of tensor "
        "parallelism wait for each other in every layer, so the whole engine is as slow as the "
        "lowest line. A gap is a GPU that idles, or whose engine is not known.",
        in_step,
        median(in_step, (_ENGINE,)),
    )


def _work_of_its_engine(page: GpuPage, layer: Layer) -> Iterator[Panel]:
    uuid = _uuid(page, layer)
    if not uuid:
        return
    busy = _with_engine(page, layer, page.now(WORK, (*BY_GPU, uuid)), uuid)
    yield _within_engine(
        WORK,
        "Utilisation within its engine",
        "Utilisation of each GPU, over the median of its engine where that is at work. One far "
        "below does less: a rank without requests, or a stage of a pipeline with fewer layers. "
        "All at 1 proves no balance, for a rank that waits spins and looks busy.",
        busy,
        median(busy, (_ENGINE,)) > GPU_AT_WORK,
    )


def _with_engine(page: GpuPage, layer: Layer, of: Expr, uuid: str) -> Expr:
    """Return values of GPUs with the engine that each works for; shared GPUs are left out."""
    found = aggregate("group", layer.gpu_engines(page.source), (uuid, _ENGINE))
    single = joined(found, "and", Binary("==", count(found, (uuid,)), Number(1)), on=(uuid,))
    return joined(of, "*", single, on=(uuid,), group_left=(_ENGINE,))


def _within_engine(name: str, title: str, text: str, own: Expr, equals: Expr) -> Panel:
    return TimeSeries(
        key=f"{name.removeprefix('gpu_').replace('_', '-')}-of-engine",
        title=title,
        description=text,
        queries=(Query("share", _compared(own, equals, _ENGINE), LEGEND, color=hue(name)),),
        thresholds=_AS_MUCH,
        base_color=WARNING,
        width=8,
    )


def _compared(own: Expr, equals: Expr, on: str) -> Expr:
    """Return the value of each GPU over that of its equals, which are one series for each group."""
    return greatest(joined(own, "/", equals, on=(on,), group_left=()), BY_GPU)
