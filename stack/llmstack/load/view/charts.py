"""The charts of a run, in the order in which they stay when there is room for few."""

from __future__ import annotations

from collections.abc import Sequence

from rich.style import Style

from llmstack.load.view.readings import Reading
from llmstack.terminal.chart import Chart, Series, Shown
from llmstack.terminal.figures import figure, time_figure

_FIRST, _SECOND = Style(color="cyan"), Style(color="magenta")
_BETTER, _WORSE = Style(color="green"), Style(color="yellow")

#: Title, how values are told, and the series: the figure that is shown, its name, its colour. One
#: that has no name is coloured by how high it is.
_CHARTS: Sequence[tuple[str, Shown, Sequence[tuple[str, str, Style]]]] = (
    ("Req/s", figure, (("sent", "sent", _FIRST), ("answered", "answered", _BETTER))),
    ("E2E", time_figure, (("e2e_p95", "p95", _BETTER), ("e2e_p99", "p99", _WORSE))),
    ("TTFT p95", time_figure, (("ttft_p95", "", _FIRST),)),
    ("Tokens/s", figure, (("prompt_tokens", "in", _SECOND), ("answer_tokens", "out", _FIRST))),
    ("RX B/s", figure, (("bytes_received", "", _FIRST),)),
    ("TX B/s", figure, (("bytes_sent", "", _FIRST),)),
    ("TPOT p95", time_figure, (("tpot_p95", "", _FIRST),)),
    ("Under way", figure, (("under_way", "", _FIRST),)),
    ("Failed/s", figure, (("failed", "", _FIRST),)),
)
COUNT = len(_CHARTS)


def charts(points: Sequence[Reading], count: int) -> list[Chart]:
    """Return the first charts."""
    return [
        Chart(
            title,
            [Series(n, [getattr(p, figure) for p in points], style) for figure, n, style in series],
            shown,
            has_levels=len(series) == 1,
        )
        for title, shown, series in _CHARTS[:count]
    ]


def ages(points: Sequence[Reading]) -> list[float]:
    """Return how many seconds older than the newest each point is."""
    return [points[-1].at - each.at for each in points]
