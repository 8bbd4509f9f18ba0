"""The GPUs of the capacity page: what they draw, what they make of it, and which are idle."""

from __future__ import annotations

from collections.abc import Iterator

from llmdash.dashboards.fleet.energy import ALL_TOKENS, NO_MODEL, WRITTEN, Energy, nobodys, placed
from llmdash.dashboards.panels import Column, LabelColumn, Panel, Query, Stat, Table, TimeSeries
from llmdash.dashboards.style import PLAIN, hue
from llmdash.promql.expressions import total
from llmdash.promql.nodes import Expr
from llmdash.promql.units import COUNT

_UNPLACED = " Nothing tells which GPU works for which model, so this is over all of them."


def gpu_panels(energy: Energy) -> Iterator[Panel]:
    """Yield what GPUs draw and what they make of it, now and over time."""
    yield from _tiles(energy)
    if energy.by:
        yield _table(energy)
    if energy.makes_tokens:
        yield TimeSeries(
            key="tokens-per-gpu",
            title="Generation tokens per GPU-second",
            description="Tokens written each second, over the number of GPUs. Falling while "
            "requests wait, the engines are held back; falling with the traffic, there are more "
            f"GPUs than it needs.{_whose(energy)}",
            queries=_lines(energy, "tokens", energy.tokens_per_gpu(energy.by), "generation_tokens"),
        )
    yield TimeSeries(
        key="gpu-power",
        title="GPU power",
        description="What the GPUs draw, stacked. A floor that stays when the traffic goes is "
        f"what idling costs.{_whose(energy)}",
        queries=tuple(_powers(energy)),
        stack=True,
    )
    if energy.makes_tokens:
        yield from _energy_of_tokens(energy)


def idle_panels(energy: Energy) -> Iterator[Panel]:
    """Yield which GPUs make nothing; nothing where no model of any GPU is known."""
    if not (energy.by and energy.makes_tokens):
        return
    for key, title, of, name, text in (
        (
            "idle-gpus",
            "Idle GPUs",
            energy.gpus(),
            "",
            "GPUs whose model neither reads nor writes a token, and GPUs that work for no model "
            "(or for several, which nothing here tells apart). Steadily above zero through the "
            "day's peak, they can serve others.",
        ),
        (
            "idle-power",
            "Power of idle GPUs",
            energy.power(),
            "gpu_power",
            "What the same GPUs draw while they make nothing: loaded weights keep clocks, and "
            "power, up. To save it, stop the engine, not only its traffic.",
        ),
    ):
        yield TimeSeries(
            key=key,
            title=title,
            description=text,
            queries=(
                Query("silent", energy.silent(of), "model without tokens", color="orange"),
                Query("unplaced", energy.unplaced(of), NO_MODEL, color="yellow"),
            ),
            unit=None if name else COUNT,
            stack=True,
        )


def _tiles(energy: Energy) -> Iterator[Panel]:
    yield Stat(
        key="gpus",
        title="GPUs",
        description="GPUs that tell their power, whichever source works on them. Fewer than you "
        "pay for: an exporter is down, or a GPU has fallen off the bus.",
        queries=(Query("gpus", total(energy.gpus())),),
    )
    yield Stat(
        key="power-now",
        title="GPU power",
        description="What all of these GPUs draw at the moment, idle ones included; hosts, fans "
        "and cooling come on top.",
        queries=(Query("power", total(energy.power())),),
        graph=True,
    )
    if energy.makes_tokens:
        yield Stat(
            key="tokens-per-gpu-now",
            title="Tokens per GPU-second",
            description="Tokens written each second by all engines, over all GPUs, idle ones "
            "included: what a GPU really yields, not what it could.",
            queries=(Query("tokens", energy.tokens_per_gpu()),),
        )
        yield Stat(
            key="energy-per-generated-token-now",
            title="Energy per generated token",
            description="Power of all GPUs over the tokens written. Infinite: power is drawn and "
            "nothing is written.",
            queries=(Query("energy", energy.per_token(WRITTEN)),),
            decimals=2,
        )
    if energy.by and energy.makes_tokens:
        every = Energy(energy.layer)
        for key, title, of, text in (
            (
                "idle-now",
                "Idle GPUs",
                every.gpus(),
                "GPUs of all models that made no token in the last minutes, and GPUs that work for "
                "no model, or for several at once.",
            ),
            (
                "idle-power-now",
                "Idle power",
                every.power(),
                "What the idle GPUs draw all the same. The row of idle GPUs shows since when.",
            ),
        ):
            yield Stat(
                key=key,
                title=title,
                description=text,
                queries=(Query("idle", every.silent(of) + every.unplaced(of)),),
            )


def _table(energy: Energy) -> Panel:
    columns: list[tuple[str, str, Expr]] = [
        ("gpus", "GPUs", total(energy.gpus(), energy.by)),
        ("power", "Power", total(energy.power(), energy.by)),
    ]
    if energy.makes_tokens:
        columns += [
            ("tokens", "Tokens per GPU-second", energy.tokens_per_gpu(energy.by)),
            ("written", "Energy per generated token", energy.per_token(WRITTEN, energy.by)),
            ("all", "Energy per token", energy.per_token(ALL_TOKENS, energy.by)),
        ]
    return Table(
        key="gpus-by-model",
        title="GPUs by model",
        description="A line for each model that GPUs work for. The line without a name is GPUs "
        "that work for no model, or for several at once.",
        by=(LabelColumn("model", "Model"),),
        queries=tuple(Query(key, expr) for key, _, expr in columns),
        columns=tuple(Column(key, title) for key, title, _ in columns),
        sort_by="GPUs",
        height=6,
    )


def _energy_of_tokens(energy: Energy) -> Iterator[Panel]:
    for key, title, names, text in (
        (
            "energy-per-generated-token",
            "Energy per generated token",
            WRITTEN,
            "Power over tokens written; prompts are read on the same bill, so longer prompts "
            "raise it. It falls as batches fill. A gap is power without a token.",
        ),
        (
            "energy-per-token",
            "Energy per token, prompt and answer",
            ALL_TOKENS,
            "Power over tokens read and written, cached prompts included. Compare days of like "
            "traffic: a step up is a slower engine, or more GPUs for the same requests.",
        ),
    ):
        by_model = energy.per_token(names, energy.by)
        yield TimeSeries(
            key=key,
            title=title,
            description=f"{text}{_whose(energy)}",
            queries=(
                *_lines(energy, "energy", by_model, "gpu_energy"),
                *((_over_all(energy.per_token(names)),) if energy.by else ()),
            ),
            decimals=2,
        )


def _powers(energy: Energy) -> Iterator[Query]:
    if not energy.by:
        yield Query("power", total(energy.power()), color=hue("gpu_power"))
        return
    yield Query("model", total(placed(energy.power()), energy.by), "{{model}}")
    yield Query("nobody", total(nobodys(energy.power())), NO_MODEL, color=PLAIN)


def _whose(energy: Energy) -> str:
    return "" if energy.by else _UNPLACED


def _lines(energy: Energy, key: str, expr: Expr, name: str) -> tuple[Query, ...]:
    """Return a line for each model, or the only line, in the colour of its signal."""
    if energy.by:
        return (Query(key, expr, "{{model}}"),)
    return (Query(key, expr, color=hue(name)),)


def _over_all(expr: Expr) -> Query:
    return Query("all", expr, "all, idle GPUs included", color=PLAIN)
