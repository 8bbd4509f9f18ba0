"""Reads from a Prometheus: what llmdash's rules have recorded, and otherwise what exporters say."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from math import isfinite

from llmstack import unreachable
from llmstack.prometheus import NotAnsweredError, Prometheus
from llmstack.top import power, promql, recorded
from llmstack.top.engines import ANCHORS, WATCHED, Watched
from llmstack.top.figures import (
    Figure,
    Gpus,
    Problem,
    Reading,
    Role,
    Row,
    Rows,
    rows_in_order,
)
from llmstack.top.joined import joined, without_recorded
from llmstack.top.reader import shown

#: Four scrapes of 15 s, as rules have them: the shortest window that bears the loss of a scrape.
WINDOW = "1m"
#: How long a server that is down is told of.
LATELY = "1h"

_FIGURES = {figure.value: figure for figure in Figure}
_ROLES = {role.value: role for role in Role}
#: What is there as soon as something was scraped once, and what needs two scrapes in the window.
_LEVELS = frozenset({Figure.RUNNING, Figure.WAITING, Figure.KV_CACHE})

Answer = list[tuple[dict[str, str], float]]


@dataclass
class PrometheusReader:
    """One Prometheus."""

    prometheus: Prometheus
    #: Over which exporters' counters are read; None prefers what rules have recorded.
    window: str | None = None

    @property
    def what(self) -> str:
        """What is read."""
        return shown(self.prometheus.url)

    async def read(self) -> Reading:
        """Ask for all of it; what Prometheus does not answer is told, and the rest is shown."""
        try:
            of_rules = await self._recorded()
        except NotAnsweredError as error:
            return Reading(problems=(Problem(self.what, unreachable.told(error)),))
        problems = await self._down()
        by_rules = {row.source for row in of_rules}
        asked = [each for each in WATCHED if each.name not in by_rules]
        answers = await asyncio.gather(*map(self._exporter, asked), return_exceptions=True)
        of_exporters: list[Row] = []
        for watched, answer in zip(asked, answers, strict=True):
            if isinstance(answer, NotAnsweredError):
                problems.append(Problem(self.what, f"{watched.name}: {unreachable.told(answer)}"))
            elif isinstance(answer, BaseException):
                raise answer
            else:
                of_exporters += answer
        read = joined(without_recorded(of_exporters, of_rules))
        window = self.window or WINDOW
        for source in sorted({row.source for row in read if _has_no_rates(row)}):
            told = f"no rates over {window}; if it stays so, scrapes are too far apart: --window 5m"
            problems.append(Problem(source, told))
        gpus = await self._gpus(problems)
        return Reading(
            rows_in_order((*of_rules, *read)), gpus, tuple(problems), self._over(of_rules, read)
        )

    async def _recorded(self) -> list[Row]:
        if self.window is not None:
            # What is asked next is asked only of one that answers.
            await self.prometheus.has_data("vector(1)")
            return []
        found: dict[tuple[str, Role], Rows] = {}
        for labels, value in await self.prometheus.samples(recorded.question()):
            role = _ROLES.get(labels.get("role", ""))
            figure = _FIGURES.get(labels.get(promql.FIGURE, ""))
            source, model = labels.get("source", ""), labels.get("model", "")
            if role and figure and model:
                rows = found.setdefault((source, role), Rows(role, source))
                rows.add(model, figure, value)
        return [row for rows in found.values() for row in rows.rows()]

    async def _exporter(self, watched: Watched) -> list[Row]:
        rows = Rows(watched.role, watched.name)
        question = promql.question(watched, self.window or WINDOW)
        for labels, value in await self.prometheus.samples(question):
            figure = _FIGURES.get(labels.get(promql.FIGURE, ""))
            model = labels.get(watched.engine.model_label)
            if figure and model:
                rows.add(model, figure, value)
        return rows.rows()

    async def _down(self) -> list[Problem]:
        """Return the targets that cannot be scraped, and were servers of models or GPUs lately."""
        known = " or ".join(
            f"present_over_time({name}[{LATELY}])" for name in (*ANCHORS, *power.NAMES)
        )
        question = f"up == 0 and on (job, instance) ({known})"
        try:
            down = [labels for labels, _ in await self.prometheus.samples(question)]
        except NotAnsweredError as error:
            return [Problem(self.what, f"which are down: {unreachable.told(error)}")]
        places = sorted((each.get("job", ""), each.get("instance", "")) for each in down)
        return [Problem(" ".join(place).strip(), "down, says Prometheus") for place in places]

    async def _gpus(self, problems: list[Problem]) -> Gpus | None:
        recorded_first = [(recorded.POWER, recorded.GPUS)] if self.window is None else []
        try:
            for watts, count in (*recorded_first, (power.POWER, power.GPUS)):
                drawn = await self.prometheus.value(watts)
                number = await self.prometheus.value(count)
                if drawn is not None and number is not None and isfinite(drawn):
                    return Gpus(int(number), drawn)
        except NotAnsweredError as error:
            problems.append(Problem(self.what, f"GPUs: {unreachable.told(error)}"))
        return None

    def _over(self, of_rules: Iterable[Row], read: Iterable[Row]) -> str:
        told = []
        if list(of_rules):
            told.append(f"rates over {recorded.WINDOW}, as llmdash's rules record them")
        if list(read) or not told:
            told.append(f"rates over {self.window or WINDOW} of exporters")
        return "; ".join(told)


def _has_no_rates(row: Row) -> bool:
    return bool(row.figures) and row.figures.keys() <= _LEVELS
