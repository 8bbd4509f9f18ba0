"""How much something is of the most that was seen: as a colour, and as the height of a block.

Height and colour say the same, so that nothing is lost where there are no colours.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

from rich.segment import Segment
from rich.style import Style

#: From little to much: blue, teal, green, yellow, orange, red, of the 256 colours that terminals
#: have in common; rich takes the nearest where there are fewer.
LEVELS = tuple(Style(color=f"color({number})") for number in (68, 37, 71, 178, 208, 196))
QUIET = Style(color="bright_black")
_BLOCKS = "▁▂▃▄▅▆▇█"


def level(value: float | None, most: float) -> Style:
    """Return the colour of a value; nothing is quiet."""
    if not value or most <= 0:
        return QUIET
    return LEVELS[_place(value, most, len(LEVELS))]


def blocks(values: Sequence[float | None], most: float) -> str:
    """Return values as blocks beside each other, a cell each; what nobody knows is a space."""
    return "".join(_block(value, most) for value in values)


def strip(values: Sequence[float | None], width: int, most: float) -> list[Segment]:
    """Return the last of some values as blocks beside each other, a cell each.

    Args:
        values: the newest last; it is on the right. What nobody knows is left empty.
        width: cells.
        most: what fills a cell.
    """
    shown = values[-width:] if width else ()
    parts: list[Segment] = []
    text, style = " " * (width - len(shown)), QUIET
    for value, block in zip(shown, blocks(shown, most), strict=True):
        colour = style if block == " " else level(value, most)
        if colour is not style and text:
            parts.append(Segment(text, style))
            text = ""
        style = colour
        text += block
    return [*parts, Segment(text, style)] if text else parts


def scale() -> list[Segment]:
    """Return all levels from little to much, for a legend."""
    blocks = (
        _BLOCKS[_place(number + 1, len(LEVELS), len(_BLOCKS))] for number in range(len(LEVELS))
    )
    return [Segment(block, style) for block, style in zip(blocks, LEVELS, strict=True)]


def _block(value: float | None, most: float) -> str:
    if value is None or not isfinite(value):
        return " "
    return _BLOCKS[_place(value, most, len(_BLOCKS)) if value > 0 < most else 0]


def _place(value: float, most: float, count: int) -> int:
    """Return in which of so many equal parts of what is most a value lies."""
    return max(0, min(count - 1, int(value / most * count)))
