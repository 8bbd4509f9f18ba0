"""The options that say how a run is shown while it goes on; commands that send load have them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import click

from llmstack.load.options import ABOVE_0
from llmstack.load.view.layout import Sizes

#: Lines for people, or objects of JSON for programs.
LOG_FORMATS = ("lines", "json")


@dataclass(frozen=True)
class Showing:
    """What the options say."""

    sizes: Sizes
    #: Lines although there is a terminal.
    is_plain: bool
    log_format: str


_DEFAULT = Sizes()
_OPTIONS = (
    click.option(
        "--plot-window",
        type=ABOVE_0,
        default=_DEFAULT.plot_window,
        show_default=True,
        metavar="SECONDS",
        help="That a chart in the terminal shows.",
    ),
    click.option(
        "--plot-rows", type=click.IntRange(1), help="Lines of its table. [default: what fits]"
    ),
    click.option(
        "--plot-height", type=click.IntRange(2), help="Rows of a chart. [default: what fits]"
    ),
    click.option(
        "--spark-width",
        type=click.IntRange(0),
        default=_DEFAULT.spark_width,
        show_default=True,
        help="Cells of a strip of the last intervals.",
    ),
    click.option(
        "--y-width",
        type=click.IntRange(4, 20),
        default=_DEFAULT.y_width,
        show_default=True,
        help="Cells of the numbers beside a chart.",
    ),
    click.option(
        "--no-plot", "is_plain", is_flag=True, help="Lines, as where there is no terminal."
    ),
    click.option(
        "--log-format",
        type=click.Choice(LOG_FORMATS),
        default=LOG_FORMATS[0],
        show_default=True,
        help="json: an object for each --sample-interval, and the report on standard error.",
    ),
)
_SIZES = tuple(field.name for field in fields(Sizes))


def view_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add them to a command."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def showing(given: dict[str, Any]) -> Showing:
    """Take what they say out of all that was given."""
    sizes = Sizes(**{name: given.pop(name) for name in _SIZES})
    return Showing(sizes, given.pop("is_plain"), given.pop("log_format"))
