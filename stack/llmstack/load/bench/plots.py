"""Plots of a comparison as SVG: percentiles, intervals, and tokens over time.

They are drawn here and not by a library: the page needs three plain kinds, whose colours follow the
reader's light or dark, whose texts can be read aloud, and which are a few kB each. matplotlib's are
ten times that, have one set of colours, and it would be 90 MB for whoever only sends load.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log10
from xml.etree.ElementTree import Element

from llmstack.load.bench.columns import Column
from llmstack.load.bench.elements import Content, element
from llmstack.load.bench.figures import Figure
from llmstack.load.bench.pooled import curve, pooled
from llmstack.load.bench.scales import Scale, scale_of
from llmstack.load.summary import LATENCIES, milliseconds

#: Colours that the style knows; a line has a pattern too, for whoever does not see colours apart.
COLOURS = 6
_PATTERNS = ("", "7 3", "2 3", "9 3 2 3", "12 4", "4 4")
_WIDTH, _LEFT, _RIGHT, _TOP, _BOTTOM = 560.0, 62.0, 14.0, 10.0, 42.0
_ACROSS = (0, 50, 75, 90, 95, 99, 99.9)
_ROW = 26.0


def percentile_plot(columns: Sequence[Column], metric: str) -> Element | None:
    """Return a latency over percentiles, a line a server; None where there is none.

    The axis of percentiles is stretched towards its end, so that 99 has as much room as 90.
    """
    curves = [
        (number, column.name, curve(found))
        for number, column in enumerate(columns)
        if (found := pooled(column.runs.values(), metric)) is not None
    ]
    curves = [(number, name, points) for number, name, points in curves if len(points) > 1]
    if not curves:
        return None
    height = 260.0
    most = max(points[-1][0] for _, _, points in curves)
    across = Scale(0.0, _nines(most), _LEFT, _WIDTH - _RIGHT)
    values = [seconds for _, _, points in curves for _, seconds in points]
    up = scale_of(values, height - _BOTTOM, _TOP)
    drawn: list[Content] = list(_grid_up(up, "ms"))
    for percent in _ACROSS:
        if percent <= most:
            drawn += _mark_across(across.place(_nines(percent)), height, f"{percent:g}")
    drawn.append(_text("percentile", (_LEFT + _WIDTH - _RIGHT) / 2, height - 4, "middle"))
    for number, name, points in curves:
        path = [(across.place(_nines(percent)), up.place(seconds)) for percent, seconds in points]
        drawn.append(_line(path, number, name))
    told = "; ".join(
        f"{name}: "
        + ", ".join(
            f"p{percent:g} {milliseconds(seconds)} ms"
            for percent, seconds in points
            if percent in _ACROSS
        )
        for _, name, points in curves
    )
    title = f"{LATENCIES[metric]} over percentiles of all requests"
    return _figure(title, told, _WIDTH, height, drawn)


def interval_plot(columns: Sequence[Column], figure: Figure) -> Element | None:
    """Return a figure of each server: the mean, its interval, and the rounds as small rings."""
    rows = []
    for number, column in enumerate(columns):
        found = column.interval(figure)
        if found is not None:
            values = [
                value for run in column.runs.values() if (value := figure.of(run)) is not None
            ]
            rows.append((number, column.name, found, values))
    if not rows:
        return None
    height = _TOP + _ROW * len(rows) + _BOTTOM - 12
    bounds = [
        bound
        for _, _, found, values in rows
        for bound in (
            *values,
            found.mean + (found.half or 0),
            max(0, found.mean - (found.half or 0)),
        )
    ]
    left = _LEFT + 8 + 6.5 * max(0, max(len(name) for _, name, _, _ in rows) - 8)
    across = scale_of(bounds, left, _WIDTH - _RIGHT - 20, from_0=False)
    drawn: list[Content] = []
    for value in across.marks():
        drawn += _mark_across(across.place(value), height + 14, _short(value * figure.factor))
    for place, (number, name, found, values) in enumerate(rows):
        y = _TOP + _ROW * (place + 0.5)
        colour = f"s{number % COLOURS}"
        drawn.append(_text(name, left - 10, y + 4, "end"))
        if found.half is not None:
            x = [across.place(max(0.0, found.mean + side * found.half)) for side in (-1, 1)]
            drawn.append(element("line", x1=x[0], x2=x[1], y1=y, y2=y, class_=f"bar {colour}"))
            drawn += [
                element("line", x1=e, x2=e, y1=y - 5, y2=y + 5, class_=f"bar {colour}") for e in x
            ]
        if len(values) > 1:
            for value in values:
                place_of = across.place(value)
                drawn.append(element("circle", cx=place_of, cy=y, r=3, class_=f"ring {colour}"))
        drawn.append(
            element("circle", cx=across.place(found.mean), cy=y, r=5, class_=f"dot {colour}")
        )
    told = "; ".join(
        f"{name}: {figure.shown(found.mean)}"
        + (f" ± {figure.shown(found.half, found.mean)}" if found.half is not None else "")
        for _, name, found, _ in rows
    )
    return _figure(figure.title, told, _WIDTH, height + 14, drawn)


def time_plot(column: Column, number: int, most: float, longest: float) -> Element | None:
    """Return the tokens a second of a server over time, a line a round; None where there are none.

    Args:
        column: the server.
        number: which of the servers it is, for its colour.
        most: the highest of all plots beside it, which have the same axes.
        longest: seconds, likewise.
    """
    lines = [(name, series(run)) for name, run in column.runs.items()]
    lines = [(name, points) for name, points in lines if len(points) > 1]
    if not lines:
        return None
    height = 190.0
    across = Scale(0.0, longest, _LEFT, _WIDTH - _RIGHT)
    up = scale_of([most, most / 2], height - _BOTTOM, _TOP)
    drawn: list[Content] = list(_grid_up(up, "tokens/s"))
    for value in across.marks():
        drawn += _mark_across(across.place(value), height, f"{value:g}")
    drawn.append(_text("seconds", (_LEFT + _WIDTH - _RIGHT) / 2, height - 4, "middle"))
    for name, points in lines:
        path = [(across.place(at), up.place(value)) for at, value in points]
        drawn.append(_line(path, number, f"round {name}", f"r{name}", name - 1))
    told = "; ".join(
        f"round {name}: up to {max(value for _, value in points):,.0f}" for name, points in lines
    )
    return _figure(f"{column.name}: tokens/s written over time", told, _WIDTH, height, drawn)


def series(run: dict[str, object]) -> list[tuple[float, float]]:
    """Return when, in seconds from the begin, how many tokens a second came."""
    rows = run["series"]
    assert isinstance(rows, list)
    return [(row["at"], row["answer_tokens"] / row["length"]) for row in rows if row["length"] > 0]


def legend(columns: Sequence[Column]) -> Element:
    """Return the names of servers beside their lines."""
    entries = [
        element(
            "span",
            element(
                "svg",
                _line([(0, 6), (34, 6)], number, column.name),
                width=34,
                height=12,
                aria_hidden="true",
            ),
            f" {column.name}",
            class_="entry",
        )
        for number, column in enumerate(columns)
    ]
    return element("p", *entries, class_="legend")


def _nines(percent: float) -> float:
    return log10(1 / (1 - percent / 100))


def _line(
    path: Sequence[tuple[float, float]],
    number: int,
    name: str,
    more: str = "",
    pattern: int | None = None,
) -> Element:
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in path)
    dashes = _PATTERNS[(number if pattern is None else pattern) % len(_PATTERNS)]
    classes = f"line s{number % COLOURS} {more}".strip()
    title = element("title", name)
    return element(
        "polyline", title, points=points, class_=classes, stroke_dasharray=dashes or "none"
    )


def _grid_up(up: Scale, unit: str) -> list[Element]:
    drawn = []
    for value in up.marks():
        y = up.place(value)
        drawn.append(element("line", x1=_LEFT, x2=_WIDTH - _RIGHT, y1=y, y2=y, class_="grid"))
        shown = _short(value * 1000) if unit == "ms" else _short(value)
        drawn.append(_text(shown, _LEFT - 6, y + 4, "end"))
    middle = (up.begin + up.end) / 2
    turned = f"rotate(-90 12 {middle:.1f})"
    drawn.append(element("text", unit, x=12, y=middle, text_anchor="middle", transform=turned))
    return drawn


def _mark_across(x: float, height: float, shown: str) -> list[Element]:
    bottom = height - _BOTTOM
    grid = element("line", x1=x, x2=x, y1=_TOP, y2=bottom, class_="grid")
    return [grid, _text(shown, x, bottom + 16, "middle")]


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:g}"


def _text(shown: str, x: float, y: float, anchor: str) -> Element:
    return element("text", shown, x=x, y=y, text_anchor=anchor)


def _figure(
    title: str, told: str, width: float, height: float, drawn: Sequence[Content]
) -> Element:
    """Return a plot with its caption; what it shows is said in words to whoever does not see it."""
    picture = element(
        "svg",
        element("title", title),
        element("desc", told),
        *drawn,
        viewBox=f"0 0 {width:g} {height:g}",
        role="img",
        aria_label=f"{title}. {told}",
    )
    return element("figure", element("figcaption", title), picture)
