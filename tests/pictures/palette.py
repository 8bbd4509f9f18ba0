"""Grafana's dark theme: its named colours, the order in which it gives them, and its greys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.colors as mcolors

CANVAS, PANEL, BORDER = "#111217", "#181b1f", "#25272d"
TEXT, WEAK_TEXT, GRID, LINK = "#ccccdc", "#8e8e9a", "#2b2d33", "#6e9fff"

#: Shades of each hue, from the darkest to the palest.
_SHADES = ("dark-", "semi-dark-", "", "light-", "super-light-")
_HUES: Mapping[str, tuple[str, ...]] = {
    "red": ("#C4162A", "#E02F44", "#F2495C", "#FF7383", "#FFA6B0"),
    "orange": ("#FA6400", "#FF780A", "#FF9830", "#FFB357", "#FFCB7D"),
    "yellow": ("#E0B400", "#F2CC0C", "#FADE2A", "#FFEE52", "#FFF899"),
    "green": ("#37872D", "#56A64B", "#73BF69", "#96D98D", "#C8F2C2"),
    "blue": ("#1F60C4", "#3274D9", "#5794F2", "#8AB8FF", "#C0D8FF"),
    "purple": ("#8F3BB8", "#A352CC", "#B877D9", "#CA95E5", "#DEB6F2"),
}
NAMED: Mapping[str, str] = {
    f"{shade}{hue}": code
    for hue, codes in _HUES.items()
    for shade, code in zip(_SHADES, codes, strict=True)
}
#: What `palette-classic` gives to one series after the other.
CLASSIC = (
    *("green", "semi-dark-yellow", "light-blue", "semi-dark-orange", "red", "blue", "purple"),
    *("#705DA0", "dark-green", "yellow", "#447EBC", "#C15C17", "#890F02", "#0A437C", "#6D1F62"),
)


def color_code(name: str) -> str:
    """Return a colour as matplotlib takes it."""
    if name == "transparent":
        return "none"
    return TEXT if name == "text" else NAMED.get(name, name)


def classic(place: int) -> str:
    """Return the colour of a series by its place."""
    return color_code(CLASSIC[place % len(CLASSIC)])


def shade_of(name: str, place: int, number: int) -> str:
    """Return one of several shades of a colour, the first as it is."""
    red, green, blue = mcolors.to_rgb(color_code(name))
    if number < 2:
        return mcolors.to_hex((red, green, blue))
    # To and fro around the colour itself, as far as it can still be told what hue it is.
    amount = (0.0, 0.35, -0.3, 0.55, -0.45, 0.2, -0.15)[place % 7]
    towards, share = (1.0, amount) if amount > 0 else (0.0, -amount)
    red, green, blue = (part + (towards - part) * share for part in (red, green, blue))
    return mcolors.to_hex((red, green, blue))


def step_color(steps: Sequence[Mapping[str, Any]], value: float) -> str:
    """Return the colour of the last threshold that a value reaches."""
    found = "text"
    for step in steps:
        if step["value"] is None or value >= step["value"]:
            found = step["color"]
    return color_code(found)


def readable_on(background: str) -> str:
    """Return black or white, whichever is easier to read there."""
    red, green, blue = mcolors.to_rgb(background)
    return "#101116" if 0.3 * red + 0.59 * green + 0.11 * blue > 0.52 else "#ffffff"
