"""The alert on LoRA adapters that push each other out, written out."""

from __future__ import annotations

import pytest

from llmdash.alerts.adapters import adapter_alerts
from llmdash.alerts.alert import Alert, Shown
from llmdash.alerts.limits import Limits
from llmdash.alerts.questions import Questions
from llmdash.layer import Layer
from llmdash.metrics.metric import Versions
from llmdash.promql.printer import RULES, to_text
from llmdash.sources import gateway, sglang, triton, trtllm, vllm
from llmdash.sources.source import Source


def alerts(*sources: Source) -> list[Alert]:
    return list(adapter_alerts(Questions(Layer(sources), Limits(adapter_combinations=13))))


def test_one_for_each_source() -> None:
    """Each is shown on its own source's page."""
    found = alerts(vllm(), sglang(), vllm(name="lora", prefix="ray_vllm:"))

    assert [
        (
            f'llm_instance:adapter_combinations:sum{{source="{name}"}} > 13',
            Shown(f"llm-{page}-extras", "lora-combinations", ("instance",)),
        )
        for name, page in (("vllm", "vllm"), ("lora", "lora"))
    ] == [(to_text(alert.expr, RULES), alert.panel) for alert in found]
    assert [("LoraAdaptersThrash", "5m", "warning")] * 2 == [
        (alert.name, str(alert.wait), alert.severity.label) for alert in found
    ]


@pytest.mark.parametrize(
    "source",
    # Before 0.6.4 there was no such family.
    [vllm(versions=Versions("0.6.0", "0.6.3")), sglang(), trtllm(), triton(), gateway()],
    ids=lambda source: source.name,
)
def test_what_nobody_can_tell_is_left_out(source: Source) -> None:
    """Other servers do not say which adapters wait."""
    assert [] == alerts(source)
