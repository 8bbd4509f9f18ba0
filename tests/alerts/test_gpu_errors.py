"""Alerts on errors of GPUs, written out for one release of the exporter; which codes are whose."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import pytest

from llmdash.alerts.alert import Alert
from llmdash.alerts.gpu_errors import gpu_error_alerts
from llmdash.alerts.limits import Limits
from llmdash.alerts.questions import Questions
from llmdash.intervals import Intervals
from llmdash.layer import Layer
from llmdash.metrics.metric import Versions
from llmdash.metrics.xid import XIDS, XidClass
from llmdash.placement import Placement
from llmdash.promql.printer import RULES, to_text
from llmdash.sources import Source, dcgm, vllm

#: Releases that have the names until DCGM 4.6 alone, so that expressions stay readable.
OLD = dcgm(name="cards", versions=Versions(last="4.5.3"), job="cards")
LIMITS = Limits(corrected_errors=137, nvlink_errors=71)

BY_CLASS = {
    "GpuProgramFault": XidClass.APPLICATION,
    "GpuNeedsReset": XidClass.RESTART,
    "GpuNeedsReplacement": XidClass.REPLACE,
}
NAMES = [
    *BY_CLASS,
    "GpuUncorrectedErrors",
    "GpuCorrectedErrorsMany",
    "GpuRowRemapPending",
    "GpuRowRemapFailed",
    "GpuNvlinkErrorsMany",
    "GpuNvlinkRetrained",
    "GpuLost",
]


def alerts(*sources: Source) -> list[Alert]:
    layer = Layer(sources, Intervals(), Placement())
    return list(gpu_error_alerts(Questions(layer, LIMITS)))


def expressions(source: Source) -> dict[str, str]:
    return {alert.name: to_text(alert.expr, RULES) for alert in alerts(source)}


def codes(expression: str) -> list[int]:
    """Return the codes that an expression chooses."""
    (found,) = re.findall(r'"xid", "([0-9|]+)"', expression)
    return [int(code) for code in found.split("|")]


def test_a_class_of_xids_written_out() -> None:
    """A code of the class that is not the one of the whole last hour, of a GPU watched an hour ago."""
    of = 'DCGM_FI_DEV_XID_ERRORS{job="cards", UUID!=""}'
    by = "by (instance, gpu, GPU_I_ID)"

    assert (
        f'label_replace(count_values by (instance, gpu) ("xid", max {by} ({of})'
        f" unless max {by} ({of})"
        f" == max {by} (max_over_time({of}[1h]))"
        f" == min {by} (min_over_time({of}[1h]))"
        f' == max {by} ({of} offset 1h)), "asks_for", "replace", "xid", "64|157")'
        ' and on (asks_for) label_replace(vector(1), "asks_for", "replace", "", "")'
        " and on (instance, gpu) max by (instance, gpu)"
        ' (DCGM_FI_DEV_POWER_USAGE{job="cards", UUID!=""} offset 1h)'
    ) == expressions(OLD)["GpuNeedsReplacement"]


@pytest.mark.parametrize("name", BY_CLASS)
def test_each_class_has_its_alert(name: str) -> None:
    """All codes of the class are in it, and nothing else tells it from those of other classes."""
    asks_for = BY_CLASS[name]
    found = expressions(OLD)

    assert [xid.code for xid in XIDS if xid.asks_for is asks_for] == codes(found[name])
    alike = found["GpuNeedsReplacement"].replace(
        '"64|157"', re.findall(r'"[0-9|]+"', found[name])[0]
    )
    assert alike.replace('"replace"', f'"{asks_for.name.lower()}"') == found[name]


def test_codes_that_ask_for_nothing_are_not_told() -> None:
    """Every code fires one alert at most; none has those of the class INFO."""
    found = expressions(OLD)
    told = [code for name in BY_CLASS for code in codes(found[name])]

    assert len(told) == len(set(told))
    assert {xid.code for xid in XIDS if xid.asks_for is XidClass.INFO} == {
        xid.code for xid in XIDS
    } - set(told)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "GpuUncorrectedErrors",
            "sum by (instance, gpu) (max by (UUID, instance, gpu) ("
            'increase(DCGM_FI_DEV_ECC_DBE_VOL_TOTAL{job="cards", UUID!=""}[1h])'
            ' or increase(DCGM_FI_DEV_ECC_DBE_AGG_TOTAL{job="cards", UUID!=""}[1h]))) > 0',
        ),
        (
            "GpuCorrectedErrorsMany",
            "sum by (instance, gpu) (max by (UUID, instance, gpu) ("
            'increase(DCGM_FI_DEV_ECC_SBE_VOL_TOTAL{job="cards", UUID!=""}[1h])'
            ' or increase(DCGM_FI_DEV_ECC_SBE_AGG_TOTAL{job="cards", UUID!=""}[1h]))) > 137',
        ),
        (
            "GpuRowRemapPending",
            'max by (instance, gpu) (DCGM_FI_DEV_ROW_REMAP_PENDING{job="cards", UUID!=""}) > 0',
        ),
        (
            "GpuRowRemapFailed",
            'max by (instance, gpu) (DCGM_FI_DEV_ROW_REMAP_FAILURE{job="cards", UUID!=""}) > 0',
        ),
        (
            "GpuNvlinkRetrained",
            "sum by (instance, gpu) (max by (UUID, instance, gpu) ("
            'increase(DCGM_FI_DEV_NVLINK_RECOVERY_ERROR_COUNT_TOTAL{job="cards", UUID!=""}[1h]))) > 0',
        ),
        (
            "GpuLost",
            'max by (instance, gpu) (DCGM_FI_DEV_POWER_USAGE{job="cards", UUID!=""} offset 1h)'
            ' unless max by (instance, gpu) (DCGM_FI_DEV_POWER_USAGE{job="cards", UUID!=""})'
            ' and on (instance) sum by (instance) (up{job="cards"}) > 0',
        ),
    ],
)
def test_an_alert_written_out(name: str, expected: str) -> None:
    """Limits and the job are those of the pack; names those of its release."""
    assert expected == expressions(OLD)[name]


def test_errors_of_links_written_out() -> None:
    """Three kinds are added up; what is trained anew is told by another alert."""
    kinds = ("CRC_FLIT", "CRC_DATA", "REPLAY")
    parts = [
        "label_replace(sum by (instance, gpu) (max by (UUID, instance, gpu) ("
        f'increase(DCGM_FI_DEV_NVLINK_{kind}_ERROR_COUNT_TOTAL{{job="cards", UUID!=""}}[1h]))), '
        f'"part", "{place}", "", "")'
        for place, kind in enumerate(kinds)
    ]

    assert (
        f"sum by (instance, gpu) ({' or '.join(parts)}) > 71"
        == expressions(OLD)["GpuNvlinkErrorsMany"]
    )


def test_new_names_since_4_6() -> None:
    """Where both generations may run, the new name is asked first and the old one where it is not."""
    found = expressions(dcgm())

    assert (
        'max by (instance, gpu) (DCGM_FI_DEV_ROW_REMAP_FAILED{UUID!=""}'
        ' or ignoring (Hostname) DCGM_FI_DEV_ROW_REMAP_FAILURE{UUID!=""}) > 0'
    ) == found["GpuRowRemapFailed"]
    assert (
        "sum by (instance, gpu) (max by (UUID, instance, gpu) ("
        'increase(DCGM_FI_DEV_NVLINK_RECOVERY_ERROR_TOTAL{UUID!=""}[1h]) or ignoring (Hostname)'
        ' increase(DCGM_FI_DEV_NVLINK_RECOVERY_ERROR_COUNT_TOTAL{UUID!=""}[1h]))) > 0'
    ) == found["GpuNvlinkRetrained"]


def test_how_long_each_waits_and_whom_it_tells() -> None:
    """What happened is told at once; states must hold for a moment."""
    waits = {alert.name: alert.wait for alert in alerts(OLD)}
    pages = [alert.name for alert in alerts(OLD) if alert.severity.label == "critical"]

    assert NAMES == list(waits)
    assert {"GpuRowRemapPending": "5m", "GpuRowRemapFailed": "1m", "GpuLost": "2m"} == {
        name: str(wait) for name, wait in waits.items() if wait is not None
    }
    assert [
        "GpuNeedsReset",
        "GpuNeedsReplacement",
        "GpuUncorrectedErrors",
        "GpuRowRemapFailed",
        "GpuLost",
    ] == pages


def test_each_source_has_its_own() -> None:
    """Labels say whose it is; a source that watches no GPU has none."""
    found = alerts(vllm(), OLD, dcgm(name="others", job="others"))

    assert NAMES * 2 == [alert.name for alert in found]
    assert ["cards"] * 10 + ["others"] * 10 == [alert.labels["source"] for alert in found]
    assert {"gpu"} == {alert.labels["role"] for alert in found}
    assert [] == alerts(vllm())


@pytest.mark.parametrize(
    ("missing", "lost"),
    [
        (["gpu_xid"], list(BY_CLASS)),
        (["gpu_uncorrected_errors"], ["GpuUncorrectedErrors"]),
        (["gpu_corrected_errors"], ["GpuCorrectedErrorsMany"]),
        (["gpu_remap_pending"], ["GpuRowRemapPending"]),
        (["gpu_remap_failed"], ["GpuRowRemapFailed"]),
        (["gpu_nvlink_errors"], ["GpuNvlinkErrorsMany", "GpuNvlinkRetrained"]),
        # It tells that a GPU was watched: without it no code is known to be new.
        (["gpu_power"], [*BY_CLASS, "GpuLost"]),
    ],
)
def test_what_a_source_cannot_tell_is_left_out(missing: Sequence[str], lost: Sequence[str]) -> None:
    """An alert is there where its signals are answered."""
    answers = {name: answer for name, answer in OLD.answers.items() if name not in missing}
    found = [alert.name for alert in alerts(replace(OLD, answers=answers))]

    assert [name for name in NAMES if name not in lost] == found
