"""Power, energy and heat of GPUs, and how much energy a token takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from llmdash.dashboards.dcgm.page import BY_GPU, LEGEND, GpuPage
from llmdash.dashboards.panels import BarGauge, Panel, Query, TimeSeries
from llmdash.dashboards.policy import GPU_TEMPERATURE
from llmdash.dashboards.style import hue
from llmdash.layer import Layer, of_role
from llmdash.promql.expressions import convert, total
from llmdash.promql.nodes import Binary, Expr
from llmdash.promql.units import KILOWATT_HOURS
from llmdash.sources.source import Role

_READ, _WRITTEN = "prompt_tokens", "generation_tokens"
#: No GPU survives it, so it is no temperature.
_HOTTEST = 200


def power_share_of_limit(page: GpuPage) -> Expr:
    """Return the power drawn of what may be drawn, over GPUs whose limit is known."""
    power, limit = page.now("gpu_power"), page.now("gpu_power_limit")
    return total(Binary("and", power, limit)) / total(limit)


def power_panels(page: GpuPage) -> Iterator[Panel]:
    """Yield how much power GPUs draw, alone and together."""
    yield from page.graph(
        "gpu_power",
        "Power",
        "Power that each GPU draws. GPUs of one engine draw about the same; one below the others "
        "is held back or waits for them, one at idle power beside busy ones serves nothing.",
    )
    yield _together(page)


def power_details(page: GpuPage) -> Iterator[Panel]:
    """Yield how much power GPUs draw of their limit, and which used how much energy."""
    if page.has("gpu_power_limit"):
        yield TimeSeries(
            key="power-of-limit",
            title="Power of the limit",
            description=page.described(
                "gpu_power_limit",
                "Power that each GPU draws, of its own limit. At 1 the limit sets the clock: "
                "normal while prompts are read, and a lower limit then costs speed.",
            ),
            queries=(
                Query(
                    "share",
                    page.now("gpu_power") / page.now("gpu_power_limit"),
                    LEGEND,
                    color=hue("gpu_power"),
                ),
            ),
        )
    if page.has("gpu_energy"):
        yield BarGauge(
            key="energy-by-gpu",
            title="Energy on screen by GPU",
            description="Energy that each GPU used in the time on screen. GPUs of one engine "
            "should be about alike; much at low utilisation is a GPU that costs and idles.",
            queries=(
                Query(
                    "energy",
                    convert(page.increased("gpu_energy", BY_GPU), KILOWATT_HOURS),
                    LEGEND,
                ),
            ),
            base_color=hue("gpu_energy"),
            width=24,
            # Two dozen bars.
            height=14,
        )


def _together(page: GpuPage) -> Panel:
    drawn = Query("drawn", page.gauge("gpu_power", "sum"), "drawn", color=hue("gpu_power"))
    text = "Power that all GPUs chosen draw together. Its highest point is what supplies must bear."
    if not page.has("gpu_power_limit"):
        return TimeSeries(
            key="power-total", title="Power, all GPUs", description=text, queries=(drawn,), width=8
        )
    limit = page.gauge("gpu_power_limit", "sum")
    return TimeSeries(
        key="power-total",
        title="Power, all GPUs",
        description=f"{text} The limit is the sum of the limits that are known: below what is "
        "drawn, not every GPU tells its own.",
        queries=(drawn, Query("limit", limit, "limit", color=hue("gpu_power_limit"))),
        width=8,
    )


def heat_panels(page: GpuPage) -> Iterator[Panel]:
    """Yield how hot GPUs and their memory are."""
    if page.has("gpu_temperature"):
        yield TimeSeries(
            key="temperature",
            title="GPU temperature",
            description="Temperature of each GPU. It follows power within a minute; hotter at "
            "the same power than yesterday is dust, a fan or the room. Near the upper line "
            "clocks fall, as the panels of clock events show.",
            queries=(
                Query("celsius", page.now("gpu_temperature"), LEGEND, color=hue("gpu_temperature")),
            ),
            thresholds=GPU_TEMPERATURE,
            width=8,
        )
    name = "gpu_memory_temperature"
    if page.has(name):
        yield TimeSeries(
            key="memory-temperature",
            title="Memory temperature",
            description=page.described(
                name,
                "Temperature of each GPU's memory. Decoding heats memory more than the rest; too "
                "hot, it slows down and makes more ECC errors. GPUs without a sensor are missing.",
            ),
            # Old exporters show a huge number where there is no sensor.
            queries=(Query("celsius", page.now(name) < _HOTTEST, LEGEND, color=hue(name)),),
            width=8,
        )


def energy_panels(layer: Layer) -> Iterator[Panel]:
    """Yield how much energy a token took."""
    if layer.has("gpu_energy", role=Role.GPU) and layer.has(_WRITTEN, role=Role.ENGINE):
        yield _per_token(layer)
        if layer.placement.places_gpus:
            yield _per_token_by_model(layer)


def _energy(layer: Layer, by: Sequence[str] = ()) -> Expr:
    return total(of_role(layer.counter("gpu_energy"), Role.GPU), by)


def _tokens(layer: Layer, name: str, by: Sequence[str] = ()) -> Expr:
    # A gateway counts the tokens of the engines behind it once more.
    return total(of_role(layer.counter(name), Role.ENGINE), by)


def _per_token(layer: Layer) -> Panel:
    written = _tokens(layer, _WRITTEN)
    queries = [Query("written", _energy(layer) / written, "written", color=hue(_WRITTEN))]
    if layer.has(_READ, role=Role.ENGINE):
        either = _energy(layer) / (written + _tokens(layer, _READ))
        queries.append(Query("any", either, "read or written", color=hue("gpu_energy")))
    return TimeSeries(
        key="energy-per-token",
        title="Energy per token",
        description="All energy of all GPUs, over the tokens that all engines write, and over "
        "those that they read or write: the whole fleet, whatever is chosen above. It rises when "
        "GPUs idle, when batches are small, or when GPUs work for something that counts no "
        "tokens; a gap is no traffic.",
        queries=tuple(queries),
        width=8,
    )


def _per_token_by_model(layer: Layer) -> Panel:
    by = ("model",)
    return TimeSeries(
        key="energy-per-token-by-model",
        title="Energy per written token by model",
        description="Energy of the GPUs that work for one model alone, over the tokens that it "
        "writes. Compare it with its own past: above that, its batches are small or its GPUs "
        "idle. Models that share a GPU, and GPUs whose engine is not known, are missing.",
        queries=(Query("joules", _energy(layer, by) / _tokens(layer, _WRITTEN, by), "{{model}}"),),
        width=8,
    )
