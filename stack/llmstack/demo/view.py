"""What is shown at one moment: read from Prometheus, as anybody could ask it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from llmstack.demo.panels import Panel
from llmstack.demo.traffic import Traffic
from llmstack.prometheus import Alert, NotAnsweredError, Prometheus

#: Figures of the first lines: what each is called, its unit, and what is asked.
FIGURES = (
    ("tokens written", "/s", 'sum(llm:generation_tokens:rate5m{role="engine"})'),
    ("requests", "/s", 'sum(llm:requests:rate5m{role="gateway"})'),
    (
        "first token p95",
        "s",
        "histogram_quantile(0.95, sum by (le) "
        '(llm:time_to_first_token_seconds_bucket:rate5m{role="gateway"}))',
    ),
    ("running", "", "sum(vllm:num_requests_running)"),
    ("waiting", "", "sum(vllm:num_requests_waiting)"),
    ("KV cache, fullest", "%", "100 * max(vllm:kv_cache_usage_perc)"),
    ("GPU power", "W", "sum(DCGM_FI_DEV_POWER_USAGE)"),
)
#: Good of all events of five minutes, by promise; those that nothing happened to have none.
_GOOD = "sum by (slo) (llm:slo_good:increase5m) / (sum by (slo) (llm:slo_total:increase5m) > 0)"
_OBJECTIVES = "max by (slo) (llm:slo_objective:ratio)"
#: Questions at the same time: the Prometheus that is asked has two cores and rules to evaluate.
AT_ONCE = 4


@dataclass(frozen=True)
class Promise:
    """One SLO: how it is kept, and what was promised, from 0 to 1."""

    name: str
    objective: float
    good: float | None


@dataclass(frozen=True)
class View:
    """Everything that is shown."""

    seconds: float
    incident: str
    targets: tuple[int, int]
    figures: tuple[tuple[str, str, float | None], ...]
    #: Panels with data, and all of them, by page.
    panels: dict[str, tuple[int, int]]
    promises: tuple[Promise, ...]
    alerts: tuple[Alert, ...]
    sent: int
    failed: int
    #: What was wrong while it was read; empty for nothing.
    problem: str = ""

    @property
    def panels_with_data(self) -> int:
        """How many panels have data."""
        return sum(with_data for with_data, _ in self.panels.values())

    @property
    def all_panels(self) -> int:
        """How many panels there are."""
        return sum(every for _, every in self.panels.values())

    @property
    def is_live(self) -> bool:
        """Tell whether there is something to see: all is scraped, and rules have spoken."""
        up, every = self.targets
        return 0 < every == up and self.figures[0][2] is not None and self.panels_with_data > 0


@dataclass
class Reader:
    """Reads views, one after the other."""

    prometheus: Prometheus
    panels: Sequence[Panel]
    traffic: Traffic
    incident: str
    #: When the demonstration began, by the clock that never goes back.
    began: float = field(default_factory=time.monotonic)
    #: A panel that has had data is not asked again: its page is what somebody looks at.
    _with_data: set[Panel] = field(default_factory=set)

    async def look(self) -> View:
        """Ask for all of it."""
        problem = ""
        values: list[float | None] = [None] * len(FIGURES)
        targets = (0, 0)
        promises: tuple[Promise, ...] = ()
        alerts: tuple[Alert, ...] = ()
        try:
            targets = await self.prometheus.targets()
            values = [await self.prometheus.value(query) for _, _, query in FIGURES]
            promises, alerts = await self._promises(), await self.prometheus.alerts()
        except NotAnsweredError as error:
            problem = str(error)
        return View(
            time.monotonic() - self.began,
            self.incident,
            targets,
            tuple(
                (name, unit, value) for (name, unit, _), value in zip(FIGURES, values, strict=True)
            ),
            self._pages(),
            promises,
            alerts,
            self.traffic.sent,
            self.traffic.failed,
            problem,
        )

    async def ask_panels(self) -> None:
        """Ask the queries of all panels that have had no data so far."""
        waiting = [panel for panel in self.panels if panel not in self._with_data]
        turns = asyncio.Semaphore(AT_ONCE)

        async def ask(panel: Panel) -> None:
            async with turns:
                for query in panel.queries:
                    try:
                        if await self.prometheus.has_data(query):
                            self._with_data.add(panel)
                            return
                    except NotAnsweredError:
                        continue

        await asyncio.gather(*map(ask, waiting))

    async def _promises(self) -> tuple[Promise, ...]:
        good = await self.prometheus.values(_GOOD, "slo")
        objectives = await self.prometheus.values(_OBJECTIVES, "slo")
        return tuple(Promise(name, objectives[name], good.get(name)) for name in sorted(objectives))

    def _pages(self) -> dict[str, tuple[int, int]]:
        found: dict[str, tuple[int, int]] = {}
        for panel in self.panels:
            with_data, every = found.get(panel.page, (0, 0))
            found[panel.page] = (with_data + (panel in self._with_data), every + 1)
        return found
