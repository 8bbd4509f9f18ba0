"""What is assumed of nvidia-ml-py, held against the library itself; no GPU is needed for that."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

import pytest

import llmstack.gpu_exporter
from llmstack.gpu_exporter import nvml
from tests.stack.gpu_exporter.fake_nvml import FakeGpu, FakeNvml, FakeSlice, NVMLError, bench

PACKAGE = Path(llmstack.gpu_exporter.__file__).parent


@pytest.fixture(scope="module")
def library() -> Any:
    return pytest.importorskip("pynvml", reason="nvidia-ml-py is not installed")


def test_errors_have_the_numbers_of_the_library(library: Any) -> None:
    """Each code that means something to us is the library's of that name."""
    assert {code.name: code.value for code in nvml.Code} == {
        code.name: getattr(library, f"NVML_ERROR_{code.name}") for code in nvml.Code
    }


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("MEMORY_V2", "nvmlMemory_v2"),
        ("TEMPERATURE_GPU", "NVML_TEMPERATURE_GPU"),
        ("CLOCK_SM", "NVML_CLOCK_SM"),
        ("CLOCK_MEMORY", "NVML_CLOCK_MEM"),
        ("CORRECTED", "NVML_MEMORY_ERROR_TYPE_CORRECTED"),
        ("UNCORRECTED", "NVML_MEMORY_ERROR_TYPE_UNCORRECTED"),
        ("VOLATILE", "NVML_VOLATILE_ECC"),
        ("AGGREGATE", "NVML_AGGREGATE_ECC"),
        ("RETIRED_SINGLE_BIT", "NVML_PAGE_RETIREMENT_CAUSE_MULTIPLE_SINGLE_BIT_ECC_ERRORS"),
        ("RETIRED_DOUBLE_BIT", "NVML_PAGE_RETIREMENT_CAUSE_DOUBLE_BIT_ECC_ERROR"),
        ("PCIE_SENT", "NVML_PCIE_UTIL_TX_BYTES"),
        ("PCIE_RECEIVED", "NVML_PCIE_UTIL_RX_BYTES"),
        ("POWER", "NVML_PERF_POLICY_POWER"),
        ("THERMAL", "NVML_PERF_POLICY_THERMAL"),
        ("SYNC_BOOST", "NVML_PERF_POLICY_SYNC_BOOST"),
        ("BOARD_LIMIT", "NVML_PERF_POLICY_BOARD_LIMIT"),
        ("LOW_UTILIZATION", "NVML_PERF_POLICY_LOW_UTILIZATION"),
        ("RELIABILITY", "NVML_PERF_POLICY_RELIABILITY"),
        ("PSTATE_UNKNOWN", "NVML_PSTATE_UNKNOWN"),
        ("MIG_ENABLED", "NVML_DEVICE_MIG_ENABLE"),
        ("XID_EVENT", "nvmlEventTypeXidCriticalError"),
        ("FIELD_MEMORY_TEMPERATURE", "NVML_FI_DEV_MEMORY_TEMP"),
        ("FIELD_POWER_INSTANT", "NVML_FI_DEV_POWER_INSTANT"),
        ("FIELD_NVLINK_SENT", "NVML_FI_DEV_NVLINK_THROUGHPUT_DATA_TX"),
        ("FIELD_NVLINK_RECEIVED", "NVML_FI_DEV_NVLINK_THROUGHPUT_DATA_RX"),
        ("FIELD_NVLINK_CRC_FLIT", "NVML_FI_DEV_NVLINK_CRC_FLIT_ERROR_COUNT_TOTAL"),
        ("FIELD_NVLINK_CRC_DATA", "NVML_FI_DEV_NVLINK_CRC_DATA_ERROR_COUNT_TOTAL"),
        ("FIELD_NVLINK_REPLAY", "NVML_FI_DEV_NVLINK_REPLAY_ERROR_COUNT_TOTAL"),
        ("FIELD_NVLINK_RECOVERY", "NVML_FI_DEV_NVLINK_RECOVERY_ERROR_COUNT_TOTAL"),
    ],
)
def test_numbers_are_those_of_the_library(library: Any, ours: str, theirs: str) -> None:
    """Each number of nvml.h that we state is the library's."""
    assert getattr(library, theirs) == getattr(nvml, ours)


def test_every_function_is_one_of_the_library(library: Any) -> None:
    """Each function that the exporter, the played GPUs or the fake name is there, under that name."""
    sources = [*PACKAGE.glob("*.py"), Path(inspect.getfile(FakeNvml))]
    named = {
        name
        for source in sources
        for name in re.findall(r"\b(?:c_)?nvml[A-Z]\w+", source.read_text())
        if name != "nvmlReturn" and (not name.endswith("_t") or name.startswith("c_"))
    }

    assert 40 < len(named)
    assert [] == sorted(name for name in named if not hasattr(library, name))


def test_calls_have_the_arguments_of_the_library(
    library: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What each function is called with is what the library's function of that name takes."""
    called: set[str] = set()
    answer = FakeNvml._call

    def checked(
        self: FakeNvml, name: str, arguments: tuple[Any, ...], named: dict[str, Any]
    ) -> Any:
        function = inspect.unwrap(getattr(library, name))
        inspect.signature(function).bind(*arguments, **named)
        called.add(name)
        return answer(self, name, arguments, named)

    monkeypatch.setattr(FakeNvml, "_call", checked)
    cut = FakeGpu("GPU-b", 1, slices=[FakeSlice(1, "1g.10gb")])
    stand = bench(FakeGpu(), cut, pcie_throughput=True)
    stand.sample(2)
    stand.sampler.stop()

    assert 35 < len(called)


def test_structures_have_the_members_that_are_read(library: Any) -> None:
    """Members of the library's structures are called as we read them."""
    members = {
        "c_nvmlMemory_v2_t": {"total", "used", "reserved", "free"},
        "c_nvmlUtilization_t": {"gpu", "memory"},
        "c_nvmlViolationTime_t": {"violationTime"},
        "c_nvmlFieldValue_t": {"nvmlReturn", "valueType", "value"},
        "c_nvmlEventData_t": {"device", "eventType", "eventData", "gpuInstanceId"},
        "c_nvmlDeviceAttributes": {"gpuInstanceSliceCount", "memorySizeMB"},
        "c_nvmlGpmMetricsGet_t": {"version", "numMetrics", "sample1", "sample2", "metrics"},
        "c_nvmlGpmMetric_t": {"metricId", "nvmlReturn", "value"},
        "c_nvmlGpmSupport_t": {"isSupportedDevice"},
    }

    assert [] == [
        f"{structure}.{member}"
        for structure, read in members.items()
        for member in read
        if member not in {name for name, _ in getattr(library, structure)._fields_}
    ]
    assert list(nvml._MEMBERS) == [name for name, _ in library.c_nvmlValue_t._fields_]


def test_errors_are_told_apart_by_value(library: Any) -> None:
    """The library's error has its number where the fake's has it."""
    assert (15, 15) == (nvml.code_of(library.NVMLError(15)), nvml.code_of(NVMLError(15)))
