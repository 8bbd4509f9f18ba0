"""The DCGM exporter: two generations of names, each of which a dashboard has to understand."""

from __future__ import annotations

import pytest

from llmdash.errors import PromqlError
from llmdash.metrics import dcgm, dcgm_plain_units, dcgm_renamed
from llmdash.metrics.metric import Gauge, Metric, Needs, Versions
from llmdash.promql.expressions import convert, greatest, rate, total
from llmdash.promql.printer import to_text
from llmdash.promql.units import WATTS

RENAMED = (*dcgm_renamed.METRICS, *dcgm_plain_units.METRICS)


def test_every_new_name_has_an_old_one() -> None:
    """What DCGM 4.6 and 4.7 named anew took the place of one family, of equal quantity and kind."""
    old = {metric.successor: metric for metric in dcgm.METRICS if metric.successor}

    assert {metric.name for metric in RENAMED} <= set(old)
    assert [] == [
        metric.name
        for metric in RENAMED
        if metric.unit.factors != old[metric.name].unit.factors
        or metric.behaviour != old[metric.name].behaviour
    ]


def test_a_new_name_of_4_6_is_an_alias() -> None:
    """A name of 4.6 has the unit of the old one, but for one that 4.7 redefined; 4.7 has plain units."""
    old = {metric.successor: metric for metric in dcgm.METRICS if metric.successor}

    assert [dcgm_renamed.DCGM_FI_DEV_GPU_UTIL_RATIO] == [
        metric for metric in dcgm_renamed.METRICS if metric.unit != old[metric.name].unit
    ]
    assert [] == [
        metric.name
        for metric in dcgm_plain_units.METRICS
        if metric.unit == old[metric.name].unit or metric.unit.scale != 1
    ]


def newest_names() -> dict[str, Metric]:
    """Each old name that may still be chosen, with the last of its successors."""
    by_name = {metric.name: metric for metric in dcgm.METRICS}
    found = {}
    for metric in dcgm.METRICS:
        newest = metric
        while newest.successor:
            newest = by_name[newest.successor]
        if newest is not metric and metric not in RENAMED and metric.versions.last is None:
            found[metric.name] = newest
    return found


def test_both_generations_are_default_alike() -> None:
    """A new name is in the default set where its old one was, and so is total memory since 4.7."""
    by_name = {metric.name: metric for metric in dcgm.METRICS}

    assert {"DCGM_FI_DEV_FB_TOTAL"} == {
        name
        for name, newest in newest_names().items()
        if (Needs.OWN_COUNTERS in by_name[name].needs) != (Needs.OWN_COUNTERS in newest.needs)
    }


def test_an_exporter_renamed_22_default_families() -> None:
    """Exporter 4.9.0 (DCGM 4.7.0) says that it renamed 22 families and a label, 11 with their unit."""
    by_name = {metric.name: metric for metric in dcgm.METRICS}
    default = [
        (by_name[name], newest)
        for name, newest in newest_names().items()
        if Needs.OWN_COUNTERS not in by_name[name].needs
    ]

    assert 22 == len(default)
    assert 11 == sum(old.unit != newest.unit for old, newest in default)


def test_no_release_since_4_6_says_hostname_in_capitals() -> None:
    """The label of the host is lower case since 4.6, so no new name carries the old spelling."""

    assert [] == [metric.name for metric in RENAMED if "Hostname" in metric.labels.names]
    assert [] == [metric.name for metric in RENAMED if "hostname" not in metric.labels.names]
    assert [] == [metric.name for metric in dcgm.METRICS if "UUID" in metric.optional_labels]


def test_a_ratio_of_4_6_was_a_percentage() -> None:
    """GPU_UTIL_RATIO is an alias in 4.6, 0 to 100, and a field of its own since 4.7."""
    ratio = dcgm_renamed.DCGM_FI_DEV_GPU_UTIL_RATIO

    assert [False, False, True] == [
        ratio.unit_holds(versions)
        for versions in (Versions(), Versions("4.6.0"), Versions("4.7.0"))
    ]


@pytest.mark.parametrize(
    "metric",
    [metric for metric in dcgm.METRICS if metric.kind != metric.behaviour],
    ids=lambda metric: metric.name,
)
def test_what_is_typed_a_counter_and_is_none_has_no_rate(metric: Metric) -> None:
    """A rate that the exporter types a counter is refused a second rate."""
    assert isinstance(metric, Gauge)
    with pytest.raises(PromqlError, match=metric.name):
        rate(metric.select(), "5m")


def test_energy_is_power_in_both_generations() -> None:
    """The rate of millijoules, and that of joules, converts to watts."""
    old = rate(dcgm.DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION.select(), "5m")
    new = rate(dcgm_plain_units.DCGM_FI_DEV_GPU_ENERGY_JOULES_TOTAL.select(), "5m")

    assert [
        "rate(DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION[5m]) / 1000",
        "rate(DCGM_FI_DEV_GPU_ENERGY_JOULES_TOTAL[5m])",
    ] == [to_text(convert(power, WATTS)) for power in (old, new)]


def test_pods_are_labels_of_gpus_and_of_targets() -> None:
    """A GPU's namespace and pod do not hinder grouping by a target's, nor the maximum of a GPU."""
    used = dcgm.DCGM_FI_DEV_FB_USED.select(namespace="llm")

    assert [
        'sum by (namespace, pod) (DCGM_FI_DEV_FB_USED{namespace="llm"})',
        'sum by (instance) (max by (instance, UUID) (DCGM_FI_DEV_FB_USED{namespace="llm"}))',
    ] == [
        to_text(total(used, by=("namespace", "pod"))),
        to_text(total(greatest(used, by=("instance", "UUID")), by=("instance",))),
    ]
