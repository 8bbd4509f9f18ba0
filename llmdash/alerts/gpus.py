"""What alerts ask of GPUs: each of them, straight from its exporter."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from llmdash.alerts.alert import Alert, Shown
from llmdash.alerts.questions import Questions
from llmdash.dashboards.dcgm.gpu import SUBJECT
from llmdash.dashboards.dcgm.page import BY_GPU, GpuPage, ago
from llmdash.dashboards.source_page import page_uid
from llmdash.promql.expressions import convert
from llmdash.promql.nodes import Binary, Expr, Matcher
from llmdash.promql.windows import Duration
from llmdash.signals import signal
from llmdash.slos.tiers import Severity
from llmdash.sources.source import Role

#: How a summary calls one.
GPU = "GPU {{ $labels.gpu }} of {{ $labels.instance }}"
#: Events are told for as long after they happened.
HOUR = Duration.parse("1h")


@dataclass(frozen=True)
class EveryGpu(GpuPage):
    """Asks a source's answers of each GPU; nobody has chosen some of them."""

    def matchers(self, *, one_model: bool = False) -> tuple[Matcher, ...]:  # noqa: ARG002 - as on pages
        """Return no condition: an alert is on no page."""
        return ()

    def unchanged(self, name: str, since: Duration, by: Sequence[str] = BY_GPU) -> Expr:
        """Return a gauge of each GPU where it was there all the time, and never another."""
        part = self._term(name)
        now = self.now(name, by)
        same = now
        for extreme in ("max", "min"):
            of_each = self._over(part, f"{extreme}_over_time", since)
            over_all = convert(part.grouped(extreme, of_each, by), signal(name).unit)
            same = Binary("==", same, over_all)
        return Binary("==", same, ago(now, str(since)))

    def foretold(self, name: str, trend: Duration, ahead: Duration) -> Expr:
        """Return a gauge of each GPU as it will be, if it goes on as it went; slices add up."""
        part = self._term(name)
        foretold = self._over(part, "predict_linear", trend, ahead.seconds)
        return convert(part.grouped("sum", foretold, BY_GPU), signal(name).unit)

    def alert(self, name: str, severity: Severity, panel: str, **told: Any) -> Alert:
        """Return an alert on each GPU, by the labels of the source, with its panel."""
        return Alert(
            name=name,
            severity=severity,
            labels={"source": self.source.name, "role": self.source.role.value},
            panel=Shown(page_uid(self.source, SUBJECT), panel, ("instance", "gpu")),
            **told,
        )


def gpus_of(asked: Questions) -> Iterator[EveryGpu]:
    """Yield the GPUs of each source that watches some."""
    for source in asked.layer.sources:
        if source.role is Role.GPU:
            yield EveryGpu(source)
