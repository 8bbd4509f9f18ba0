"""Alerts on GPUs at their limits, written out, and which of them a source can tell of."""

from __future__ import annotations

from dataclasses import replace

import pytest

from llmdash.alerts.alert import Alert
from llmdash.alerts.gpu_limits import gpu_limit_alerts
from llmdash.alerts.limits import Limits
from llmdash.alerts.questions import Questions
from llmdash.layer import Layer
from llmdash.promql.printer import RULES, to_text
from llmdash.sources import dcgm, vllm
from llmdash.sources.source import Source
from tests.dashboards.dcgm.gpu_pages import OLD

ODD = Limits(
    gpu_temperature=77,
    gpu_power_share=0.93,
    gpu_memory_share=0.83,
    slow_gpu=0.71,
    slow_gpu_fewest=7,
)
NAMES = [
    "GpuHot",
    "GpuThrottledByHeat",
    "GpuThrottledByPowerSupply",
    "GpuPowerCapped",
    "GpuMemoryFilling",
    "GpuSlow",
]


def alerts(*sources: Source) -> list[Alert]:
    return list(gpu_limit_alerts(Questions(Layer(sources), ODD)))


def written(name: str, source: Source) -> tuple[str, str]:
    """Return what an alert asks, and how long it waits."""
    (found,) = [alert for alert in alerts(source) if alert.name == name]
    assert found.keep_firing is None
    return to_text(found.expr, RULES), str(found.wait)


def test_each_source_of_gpus_has_its_own() -> None:
    """All are tickets, by the labels of their source, of each GPU and shown on its page."""
    found = alerts(vllm(), dcgm(), dcgm(name="cellar"))

    assert [*NAMES, *NAMES] == [alert.name for alert in found]
    assert [
        {"severity": "warning", "source": name, "role": "gpu"}
        for name in ("dcgm", "cellar")
        for _ in NAMES
    ] == [alert.static_labels for alert in found]
    assert {("llm-dcgm-gpu", ("instance", "gpu")), ("llm-cellar-gpu", ("instance", "gpu"))} == {
        (alert.panel.uid, alert.panel.by) for alert in found if alert.panel is not None
    }


def test_hot_written_out() -> None:
    """The hottest series of a GPU, by its new name or its old one, for two minutes."""
    assert (
        'max by (instance, gpu) (DCGM_FI_DEV_GPU_TEMP_CELSIUS{UUID!=""}'
        ' or ignoring (Hostname) DCGM_FI_DEV_GPU_TEMP{UUID!=""}) > 77',
        "2m",
    ) == written("GpuHot", dcgm())
    assert ('max by (instance, gpu) (DCGM_FI_DEV_GPU_TEMP{UUID!=""}) > 77', "2m") == written(
        "GpuHot", OLD
    )


def test_throttled_by_heat_written_out() -> None:
    """Three bits of the mask; a slowdown by hardware that is a power brake's is not heat's."""
    mask = (
        'max by (instance, gpu) (DCGM_FI_DEV_CLOCKS_EVENT_REASONS{UUID!=""}'
        ' or DCGM_FI_DEV_CLOCK_THROTTLE_REASONS{UUID!=""})'
    )

    assert (
        f"floor({mask} / 8) % 2 == bool 1 > (floor({mask} / 128) % 2 == bool 1)"
        f" or floor({mask} / 32) % 2 == bool 1 > 0"
        f" or floor({mask} / 64) % 2 == bool 1 > 0",
        "5m",
    ) == written("GpuThrottledByHeat", dcgm())


def test_throttled_by_power_supply_written_out() -> None:
    """One bit of the mask, and five minutes."""
    mask = (
        'max by (instance, gpu) (DCGM_FI_DEV_CLOCKS_EVENT_REASONS{UUID!=""}'
        ' or DCGM_FI_DEV_CLOCK_THROTTLE_REASONS{UUID!=""})'
    )

    assert (f"floor({mask} / 128) % 2 == bool 1 > 0", "5m") == written(
        "GpuThrottledByPowerSupply", dcgm()
    )


def test_capped_written_out() -> None:
    """Power over its limit, where that limit is lower than the greatest of its model."""
    limit = 'DCGM_FI_DEV_ENFORCED_POWER_LIMIT{UUID!=""}'

    assert (
        'max by (instance, gpu) (DCGM_FI_DEV_POWER_USAGE{UUID!=""})'
        f" / max by (instance, gpu) ({limit}) > 0.93"
        f" and on (instance, gpu) max by (instance, gpu, modelName) ({limit})"
        " < on (modelName) group_left () "
        f"max by (modelName) ({limit})",
        "5m",
    ) == written("GpuPowerCapped", OLD)


@pytest.mark.parametrize(
    ("source", "used", "free", "foretold"),
    [
        (
            OLD,
            '(DCGM_FI_DEV_FB_USED{UUID!=""})) * 1048576',
            '(DCGM_FI_DEV_FB_FREE{UUID!=""})) * 1048576',
            '(predict_linear(DCGM_FI_DEV_FB_FREE{UUID!=""}[15m], 3600))) * 1048576',
        ),
        (
            dcgm(),
            '(DCGM_FI_DEV_FB_USED_BYTES{UUID!=""}'
            ' or ignoring (Hostname) DCGM_FI_DEV_FB_USED{UUID!=""} * 1048576))',
            '(DCGM_FI_DEV_FB_FREE_BYTES{UUID!=""}'
            ' or ignoring (Hostname) DCGM_FI_DEV_FB_FREE{UUID!=""} * 1048576))',
            '(predict_linear(DCGM_FI_DEV_FB_FREE_BYTES{UUID!=""}[15m], 3600) or ignoring (Hostname)'
            ' predict_linear(DCGM_FI_DEV_FB_FREE{UUID!=""}[15m], 3600) * 1048576))',
        ),
    ],
    ids=["old", "both"],
)
def test_filling_written_out(source: Source, used: str, free: str, foretold: str) -> None:
    """The share of all slices, and what is free in an hour by a line of a quarter of one."""
    of_slices = "sum by (instance, gpu) (max by (UUID, GPU_I_ID, instance, gpu) "
    used, free, foretold = (f"{of_slices}{each}" for each in (used, free, foretold))

    assert (
        f"{used} / ({used} + {free}) > 0.83 and on (instance, gpu) {foretold} < 0",
        "30m",
    ) == written("GpuMemoryFilling", source)


@pytest.mark.parametrize(
    ("source", "clock", "work"),
    [
        (
            OLD,
            '(DCGM_FI_DEV_SM_CLOCK{UUID!=""}) * 1000000',
            '(DCGM_FI_DEV_GPU_UTIL{UUID!=""}) / 100',
        ),
        (
            dcgm(),
            '(DCGM_FI_DEV_SM_CLOCK_HERTZ{UUID!=""}'
            ' or ignoring (Hostname) DCGM_FI_DEV_SM_CLOCK{UUID!=""} * 1000000)',
            '(DCGM_FI_DEV_GPU_UTIL_RATIO{UUID!=""}'
            ' or ignoring (Hostname) DCGM_FI_DEV_GPU_UTIL{UUID!=""} / 100)',
        ),
    ],
    ids=["old", "both"],
)
def test_slow_written_out(source: Source, clock: str, work: str) -> None:
    """The clock at work over the median of its model, where enough of it are at work."""
    of_gpus = "max by (instance, gpu, modelName) "
    own = f"{of_gpus}{clock} and {of_gpus}{work} > 0.5"

    assert (
        f"({own}) / on (modelName) group_left () quantile by (modelName) (0.5, {own}) < 0.71"
        f" and on (modelName) count by (modelName) ({own}) >= 7",
        "10m",
    ) == written("GpuSlow", source)


@pytest.mark.parametrize(
    ("missing", "left_out"),
    [
        ("gpu_temperature", {"GpuHot"}),
        ("gpu_clock_events", {"GpuThrottledByHeat", "GpuThrottledByPowerSupply"}),
        ("gpu_power", {"GpuPowerCapped"}),
        ("gpu_power_limit", {"GpuPowerCapped"}),
        ("gpu_memory_used", {"GpuMemoryFilling"}),
        ("gpu_memory_free", {"GpuMemoryFilling"}),
        ("gpu_sm_clock", {"GpuSlow"}),
        ("gpu_utilisation", {"GpuSlow"}),
    ],
)
def test_what_a_source_does_not_tell_has_no_alert(missing: str, left_out: set[str]) -> None:
    """Without one of its answers an alert is left out, and no other."""
    own = dcgm()
    thin = replace(own, answers={key: of for key, of in own.answers.items() if key != missing})

    assert [name for name in NAMES if name not in left_out] == [
        alert.name for alert in alerts(thin)
    ]


def test_without_a_source_of_gpus_there_are_none() -> None:
    """An engine's own word on its GPUs, if it has one, is no exporter's."""
    assert [] == alerts(vllm())
