"""What Prometheus answers to the queries of a panel, asked as Grafana would."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from llmdash.promql.windows import Duration
from tests.bench.storage_server import StorageServer
from tests.live.questions import filled_in, first_options

_LABEL = re.compile(r"\{\{\s*(.*?)\s*\}\}")


@dataclass(frozen=True)
class Line:
    """One series: the query that it answers, its name in the legend, its points."""

    query_key: str
    name: str
    labels: Mapping[str, str]
    times: tuple[float, ...]
    values: tuple[float, ...]

    @property
    def last(self) -> float:
        """The newest value, NaN where there is none."""
        return self.values[-1] if self.values else math.nan


@dataclass(frozen=True)
class TimeRange:
    """The time on screen."""

    start: int
    end: int

    @property
    def seconds(self) -> int:
        """How long it is."""
        return self.end - self.start


#: Answers to the targets of a panel that is so many pixels wide; chosen values come by variable.
Ask = Callable[[Mapping[str, Any], int, Mapping[str, str]], Sequence[Line]]


@dataclass(frozen=True)
class Asker:
    """Asks the queries of one page."""

    server: StorageServer
    dashboard: dict[str, Any]
    time_range: TimeRange
    scrape_seconds: int

    def __call__(
        self, panel: Mapping[str, Any], width: int, chosen: Mapping[str, str]
    ) -> list[Line]:
        """Return the series of a panel, those of one query together."""
        found: list[Line] = []
        for target in panel.get("targets", ()):
            found += self.lines(target, width, chosen)
        return found

    def lines(self, target: Mapping[str, Any], width: int, chosen: Mapping[str, str]) -> list[Line]:
        """Return the series of one query."""
        step = self._step(width)
        text = self._text(target["expr"], step, chosen)
        end = self.time_range.end
        if target.get("instant"):
            data = self.server.ask("query", {"query": text, "time": str(end)})
        else:
            start = self.time_range.start // step * step
            times = {"start": str(start), "end": str(end), "step": str(step)}
            data = self.server.ask("query_range", {"query": text, **times})
        if data["resultType"] == "scalar":
            data = {"result": [{"metric": {}, "value": data["result"]}]}
        return [_line(target, series) for series in data["result"]]

    def events(self) -> list[float]:
        """Return the moments that the page's annotations mark."""
        found: set[float] = set()
        for annotation in self.dashboard["annotations"]["list"]:
            if "expr" not in annotation or not annotation.get("enable"):
                continue
            target = {"refId": "", "expr": annotation["expr"]}
            for line in self.lines(target, self.time_range.seconds // 60, {}):
                pairs = zip(line.times, line.values, strict=True)
                if annotation.get("useValueForTime") in (True, "on"):
                    found |= {value / 1e3 for _, value in pairs}
                else:
                    found |= {moment for moment, value in pairs if value > 0}
        start, end = self.time_range.start, self.time_range.end
        return sorted(moment for moment in found if start <= moment <= end)

    def values_of(self, variable: Mapping[str, Any]) -> list[str]:
        """Return the values that a reader may choose from."""
        asked = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["definition"])
        if asked is None:
            return []
        text = self._text(asked[1], self.scrape_seconds, {})
        found = self.server.vector(f"group by ({asked[2]}) ({text})", self.time_range.end)
        return sorted(labels[asked[2]] for labels, _ in found if labels.get(asked[2]))

    def _step(self, width: int) -> int:
        least = self.time_range.seconds / max(width, 1)
        return max(self.scrape_seconds, math.ceil(least / 5) * 5)

    def _text(self, expression: str, step: int, chosen: Mapping[str, str]) -> str:
        window = max(step + self.scrape_seconds, 4 * self.scrape_seconds)
        for name, seconds in (
            ("$__rate_interval", window),
            ("$__range", self.time_range.seconds),
            ("$__interval", step),
        ):
            expression = expression.replace(name, f"{seconds}s")
        return filled_in(expression, {**first_options(self.dashboard), **chosen})


def _line(target: Mapping[str, Any], series: Mapping[str, Any]) -> Line:
    labels = dict(series["metric"])
    pairs = series["values"] if "values" in series else [series["value"]]
    legend = target.get("legendFormat") or ""
    name = _LABEL.sub(lambda match: labels.get(match[1], ""), legend)
    return Line(
        target["refId"],
        name or str(labels),
        {label: value for label, value in labels.items() if label != "__name__"},
        tuple(float(moment) for moment, _ in pairs),
        tuple(float(value) for _, value in pairs),
    )


def range_of(dashboard: Mapping[str, Any], end: int, longest: int) -> TimeRange:
    """Return the time that a page shows when it is opened, at most so many seconds."""
    since = dashboard["time"]["from"].removeprefix("now-").partition("/")[0]
    return TimeRange(end - int(min(Duration.parse(since).seconds, longest)), end)
