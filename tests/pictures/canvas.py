"""A drawing surface counted in pixels from its upper left corner, as pages are."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Literal

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import FancyBboxPatch, Rectangle
from matplotlib.textpath import TextToPath
from PIL import Image, ImageColor

from tests.pictures.palette import CANVAS, LINK, NAMED, TEXT, WEAK_TEXT

_DPI = 100
#: Pixels of a point of a font.
_PER_POINT = _DPI / 72

Side = Literal["left", "center", "right"]


@dataclass(frozen=True)
class Box:
    """A rectangle of the page."""

    left: float
    top: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """Its right end."""
        return self.left + self.width

    @property
    def bottom(self) -> float:
        """Its lower end."""
        return self.top + self.height

    def inside(self, left: float, top: float, right: float, bottom: float) -> Box:
        """Return it without margins."""
        width, height = self.width - left - right, self.height - top - bottom
        return Box(self.left + left, self.top + top, max(1.0, width), max(1.0, height))

    def taking(self, height: float) -> Box:
        """Return its upper part."""
        return replace(self, height=height)


class Canvas:
    """A page that is being drawn."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.figure: Figure = plt.figure(
            figsize=(width / _DPI, height / _DPI), dpi=_DPI, facecolor=CANVAS
        )
        self.page = self.figure.add_axes((0, 0, 1, 1))
        self.page.set_xlim(0, width)
        self.page.set_ylim(height, 0)
        self.page.axis("off")

    def box(self, box: Box, color: str, *, border: str = "none", radius: float = 0) -> None:
        """Fill a rectangle."""
        at, size = (box.left, box.top), (box.width, box.height)
        if radius:
            self.page.add_patch(
                FancyBboxPatch(
                    *(at, *size),
                    boxstyle=f"round,pad=0,rounding_size={radius}",
                    facecolor=color,
                    edgecolor=border,
                    linewidth=1,
                )
            )
        else:
            self.page.add_patch(Rectangle(at, *size, facecolor=color, edgecolor=border))

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: float = 12,
        color: str = TEXT,
        side: Side = "left",
        bold: bool = False,
        within: float = 0,
    ) -> None:
        """Write one line around a height; it ends with dots where it would be too wide."""
        shown = text if not within else self.cut(text, within, size, bold=bold)
        self.page.text(
            *(x, y, shown.replace("$", r"\$")),
            fontsize=size / _PER_POINT,
            color=color,
            ha=side,
            va="center",
            weight="bold" if bold else "normal",
        )

    def cut(self, text: str, within: float, size: float, *, bold: bool = False) -> str:
        """Return as much of a text as there is room for."""
        if text_width(text, size, bold=bold) <= within:
            return text
        while text and text_width(f"{text}…", size, bold=bold) > within:
            text = text[:-1]
        return f"{text}…"

    def axes(self, box: Box) -> Axes:
        """Return axes for a graph that fills a rectangle."""
        return self.figure.add_axes(self._share(box), facecolor="none")

    def place(self, axes: Axes, box: Box) -> None:
        """Move axes to another rectangle."""
        axes.set_position(self._share(box))

    def _share(self, box: Box) -> tuple[float, float, float, float]:
        left, bottom = box.left / self.width, 1 - box.bottom / self.height
        return (left, bottom, box.width / self.width, box.height / self.height)

    def save(self, file: Path, colors: int = 256) -> None:
        """Write the page as a small picture."""
        self.figure.savefig(file, dpi=_DPI, facecolor=CANVAS, metadata={"Software": None})
        plt.close(self.figure)
        with Image.open(file) as picture:
            page = picture.convert("RGB")
        page.quantize(palette=_palette_of(page, colors), dither=Image.Dither.NONE).save(
            file, optimize=True
        )


def _palette_of(page: Image.Image, colors: int) -> Image.Image:
    """Return the theme's colours, then those that a page has most of, all of them as they are."""
    theme = [ImageColor.getrgb(code)[:3] for code in (*NAMED.values(), TEXT, WEAK_TEXT, LINK)]
    counted = sorted(page.getcolors(page.width * page.height) or (), reverse=True)
    often = [color for _, color in counted[: colors - len(theme)] if isinstance(color, tuple)]
    palette = Image.new("P", (1, 1))
    palette.putpalette([part for color in (*theme, *often) for part in color])
    return palette


@cache
def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """Return how wide a text is."""
    font = FontProperties(weight="bold" if bold else "normal", size=size)
    width, _, _ = _MEASURE.get_text_width_height_descent(text, font, ismath=False)
    return float(width)


_MEASURE = TextToPath()
