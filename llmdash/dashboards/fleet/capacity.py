"""How much more the fleet can take, what today asked of it, and what its GPUs cost."""

from __future__ import annotations

from collections.abc import Iterator

from llmdash.dashboards.dashboard import Dashboard, Row
from llmdash.dashboards.fleet.capacity_cost import cost_panels
from llmdash.dashboards.fleet.capacity_demand import Demand, demand_panels
from llmdash.dashboards.fleet.capacity_gpus import gpu_panels, idle_panels
from llmdash.dashboards.fleet.energy import Energy
from llmdash.dashboards.layer_page import LayerPage
from llmdash.dashboards.panels import (
    Column,
    LabelColumn,
    Panel,
    Query,
    Stat,
    Table,
    TimeSeries,
    dashboard_url,
)
from llmdash.dashboards.policy import (
    ANY,
    KV_CACHE,
    KV_FULL,
    KV_HEADROOM,
    LONGEST_FORECAST,
    TIME_TO_FULL,
    TREND_WINDOW,
)
from llmdash.dashboards.rows import FEWEST_PANELS, panels_in, row_of
from llmdash.dashboards.source_page import FOLDER, NEIGHBOURS, TAG
from llmdash.layer import Layer
from llmdash.promql.expressions import call, greatest, least, total
from llmdash.promql.nodes import Binary, Expr, Number
from llmdash.sources.source import Role

UID = "llm-capacity"

_BY = ("source", "model")
_LEGEND = "{{source}} {{model}}"

#: How far ahead the page looks, in hours.
_LONGEST = f"{LONGEST_FORECAST.seconds / 3600:g}"

#: Slower than this (a full cache in thirty years) is no rise.
_NO_RISE = 1e-9


def capacity(layer: Layer) -> Dashboard | None:
    """Return the page; None where no engine of the pack says how full it is or what it does."""
    if not layer.has("requests", role=Role.ENGINE):
        return None
    page = LayerPage(layer)
    energy = Energy(layer, ("model",))
    demand = Demand(page)
    rows = [
        *row_of("now", "Headroom", [*_tiles(page, demand), *_tables(page, demand)]),
        *row_of("headroom", "Headroom over time", _graphs(page)),
        *row_of("tokens", "KV cache in tokens", _free_tokens(page), collapsed=True),
        *row_of("demand", "Demand", demand_panels(demand)),
    ]
    if energy.is_known:
        idle = idle_panels(Energy(layer))
        rows += [
            *row_of("gpus", "GPUs and energy", gpu_panels(energy)),
            *row_of("idle", "Idle GPUs", idle, collapsed=True),
            *row_of("cost", "Cost", cost_panels(energy, layer.prices)),
        ]
    if panels_in(rows) < FEWEST_PANELS:
        return None
    return _page(page, rows)


def _page(page: LayerPage, rows: list[Row]) -> Dashboard:
    return Dashboard(
        uid=UID,
        title="LLM capacity",
        description="How much more the engines can take, what the day and the week asked of them, "
        "and what GPUs draw, idle and cost. Over recordings, of every engine.",
        tags=(TAG, "capacity"),
        folder=FOLDER,
        variables=page.choices("source", "model"),
        links=NEIGHBOURS,
        annotations=tuple(page.events()),
        rows=tuple(rows),
        time_from="now-6h",
    )


def headroom(page: LayerPage, by: tuple[str, ...] = ()) -> Expr:
    """Return the share of the KV cache that is free on the fullest engine."""
    return 1 - page.fullest(by)


def time_to_full(page: LayerPage) -> Expr:
    """Return when the KV cache of a model's engines is full if it goes on rising as it does.

    What does not rise is told as the longest time that is told at all, unless it is full already:
    a full cache cannot rise, and is full now.
    """
    use = page.gauge("kv_cache_use")
    slope = greatest(call("deriv", use.over(TREND_WINDOW)), _BY)
    left = (1 - greatest(use, _BY)) / call("clamp_min", slope, _NO_RISE)
    has_room = Binary("<", page.fullest(_BY), Number(KV_FULL), as_state=True)
    return call("clamp_max", left, LONGEST_FORECAST.seconds) * has_room


def room(page: LayerPage) -> Expr:
    """Return how many more requests like those that run now the KV cache has room for."""
    use = greatest(page.gauge("kv_cache_use"), _BY)
    return total(page.gauge("requests_running"), _BY) * (1 - use) / use


def _has_room(page: LayerPage) -> bool:
    return page.has("kv_cache_use") and page.has("requests_running")


def _tiles(page: LayerPage, demand: Demand) -> Iterator[Panel]:
    if page.has("kv_cache_use"):
        yield Stat(
            key="kv-headroom-now",
            title="KV cache headroom",
            description="Share of the KV cache that is free on the fullest engine chosen. Near "
            "zero, requests wait or are preempted, however idle the other engines are.",
            queries=(Query("headroom", headroom(page)),),
            thresholds=KV_HEADROOM,
            base_color="red",
            minimum=0,
            maximum=1,
        )
        yield Stat(
            key="time-to-full-now",
            title="Time to a full KV cache",
            description="For the model that is full first, if its KV cache rises on as in the "
            f"last half hour; 0 where one is full already (from {KV_FULL:.0%}). "
            f"{_LONGEST} hours stand for as long or longer, and for a cache that does not rise.",
            queries=(Query("time", least(time_to_full(page))),),
            thresholds=TIME_TO_FULL,
            base_color="red",
        )
    if page.has("requests_running"):
        yield Stat(
            key="engines-now",
            title="Engines",
            description="Engines that tell how many requests they run; a server with several "
            "ranks of data parallelism counts once for each. Fewer than a minute ago, a server "
            "went away.",
            queries=(Query("engines", total(page.gauge("requests_running", "count"))),),
        )
    if demand.can_size:
        yield Stat(
            key="engines-missing-now",
            title="Engines missing, at most",
            description="Engines that the day's peaks would have asked for and that are not there, "
            "added up over the models that are short of some: what one has to spare does not "
            "serve another. How it is estimated is told at the table.",
            queries=(Query("engines", demand.engines_missing_in_all()),),
            thresholds=ANY,
        )
    yield from demand.tiles()


def _tables(page: LayerPage, demand: Demand) -> Iterator[Panel]:
    columns: list[tuple[Column, Expr]] = []

    def add(column: Column, expr: Expr) -> None:
        columns.append((column, expr))

    if page.has("kv_cache_use"):
        add(Column("kv", "KV cache, fullest", thresholds=KV_CACHE), page.fullest(_BY))
    if demand.can_size:
        missing = Column("missing", "Engines missing, at most", thresholds=ANY)
        add(missing, demand.engines_missing(_BY))
    if _has_room(page):
        add(Column("room", "Room for requests", decimals=0), room(page))
    if page.has("requests_running"):
        add(Column("engines", "Engines"), total(page.gauge("requests_running", "count"), _BY))
    if demand.can_size:
        add(Column("needed", "Engines needed, at most"), demand.engines_needed(_BY))
    for column, expr in demand.columns(_BY):
        add(column, expr)
    if not columns:
        return
    filtered = dashboard_url(
        UID,
        source="${__data.fields.source:percentencode}",
        model="${__data.fields.model:percentencode}",
    )
    yield Table(
        key="models",
        title="Models",
        description="A line for each model on each source; a name filters the page to it. A cell "
        f"without data is a question that the source does not answer.{demand.explained()}",
        by=(
            LabelColumn("model", "Model", filtered, "Show this model only"),
            LabelColumn("source", "Source"),
        ),
        queries=tuple(Query(column.query_key, expr) for column, expr in columns),
        columns=tuple(column for column, _ in columns),
        sort_by=columns[0][0].title,
        height=9,
    )


def _graphs(page: LayerPage) -> Iterator[Panel]:
    if page.has("kv_cache_use"):
        yield TimeSeries(
            key="kv-headroom",
            title="KV cache headroom",
            description="Free share of the KV cache on the fullest engine of each model. A line "
            "that touches zero every day at one hour is a fleet sized for the rest of the day.",
            queries=(Query("headroom", headroom(page, _BY), _LEGEND),),
            thresholds=KV_HEADROOM,
            base_color="red",
            minimum=0,
            maximum=1,
        )
        yield TimeSeries(
            key="time-to-full",
            title="Time to a full KV cache",
            description="A straight line through the last half hour of each model's mean KV cache "
            f"use, drawn on to 1; told up to {_LONGEST} hours, where lines that do not rise lie "
            f"too. Zero while its fullest engine is full (from {KV_FULL:.0%}). A dip under the "
            "time that a new engine takes to load is the moment to start one.",
            queries=(Query("time", time_to_full(page), _LEGEND),),
            thresholds=TIME_TO_FULL,
            base_color="red",
            minimum=0,
            maximum=LONGEST_FORECAST.seconds,
        )
    if _has_room(page):
        yield TimeSeries(
            key="room",
            title="Room for more requests",
            description="How many more requests of the size of those running now the KV cache "
            "holds: running x free / used. The engine's own limit on its batch may come first. "
            "Falling while running stays, requests have grown longer.",
            queries=(Query("room", room(page), _LEGEND),),
        )
    if page.has("requests_waiting"):
        waiting = total(page.gauge("requests_waiting").where(reason="capacity"), _BY)
        yield TimeSeries(
            key="waiting",
            title="Waiting for capacity",
            description="Requests that more engines would serve at once; those that wait for "
            "something else are left out. Above zero with headroom left, the limit on the batch "
            "is what holds them.",
            queries=(Query("waiting", waiting, _LEGEND),),
        )


def _free_tokens(page: LayerPage) -> Iterator[Panel]:
    """Yield what is free in tokens, of the sources that tell how many their caches hold."""
    if page.has("kv_cache_use") and page.has("kv_cache_capacity"):
        telling = page.layer.answering("kv_cache_capacity", role=Role.ENGINE)
        names = ", ".join(source.name for source in telling)
        use = greatest(page.gauge("kv_cache_use"), _BY)
        yield TimeSeries(
            key="free-tokens",
            title=f"Free KV cache in tokens, {names}",
            description="Tokens that the KV caches of a model's engines still hold. Less than a "
            "long prompt means that the next one has to wait. Only the sources named tell how "
            "many their caches hold in all.",
            queries=(
                Query("free", total(page.gauge("kv_cache_capacity"), _BY) * (1 - use), _LEGEND),
            ),
        )
