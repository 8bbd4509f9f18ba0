"""What does not answer takes nothing else with it: calls, GPUs, the driver, and ourselves."""

from __future__ import annotations

import threading

import pytest

from llmstack.gpu_exporter import nvml
from llmstack.gpu_exporter.probes import CLOCK_EVENTS, MEMORY, PROBES
from llmstack.gpu_exporter.sampler import Sampler
from llmstack.gpu_exporter.settings import Settings
from tests.live.process import wait_until
from tests.stack.gpu_exporter.fake_nvml import FakeGpu, FakeNvml, bench

FAILURES = "gpu_exporter_call_failures_total"
CALLS = sorted({probe.call for probe in (*PROBES, CLOCK_EVENTS, MEMORY)})


@pytest.mark.parametrize("call", CALLS)
def test_a_call_that_fails_takes_its_own_families_alone(call: str) -> None:
    """A failed call leaves out what it answers, is counted, and is made again; all else stays."""
    gpu = FakeGpu(fails={call: nvml.Code.UNKNOWN})
    stand, well = bench(gpu), bench()
    well.sample(2)
    stand.sample(2)
    own = {
        family.name
        for probe in (*PROBES, CLOCK_EVENTS, MEMORY)
        if probe.call == call
        for family in probe.families
    }
    missing = set(well.families) - set(stand.families)
    failures = stand.series(FAILURES, "call", "error")
    gpu.fails.clear()
    stand.sample(2)

    assert own <= missing
    assert {"nvmlDeviceGetFieldValues", "nvmlDeviceGetCurrentClocksEventReasons"} >= ({call} if missing - own else set())  # fmt: skip
    assert {(call, "unknown")} == set(failures)
    assert set(well.families) == set(stand.families) - {FAILURES}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("code", sorted({nvml.Code.NOT_SUPPORTED, nvml.Code.DEPRECATED}))
def test_what_is_not_supported_is_left_out_for_good(call: str, code: int) -> None:
    """A call that a GPU or a driver does not know is no failure, and is not made again."""
    stand = bench(FakeGpu(fails={call: code}))
    stand.sample()
    stand.fake.calls.clear()
    stand.sample(2)

    assert call not in stand.fake.calls
    assert FAILURES not in stand.families
    assert {("0",): 0} == stand.series("gpu_exporter_gpu_lost", "gpu")


def test_a_field_that_the_driver_does_not_know_is_left_out_for_good() -> None:
    """An unknown field is an argument that NVML calls invalid; the other fields are asked on."""
    gpu = FakeGpu()
    del gpu.fields[82]
    stand = bench(gpu)
    stand.sample(2)

    assert stand.value("DCGM_FI_DEV_MEMORY_TEMP") is None
    assert 305 == stand.value("DCGM_FI_DEV_POWER_USAGE_INSTANT")
    assert FAILURES not in stand.families


def test_a_lost_gpu_is_a_series_and_the_others_go_on() -> None:
    """Of a GPU off the bus it is told that it is lost, and nothing old; it comes back when it answers."""
    lost, well = FakeGpu("GPU-a", 0), FakeGpu("GPU-b", 1)
    stand = bench(lost, well)
    stand.sample(2)
    lost.is_lost = True
    stand.sample(3)
    powers = stand.series("DCGM_FI_DEV_POWER_USAGE", "UUID")
    told = stand.series("gpu_exporter_gpu_lost", "UUID", "gpu", "modelName")
    failures = stand.series(FAILURES, "UUID", "call", "error")
    up = stand.value("gpu_exporter_up")
    lost.is_lost = False
    stand.sample()

    assert {("GPU-b",)} == set(powers)
    assert {("GPU-a", "0", "NVIDIA H100"): 1, ("GPU-b", "1", "NVIDIA H100"): 0} == told
    assert {
        ("GPU-a", "nvmlDeviceGetMigMode", "gpu_is_lost"): 1,
        ("GPU-a", "nvmlDeviceGetHandleByUUID", "gpu_is_lost"): 2,
    } == failures
    assert 1 == up
    assert {("GPU-a",), ("GPU-b",)} == set(stand.series("DCGM_FI_DEV_POWER_USAGE", "UUID"))
    assert 1 == stand.value("gpu_exporter_connections_total")


@pytest.mark.parametrize("call", CALLS)
def test_a_gpu_that_is_lost_in_the_middle_shows_no_half(call: str) -> None:
    """Whichever call finds out, what was answered before it is not shown."""
    stand = bench(FakeGpu("GPU-a"), FakeGpu("GPU-b", 1))
    stand.sample()
    stand.fake.gpus[0].fails[call] = nvml.Code.GPU_IS_LOST
    stand.sample()
    of_a = [line for line in stand.text.splitlines() if 'UUID="GPU-a"' in line]

    assert {FAILURES, "gpu_exporter_gpu_lost", "DCGM_FI_DEV_XID_ERRORS"} == {
        line.partition("{")[0] for line in of_a
    }


def test_a_gpu_that_is_lost_from_the_start_has_its_number_alone() -> None:
    """It never said who it is, so it has no UUID and is no series of a GPU to the pages."""
    stand = bench(FakeGpu("GPU-a", is_lost=True), FakeGpu("GPU-b", 1))
    stand.sample()
    first = stand.series("gpu_exporter_gpu_lost", "gpu", "UUID")
    stand.fake.gpus[0].is_lost = False
    stand.sample()

    assert {("0", ""): 1, ("1", "GPU-b"): 0} == first
    assert {("0", "GPU-a"): 0, ("1", "GPU-b"): 0} == stand.series("gpu_exporter_gpu_lost", "gpu", "UUID")  # fmt: skip


def test_a_gpu_that_never_said_who_it_is_is_not_taken_for_another() -> None:
    """Begun anew, the driver has another GPU at its index: that one is there once, as who it was."""
    stand = bench(FakeGpu("GPU-a", is_lost=True), FakeGpu("GPU-b", 1))
    stand.sample()
    del stand.fake.gpus[0]
    stand.fake.fails["nvmlDeviceGetHandleByIndex"] = nvml.Code.UNINITIALIZED
    stand.sample()
    stand.fake.fails.clear()
    stand.sample()

    assert {("1", "GPU-b"): 0} == stand.series("gpu_exporter_gpu_lost", "gpu", "UUID")
    assert {("1",): 311.5} == stand.series("DCGM_FI_DEV_POWER_USAGE", "gpu")


def test_nvml_is_begun_anew_when_no_gpu_answers() -> None:
    """When all are lost the driver may have been reset under us; it is left and begun again."""
    gpu = FakeGpu()
    stand = bench(gpu)
    stand.sample()
    gpu.is_lost = True
    stand.sample(2)
    told = stand.series("gpu_exporter_gpu_lost", "UUID")
    up = stand.value("gpu_exporter_up")
    gpu.is_lost = False
    stand.sample()

    assert ({("GPU-a",): 1}, 1) == (told, up)
    assert 311.5 == stand.value("DCGM_FI_DEV_POWER_USAGE")
    assert 1 == stand.fake.begun


def test_a_neighbour_of_a_lost_gpu_keeps_its_number() -> None:
    """A driver that is begun anew leaves the lost one out, and counts the others from 0."""
    stand = bench(*(FakeGpu(f"GPU-{name}", place) for place, name in enumerate("abc")))
    stand.sample()
    del stand.fake.gpus[0]
    stand.fake.fails["nvmlDeviceGetUtilizationRates"] = nvml.Code.UNINITIALIZED
    stand.sample()
    stand.fake.fails.clear()
    stand.fake.gpus.append(FakeGpu("GPU-d", 3))
    stand.sample()

    assert {
        ("0", "GPU-a"): 1,
        ("1", "GPU-b"): 0,
        ("2", "GPU-c"): 0,
        ("3", "GPU-d"): 0,
    } == stand.series("gpu_exporter_gpu_lost", "gpu", "UUID")
    assert {("1",), ("2",), ("3",)} == set(stand.series("DCGM_FI_DEV_POWER_USAGE", "gpu"))


def test_a_lost_gpu_that_the_driver_still_counts_is_not_a_new_one() -> None:
    """A GPU that does not say who it is any more is the one that is missing."""
    stand = bench(FakeGpu("GPU-a"), FakeGpu("GPU-b", 1))
    stand.sample()
    stand.fake.gpus[0].is_lost = True
    stand.fake.fails["nvmlDeviceGetUtilizationRates"] = nvml.Code.UNINITIALIZED
    stand.sample()
    stand.fake.fails.clear()
    stand.sample()

    assert {("0", "GPU-a"): 1, ("1", "GPU-b"): 0} == stand.series("gpu_exporter_gpu_lost", "gpu", "UUID")  # fmt: skip


@pytest.mark.parametrize("code", sorted(nvml.GONE))
def test_a_driver_that_is_reloaded_is_begun_anew(code: int) -> None:
    """While the driver is away no GPU is shown; then all are, and what it did not support is asked again."""
    gpu = FakeGpu(fails={"nvmlDeviceGetFanSpeed": nvml.Code.NOT_SUPPORTED})
    stand = bench(gpu, FakeGpu("GPU-b", 1))
    stand.sample()
    stand.fake.fails = {"nvmlDeviceGetPowerUsage": code, "nvmlInit": nvml.Code.DRIVER_NOT_LOADED}
    stand.sample(2)
    away = stand.text
    gpu.fails.clear()
    stand.fake.fails.clear()
    stand.sample()

    assert "gpu_exporter_up 0\n" in away
    assert "UUID=" not in away
    assert 2 == stand.value("gpu_exporter_connections_total")
    assert 47 == stand.series("DCGM_FI_DEV_FAN_SPEED", "UUID")["GPU-a",]
    assert [
        "NVML answers: driver 580.1, GPUs: 2",
        f"NVML does not answer (nvmlDeviceGetPowerUsage: error {code:d})",
        "NVML does not answer (error 9)",
        "NVML answers: driver 580.1, GPUs: 2",
    ] == stand.said


def test_a_driver_that_comes_late_is_waited_for() -> None:
    """The exporter starts before the driver, says so once, and shows GPUs as soon as they are there."""
    stand = bench()
    stand.fake.fails["nvmlInit"] = nvml.Code.LIBRARY_NOT_FOUND
    stand.sample(3)
    stand.fake.fails.clear()
    stand.sample()

    assert [
        "NVML does not answer (error 12)",
        "NVML answers: driver 580.1, GPUs: 1",
    ] == stand.said
    assert 311.5 == stand.value("DCGM_FI_DEV_POWER_USAGE")


def test_a_host_without_gpus_is_not_well() -> None:
    """NVML that knows no GPU is nothing to watch."""
    stand = bench()
    stand.fake.gpus.clear()
    stand.sample()

    assert "NVML knows no GPU" == stand.sampler.snapshot.problem
    assert 0 == stand.value("gpu_exporter_up")


def test_old_values_are_not_shown_as_new_ones() -> None:
    """A sampler that hangs in the driver lets the snapshot grow old; then no GPU is shown any more."""
    stand = bench()
    stand.sample()
    shown = {}
    for age in (10, 11):
        stand.now = stand.sampler.snapshot.taken_at + age
        shown[age] = [
            stand.value(f"gpu_exporter_{name}") for name in ("up", "snapshot_age_seconds")
        ] + [stand.value("DCGM_FI_DEV_POWER_USAGE")]

    assert {10: [1, 10, 311.5], 11: [0, 11, None]} == shown


def test_a_scrape_asks_nothing() -> None:
    """Pages are made from the snapshot: no scrape waits for a GPU."""
    stand = bench()
    stand.sample()
    stand.fake.calls.clear()

    assert stand.text == stand.text
    assert [] == stand.fake.calls


def test_a_mistake_of_ours_ends_nothing() -> None:
    """The thread goes on after an error that nobody thought of, and shows it."""
    fake = FakeNvml([FakeGpu(says={"nvmlDeviceGetMigMode": None})])
    said: list[str] = []
    sampler = Sampler(fake, Settings(interval=0.001), say=said.append)
    sampler.start()
    wait_until(lambda: sampler.snapshot.problem.startswith("the sampler failed"), within=30, what="a problem")  # fmt: skip
    fake.gpus[0].says.clear()
    wait_until(lambda: sampler.snapshot.gpus, within=30, what="a GPU")
    wait_until(lambda: not sampler.snapshot.problem, within=30, what="an answer")
    sampler.stop()

    assert 2 == len(said)
    assert "gpu-sampler" not in [thread.name for thread in threading.enumerate()]
