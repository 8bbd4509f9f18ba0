"""Each number of NVML under its family, in the family's unit, in both generations of names."""

from __future__ import annotations

import pytest

from llmdash.metrics import dcgm, gpu_exporter
from llmdash.metrics.metric import Gauge, Metric
from llmstack.gpu_exporter.names import Names
from tests.stack.gpu_exporter.fake_nvml import FakeGpu, bench

CATALOGUE: dict[str, Metric] = {
    metric.name: metric for metric in (*dcgm.METRICS, *gpu_exporter.METRICS)
}

LEGACY = {
    "DCGM_FI_DEV_GPU_UTIL": 37,
    "DCGM_FI_DEV_MEM_COPY_UTIL": 41,
    "DCGM_FI_DEV_ENC_UTIL": 3,
    "DCGM_FI_DEV_DEC_UTIL": 5,
    "DCGM_FI_DEV_SM_CLOCK": 1755,
    "DCGM_FI_DEV_MEM_CLOCK": 2619,
    "DCGM_FI_DEV_GPU_TEMP": 61,
    "DCGM_FI_DEV_MEMORY_TEMP": 70,
    "DCGM_FI_DEV_POWER_USAGE": 311.5,
    "DCGM_FI_DEV_POWER_USAGE_INSTANT": 305,
    "DCGM_FI_DEV_POWER_MGMT_LIMIT": 700,
    "DCGM_FI_DEV_ENFORCED_POWER_LIMIT": 650,
    "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION": 123_456_789,
    "DCGM_FI_DEV_FAN_SPEED": 47,
    "DCGM_FI_DEV_PSTATE": 2,
    "DCGM_FI_DEV_POWER_VIOLATION": 2_000_000_000,
    "DCGM_FI_DEV_THERMAL_VIOLATION": 2_000_000_001,
    "DCGM_FI_DEV_SYNC_BOOST_VIOLATION": 2_000_000_002,
    "DCGM_FI_DEV_BOARD_LIMIT_VIOLATION": 2_000_000_003,
    "DCGM_FI_DEV_LOW_UTIL_VIOLATION": 2_000_000_004,
    "DCGM_FI_DEV_RELIABILITY_VIOLATION": 2_000_000_005,
    "DCGM_FI_DEV_PCIE_REPLAY_COUNTER": 7,
    "DCGM_FI_DEV_ECC_SBE_VOL_TOTAL": 11,
    "DCGM_FI_DEV_ECC_DBE_VOL_TOTAL": 12,
    "DCGM_FI_DEV_ECC_SBE_AGG_TOTAL": 13,
    "DCGM_FI_DEV_ECC_DBE_AGG_TOTAL": 14,
    "DCGM_FI_DEV_CORRECTABLE_REMAPPED_ROWS": 31,
    "DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS": 32,
    "DCGM_FI_DEV_ROW_REMAP_PENDING": 1,
    "DCGM_FI_DEV_ROW_REMAP_FAILURE": 0,
    "DCGM_FI_DEV_RETIRED_SBE": 16,
    "DCGM_FI_DEV_RETIRED_DBE": 17,
    "DCGM_FI_DEV_RETIRED_PENDING": 1,
    "DCGM_FI_DEV_NVLINK_CRC_FLIT_ERROR_COUNT_TOTAL": 21,
    "DCGM_FI_DEV_NVLINK_CRC_DATA_ERROR_COUNT_TOTAL": 22,
    "DCGM_FI_DEV_NVLINK_REPLAY_ERROR_COUNT_TOTAL": 23,
    "DCGM_FI_DEV_NVLINK_RECOVERY_ERROR_COUNT_TOTAL": 24,
    # 3,000 and 1,000 KiB more, two seconds later: 1,500 and 500 KiB/s.
    "DCGM_FI_DEV_NVLINK_BANDWIDTH_TOTAL": 2.0,
    "DCGM_FI_PROF_NVLINK_TX_BYTES": 1_536_000,
    "DCGM_FI_PROF_NVLINK_RX_BYTES": 512_000,
    "DCGM_FI_DEV_CLOCK_THROTTLE_REASONS": 4,
    "DCGM_FI_DEV_FB_USED": 69_960,
    "DCGM_FI_DEV_FB_FREE": 9_560,
    "DCGM_FI_DEV_FB_RESERVED": 480,
    "DCGM_FI_DEV_FB_TOTAL": 80_000,
    "DCGM_FI_DEV_FB_USED_PERCENT": 69_960 / 79_520,
    "DCGM_FI_PROF_GR_ENGINE_ACTIVE": 0.51,
    "DCGM_FI_PROF_SM_ACTIVE": 0.52,
    "DCGM_FI_PROF_SM_OCCUPANCY": 0.53,
    "DCGM_FI_PROF_PIPE_TENSOR_ACTIVE": 0.54,
    "DCGM_FI_PROF_DRAM_ACTIVE": 0.55,
    "DCGM_FI_PROF_PIPE_FP64_ACTIVE": 0.005,
    "DCGM_FI_PROF_PIPE_FP32_ACTIVE": 0.07,
    "DCGM_FI_PROF_PIPE_FP16_ACTIVE": 0.08,
    "DCGM_FI_PROF_PCIE_TX_BYTES": 3_145_728,
    "DCGM_FI_PROF_PCIE_RX_BYTES": 4_194_304,
    "DCGM_FI_DEV_XID_ERRORS": 0,
}

#: What is shown under another name, and the value where its unit is another too.
RENAMED = {
    "DCGM_FI_DEV_GPU_UTIL": ("DCGM_FI_DEV_GPU_UTIL_RATIO", 0.37),
    "DCGM_FI_DEV_MEM_COPY_UTIL": ("DCGM_FI_DEV_MEMORY_UTIL_RATIO", 0.41),
    "DCGM_FI_DEV_ENC_UTIL": ("DCGM_FI_DEV_ENC_UTIL_RATIO", 0.03),
    "DCGM_FI_DEV_DEC_UTIL": ("DCGM_FI_DEV_DEC_UTIL_RATIO", 0.05),
    "DCGM_FI_DEV_SM_CLOCK": ("DCGM_FI_DEV_SM_CLOCK_HERTZ", 1_755e6),
    "DCGM_FI_DEV_MEM_CLOCK": ("DCGM_FI_DEV_MEMORY_CLOCK_HERTZ", 2_619e6),
    "DCGM_FI_DEV_GPU_TEMP": ("DCGM_FI_DEV_GPU_TEMP_CELSIUS", 61),
    "DCGM_FI_DEV_MEMORY_TEMP": ("DCGM_FI_DEV_MEMORY_TEMP_CELSIUS", 70),
    "DCGM_FI_DEV_POWER_USAGE": ("DCGM_FI_DEV_BOARD_POWER_WATTS", 311.5),
    "DCGM_FI_DEV_POWER_USAGE_INSTANT": ("DCGM_FI_DEV_BOARD_POWER_RAW_WATTS", 305),
    "DCGM_FI_DEV_POWER_MGMT_LIMIT": ("DCGM_FI_DEV_BOARD_POWER_LIMIT_REQUESTED_WATTS", 700),
    "DCGM_FI_DEV_ENFORCED_POWER_LIMIT": ("DCGM_FI_DEV_BOARD_POWER_LIMIT_ENFORCED_WATTS", 650),
    "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION": ("DCGM_FI_DEV_GPU_ENERGY_JOULES_TOTAL", 123_456.789),
    "DCGM_FI_DEV_FAN_SPEED": ("DCGM_FI_DEV_FAN_SPEED_RATIO", 0.47),
    "DCGM_FI_DEV_PSTATE": ("DCGM_FI_DEV_GPU_PSTATE", 2),
    "DCGM_FI_DEV_POWER_VIOLATION": ("DCGM_FI_DEV_GPU_POWER_THROTTLE_SECONDS_TOTAL", 2),
    "DCGM_FI_DEV_THERMAL_VIOLATION": (
        "DCGM_FI_DEV_GPU_THERMAL_THROTTLE_SECONDS_TOTAL",
        2.000_000_001,
    ),
    "DCGM_FI_DEV_PCIE_REPLAY_COUNTER": ("DCGM_FI_DEV_PCIE_REPLAY_TOTAL", 7),
    "DCGM_FI_DEV_CORRECTABLE_REMAPPED_ROWS": ("DCGM_FI_DEV_ROW_REMAP_CORRECTABLE_TOTAL", 31),
    "DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS": ("DCGM_FI_DEV_ROW_REMAP_UNCORRECTABLE_TOTAL", 32),
    "DCGM_FI_DEV_ROW_REMAP_FAILURE": ("DCGM_FI_DEV_ROW_REMAP_FAILED", 0),
    "DCGM_FI_DEV_RETIRED_SBE": ("DCGM_FI_DEV_PAGE_RETIRED_SBE_TOTAL", 16),
    "DCGM_FI_DEV_RETIRED_DBE": ("DCGM_FI_DEV_PAGE_RETIRED_DBE_TOTAL", 17),
    "DCGM_FI_DEV_RETIRED_PENDING": ("DCGM_FI_DEV_PAGE_RETIRED_PENDING", 1),
    "DCGM_FI_DEV_NVLINK_CRC_FLIT_ERROR_COUNT_TOTAL": (
        "DCGM_FI_DEV_NVLINK_CRC_FLIT_ERROR_TOTAL",
        21,
    ),
    "DCGM_FI_DEV_NVLINK_CRC_DATA_ERROR_COUNT_TOTAL": (
        "DCGM_FI_DEV_NVLINK_CRC_DATA_ERROR_TOTAL",
        22,
    ),
    "DCGM_FI_DEV_NVLINK_REPLAY_ERROR_COUNT_TOTAL": ("DCGM_FI_DEV_NVLINK_REPLAY_ERROR_TOTAL", 23),
    "DCGM_FI_DEV_NVLINK_RECOVERY_ERROR_COUNT_TOTAL": (
        "DCGM_FI_DEV_NVLINK_RECOVERY_ERROR_TOTAL",
        24,
    ),
    "DCGM_FI_DEV_NVLINK_BANDWIDTH_TOTAL": (
        "DCGM_FI_DEV_NVLINK_THROUGHPUT_BYTES_PER_SECOND",
        2_048_000,
    ),
    "DCGM_FI_DEV_CLOCK_THROTTLE_REASONS": ("DCGM_FI_DEV_CLOCKS_EVENT_REASONS", 4),
    "DCGM_FI_DEV_FB_USED": ("DCGM_FI_DEV_FB_USED_BYTES", 69_960 * 2**20),
    "DCGM_FI_DEV_FB_FREE": ("DCGM_FI_DEV_FB_FREE_BYTES", 9_560 * 2**20),
    "DCGM_FI_DEV_FB_RESERVED": ("DCGM_FI_DEV_FB_RESERVED_BYTES", 480 * 2**20),
    "DCGM_FI_DEV_FB_TOTAL": ("DCGM_FI_DEV_FB_CAPACITY_BYTES", 80_000 * 2**20),
    "DCGM_FI_DEV_FB_USED_PERCENT": ("DCGM_FI_DEV_FB_USED_RATIO", 69_960 / 79_520),
    "DCGM_FI_PROF_GR_ENGINE_ACTIVE": ("DCGM_FI_PROF_GR_ENGINE_UTIL_RATIO", 0.51),
    "DCGM_FI_PROF_SM_ACTIVE": ("DCGM_FI_PROF_SM_UTIL_RATIO", 0.52),
    "DCGM_FI_PROF_SM_OCCUPANCY": ("DCGM_FI_PROF_SM_OCCUPANCY_RATIO", 0.53),
    "DCGM_FI_PROF_PIPE_TENSOR_ACTIVE": ("DCGM_FI_PROF_TENSOR_UTIL_RATIO", 0.54),
    "DCGM_FI_PROF_DRAM_ACTIVE": ("DCGM_FI_PROF_DRAM_UTIL_RATIO", 0.55),
    "DCGM_FI_PROF_PIPE_FP64_ACTIVE": ("DCGM_FI_PROF_FP64_UTIL_RATIO", 0.005),
    "DCGM_FI_PROF_PIPE_FP32_ACTIVE": ("DCGM_FI_PROF_FP32_UTIL_RATIO", 0.07),
    "DCGM_FI_PROF_PIPE_FP16_ACTIVE": ("DCGM_FI_PROF_FP16_UTIL_RATIO", 0.08),
    "DCGM_FI_DEV_XID_ERRORS": ("DCGM_FI_DEV_XID_ERROR", 0),
}

EXPECTED = {
    Names.LEGACY: LEGACY,
    Names.RENAMED: dict(RENAMED.get(name, (name, value)) for name, value in LEGACY.items()),
}
FACTS = pytest.mark.parametrize("names", Names, ids=lambda names: str(names.value))


@FACTS
def test_every_number_has_its_family_and_its_unit(names: Names) -> None:
    """What NVML says stands under the family of the name set, in the unit that the catalogue gives it."""
    stand = bench(names=names)
    stand.sample()
    gpu = stand.fake.gpus[0]
    gpu.fields |= {138: gpu.fields[138] + 3000, 139: gpu.fields[139] + 1000}
    stand.sample()
    shown = {
        name: family.samples[0].value
        for name, family in stand.families.items()
        if name.startswith(("DCGM_FI_DEV_", "DCGM_FI_PROF_"))
    }

    assert EXPECTED[names] == pytest.approx(shown)


@FACTS
def test_a_page_is_what_the_catalogue_says(names: Names) -> None:
    """Types and labels of every family are the catalogue's, and values lie within its bounds."""
    stand = bench(
        FakeGpu(), FakeGpu("GPU-b", 1, fails={"nvmlDeviceGetPowerUsage": 999}), names=names
    )
    stand.sample(2)
    stand.fake.events.put((stand.fake.gpus[0], 31, 0xFFFFFFFF))
    stand.sampler.stop()
    stand.sample()
    wrong = []
    for name, family in stand.families.items():
        metric = CATALOGUE[name]
        needed, known = set(metric.labels.names) - metric.optional_labels, set(metric.labels.names)
        if family.kind != metric.kind:
            wrong.append(f"{name} is typed {family.kind}")
        wrong += [
            f"{name} has {sorted(names_)}"
            for names_ in family.label_sets
            if not needed <= names_ <= known
        ]
        wrong += [
            f"{name}: {label} is {value}"
            for label, value in family.label_values
            if value not in (metric.labels.allowed(label) or (value,))
        ]
        if isinstance(metric, Gauge):
            low, high = metric.bounds
            wrong += [
                f"{name} is {sample.value}"
                for sample in family.samples
                if (low is not None and sample.value < low)
                or (high is not None and sample.value > high)
            ]

    assert [] == wrong
    assert {metric.name for metric in gpu_exporter.METRICS} <= set(stand.families)
    assert {"DCGM_EXP_XID_ERRORS_TOTAL", "DCGM_EXP_CLOCK_EVENTS_TOTAL"} <= set(stand.families)


@pytest.mark.parametrize(
    ("names", "node"),
    [
        (Names.LEGACY, {"Hostname": "inn", "DCGM_FI_DRIVER_VERSION": "580.1"}),
        (Names.RENAMED, {"hostname": "inn", "DCGM_FI_SYSTEM_DRIVER_VERSION": "580.1"}),
    ],
)
def test_a_gpu_has_the_labels_of_the_exporter(names: Names, node: dict[str, str]) -> None:
    """Each GPU has its number, UUID, bus, device and make; host and driver as its release calls them."""
    stand = bench(FakeGpu("GPU-a", 5), names=names)
    stand.sample()
    families = stand.families

    for family in ("DCGM_FI_DEV_ECC_SBE_VOL_TOTAL", "DCGM_FI_DEV_ROW_REMAP_PENDING", "gpu_exporter_gpu_lost"):  # fmt: skip
        (sample,) = families[family].samples
        assert {
            "gpu": "0",
            "UUID": "GPU-a",
            "pci_bus_id": "00000000:05:00.0",
            "device": "nvidia5",
            "modelName": "NVIDIA H100",
            **node,
        } == sample.labels


def test_no_new_name_is_left_out() -> None:
    """Every old name that has a successor is shown under it, and no name of either set is in the other."""
    old = {name for name in LEGACY if CATALOGUE[name].successor}

    assert old == set(RENAMED)
    assert set() == old & set(EXPECTED[Names.RENAMED])


@pytest.mark.parametrize(
    ("names", "families"),
    [
        (Names.LEGACY, {"DCGM_FI_DEV_PCIE_TX_THROUGHPUT": 1100, "DCGM_FI_DEV_PCIE_RX_THROUGHPUT": 1101}),
        (Names.RENAMED, {"DCGM_FI_PROF_PCIE_TX_BYTES": 1_100e3, "DCGM_FI_PROF_PCIE_RX_BYTES": 1_101e3}),
    ],
)  # fmt: skip
def test_pcie_traffic_is_asked_for_where_gpm_has_none(
    names: Names, families: dict[str, float]
) -> None:
    """NVML's samples of 20 ms are taken only if one wants them, and only of a GPU without GPM."""
    call = "nvmlDeviceGetPcieThroughput"
    wanted = bench(FakeGpu(gpm={}), names=names, pcie_throughput=True)
    unwanted = bench(FakeGpu(gpm={}), names=names)
    needless = bench(names=names, pcie_throughput=True)
    for stand in (wanted, unwanted, needless):
        stand.sample(2)
    needless.fake.calls.clear()
    needless.sample()

    assert families == {name: wanted.value(name) for name in families}
    assert {None} == {unwanted.value(name) for name in families}
    assert call not in (*unwanted.fake.calls, *needless.fake.calls)
    assert 3 * 2**20 == needless.value("DCGM_FI_PROF_PCIE_TX_BYTES")


def test_an_old_driver_counts_reserved_memory_as_used() -> None:
    """Where the driver knows the first version alone, what is reserved is in what is used, and unknown."""
    stand = bench(FakeGpu(fails={"v2": 13}))
    stand.sample()

    assert (70_400, 9_600, None, 80_000, 0.88) == tuple(
        stand.value(f"DCGM_FI_DEV_FB_{part}")
        for part in ("USED", "FREE", "RESERVED", "TOTAL", "USED_PERCENT")
    )


def test_an_old_driver_calls_clock_events_throttle_reasons() -> None:
    """Drivers before 535 know the mask under the call's old name."""
    stand = bench(FakeGpu(fails={"nvmlDeviceGetCurrentClocksEventReasons": 13}))
    stand.sample()

    assert 8 == stand.value("DCGM_FI_DEV_CLOCK_THROTTLE_REASONS")


def test_an_unknown_performance_state_is_no_number() -> None:
    """NVML says 32 where it does not know, and 15 is the slowest state there is."""
    stand = bench(FakeGpu(says={"nvmlDeviceGetPerformanceState": 32}))
    stand.sample()

    assert stand.value("DCGM_FI_DEV_PSTATE") is None


def test_counters_of_links_that_began_anew_have_no_speed() -> None:
    """A counter that fell is no traffic below zero."""
    stand = bench()
    stand.sample(2)
    stand.fake.gpus[0].fields[138] = 5
    stand.sample()
    fell = stand.value("DCGM_FI_PROF_NVLINK_TX_BYTES")
    stand.sample()

    assert (None, 0) == (fell, stand.value("DCGM_FI_PROF_NVLINK_TX_BYTES"))


def test_clock_events_are_told_one_by_one() -> None:
    """Each bit of the mask is a series, 0 or 1; that a reason set in is counted, also between scrapes."""
    gpu = FakeGpu(says={"nvmlDeviceGetCurrentClocksEventReasons": 4})
    stand = bench(gpu)
    for mask in (4, 8 + 64, 0, 8):
        gpu.says["nvmlDeviceGetCurrentClocksEventReasons"] = mask
        stand.sample()
    active = stand.series("gpu_exporter_clock_event_active", "clock_event")
    total = stand.series("DCGM_EXP_CLOCK_EVENTS_TOTAL", "clock_event")

    assert 9 == len(active) == len(total)
    assert {("hw_slowdown",)} == {name for name, value in active.items() if value}
    assert {("hw_slowdown",): 2, ("hw_thermal",): 1} == {n: v for n, v in total.items() if v}
