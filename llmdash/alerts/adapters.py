"""LoRA adapters that push each other out."""

from __future__ import annotations

from collections.abc import Iterator

from llmdash.alerts.alert import Alert, Shown
from llmdash.alerts.questions import Questions, above
from llmdash.dashboards.source_page import page_uid
from llmdash.levels import Level
from llmdash.promql.windows import Duration
from llmdash.slos.tiers import Severity

_NAME = "adapter_combinations"


def adapter_alerts(asked: Questions) -> Iterator[Alert]:
    """Yield what thrashing adapters are told by, for each source that knows its adapters."""
    for source in asked.layer.answering(_NAME):
        of_source = asked.layer.gauge(_NAME, level=Level.INSTANCE).where(source=source.name)
        yield Alert(
            name="LoraAdaptersThrash",
            expr=above(of_source, asked.limits.adapter_combinations),
            wait=Duration.parse("5m"),
            severity=Severity.TICKET,
            # The series say it too; said here, rules of two sources are told apart in the file.
            labels={"source": source.name},
            summary="{{ $value }} combinations of adapters waited at {{ $labels.instance }} within "
            "10 minutes",
            description="More adapters are asked for at once than fit (--max-loras): requests wait "
            "until others leave, and each change loads weights.",
            panel=Shown(page_uid(source, "extras"), "lora-combinations", ("instance",)),
        )
