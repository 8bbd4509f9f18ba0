"""Each GPU as alerts ask for it: by node and index, slices added up, old names and new as one."""

from __future__ import annotations

from llmdash.alerts.alert import Alert, Shown
from llmdash.alerts.gpus import EveryGpu, gpus_of
from llmdash.alerts.limits import Limits
from llmdash.alerts.questions import Questions, above
from llmdash.layer import Layer
from llmdash.promql.printer import RULES, to_text
from llmdash.promql.windows import Duration
from llmdash.slos.tiers import Severity
from llmdash.sources import dcgm, triton, vllm
from llmdash.sources.source import Source
from tests.dashboards.dcgm.gpu_pages import OLD

TREND, AHEAD = Duration.parse("7m"), Duration.parse("3h")


def gpus(*sources: Source) -> list[str]:
    return [each.source.name for each in gpus_of(Questions(Layer(sources), Limits()))]


def test_only_sources_that_watch_gpus_are_asked() -> None:
    """An engine that has numbers of its GPUs is no exporter of GPUs; there may be two exporters."""
    assert ["dcgm", "cellar"] == gpus(vllm(), dcgm(), triton(), dcgm(name="cellar"))
    assert [] == gpus(vllm(), triton())


def test_nobody_has_chosen_some() -> None:
    """An alert asks for all GPUs, where a page asks for those chosen above it."""
    assert () == EveryGpu(dcgm()).matchers() == EveryGpu(dcgm()).matchers(one_model=True)
    assert 'max by (instance, gpu) (DCGM_FI_DEV_GPU_TEMP{UUID!=""})' == to_text(
        EveryGpu(OLD).now("gpu_temperature"), RULES
    )


def test_foretold_is_of_each_gpu_in_the_signals_unit() -> None:
    """Each slice goes on as it went; pods that share one are one, and slices add up."""

    def foretold(source: Source) -> str:
        return to_text(EveryGpu(source).foretold("gpu_memory_free", TREND, AHEAD), RULES)

    by_slice = "sum by (instance, gpu) (max by (UUID, GPU_I_ID, instance, gpu) "
    old = 'predict_linear(DCGM_FI_DEV_FB_FREE{UUID!=""}[7m], 10800)'
    new = 'predict_linear(DCGM_FI_DEV_FB_FREE_BYTES{UUID!=""}[7m], 10800)'

    assert f"{by_slice}({old})) * 1048576" == foretold(OLD)
    # The line is drawn through one name's samples, never through bytes and MiB.
    assert f"{by_slice}({new} or ignoring (Hostname) {old} * 1048576))" == foretold(dcgm())


def test_an_alert_is_the_sources_own() -> None:
    """It has the source's labels, and opens the page of that source at the GPU."""
    own = EveryGpu(dcgm(name="cellar"))
    found = own.alert(
        "CellarWarm",
        Severity.PAGE,
        "temperature",
        expr=above(own.now("gpu_temperature"), 13),
        wait=AHEAD,
        summary="{{ $labels.gpu }} of {{ $labels.instance }} in {{ $labels.source }}",
        description="The wine suffers.",
    )

    assert isinstance(found, Alert)
    assert {"severity": "critical", "source": "cellar", "role": "gpu"} == found.static_labels
    assert Shown("llm-cellar-gpu", "temperature", ("instance", "gpu")) == found.panel
    assert "3h" == str(found.wait)
