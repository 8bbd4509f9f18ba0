"""XID errors: each is heard once, counted by code, and the last one stays."""

from __future__ import annotations

import pytest

from llmstack.gpu_exporter import nvml
from llmstack.gpu_exporter.names import Names
from tests.live.process import wait_until
from tests.stack.gpu_exporter.fake_nvml import (
    NO_INSTANCE,
    Bench,
    FakeGpu,
    FakeSlice,
    bench,
)

LAST = "DCGM_FI_DEV_XID_ERRORS"
TOTAL = "DCGM_EXP_XID_ERRORS_TOTAL"
CODE = ("UUID", "err_code", "err_msg")


def hear(stand: Bench, *events: tuple[int, int]) -> None:
    """Let GPUs, by their place, report codes, and wait until they are heard."""
    for place, code in events:
        stand.fake.events.put((stand.fake.gpus[place], code, NO_INSTANCE))
    heard(stand)


def heard(stand: Bench) -> None:
    wait_until(stand.fake.events.empty, within=30, what="events heard")
    # The last of them is taken, and kept before the next is waited for.
    waits = stand.fake.calls.count("nvmlEventSetWait_v2")
    wait_until(
        lambda: stand.fake.calls.count("nvmlEventSetWait_v2") > waits, within=30, what="next wait"
    )
    stand.sample()


def test_a_gpu_without_an_error_says_so() -> None:
    """Before the first the code is 0, so that the first is a change; nothing is counted yet."""
    stand = bench(FakeGpu("GPU-a"), FakeGpu("GPU-b", 1))
    stand.sample()

    assert {
        ("GPU-a", "0", "No Error"): 0,
        ("GPU-b", "0", "No Error"): 0,
    } == stand.series(LAST, *CODE)
    assert TOTAL not in stand.families


@pytest.mark.parametrize("names", Names)
def test_the_last_code_stays_and_all_are_counted(names: Names) -> None:
    """Each GPU has the last code, with its name; a repeat is seen by the count alone."""
    stand = bench(FakeGpu("GPU-a"), FakeGpu("GPU-b", 1), names=names)
    stand.sample()
    hear(stand, (0, 31), (0, 13), (0, 13), (1, 9999))
    last = LAST if names is Names.LEGACY else "DCGM_FI_DEV_XID_ERROR"

    assert {
        ("GPU-a", "13", "Graphics engine exception"): 13,
        ("GPU-b", "9999", "Unknown Error"): 9999,
    } == stand.series(last, *CODE)
    assert {
        ("GPU-a", "13"): 2,
        ("GPU-a", "31"): 1,
        ("GPU-b", "9999"): 1,
    } == stand.series(TOTAL, "UUID", "xid")


def test_a_gpu_that_falls_off_the_bus_tells_why() -> None:
    """XID 79 stays while the GPU is lost, and so does waiting for errors of its neighbour."""
    lost, well = FakeGpu("GPU-a"), FakeGpu("GPU-b", 1)
    stand = bench(lost, well)
    stand.sample()
    lost.is_lost = True
    stand.fake.events.put((lost, 79, NO_INSTANCE))
    stand.fake.events.put(nvml.Code.GPU_IS_LOST)
    stand.sample(2)
    wait_until(stand.fake.events.empty, within=30, what="both heard")
    stand.sample()
    hear(stand, (1, 31))

    assert {
        ("GPU-a", "79", "GPU has fallen off the bus"): 79,
        ("GPU-b", "31", "GPU memory page fault"): 31,
    } == stand.series(LAST, *CODE)
    assert {("GPU-a",): 1, ("GPU-b",): 0} == stand.series("gpu_exporter_gpu_lost", "UUID")


def test_what_was_told_before_the_end_is_heard() -> None:
    """A watcher that is stopped hears what waits for it first."""
    stand = bench()
    stand.sample()
    for _ in range(20):
        stand.fake.events.put((stand.fake.gpus[0], 31, NO_INSTANCE))
    stand.sampler.stop()
    stand.sample()

    assert {("31",): 20} == stand.series(TOTAL, "xid")


def test_a_slice_has_errors_of_its_own() -> None:
    """An error of one slice is no error of the whole, and slice 0 is a slice."""
    stand = bench(FakeGpu(slices=[FakeSlice(0, "7g.80gb")]))
    stand.sample()
    stand.fake.events.put((stand.fake.gpus[0], 94, 0))
    heard(stand)

    assert {("", "", "0"): 0, ("0", "7g.80gb", "94"): 94} == stand.series(LAST, "GPU_I_ID", "GPU_I_PROFILE", "err_code")  # fmt: skip
    assert {("0", "94"): 1} == stand.series(TOTAL, "GPU_I_ID", "xid")


def test_a_driver_that_is_reloaded_has_no_last_error() -> None:
    """Its GPUs were reset; what was counted stays counted."""
    stand = bench()
    stand.sample()
    hear(stand, (0, 31))
    stand.fake.fails["nvmlDeviceGetPowerUsage"] = nvml.Code.UNINITIALIZED
    stand.sample()
    stand.fake.fails.clear()
    stand.sample()

    assert {("GPU-a", "0", "No Error"): 0} == stand.series(LAST, *CODE)
    assert {("31",): 1} == stand.series(TOTAL, "xid")


def test_nothing_is_said_where_nobody_listens() -> None:
    """A GPU that tells no events has no code, for 0 would say that all is well; the others have."""
    deaf = FakeGpu("GPU-a", fails={"nvmlDeviceRegisterEvents": nvml.Code.NOT_SUPPORTED})
    stand = bench(deaf, FakeGpu("GPU-b", 1))
    stand.sample(2)
    alone = bench(deaf)
    alone.sample(2)

    assert {("GPU-b", "0", "No Error"): 0} == stand.series(LAST, *CODE)
    assert LAST not in alone.families
    assert 1 == alone.fake.calls.count("nvmlEventSetCreate")


def test_events_that_cannot_be_had_are_no_end() -> None:
    """Without a set of events GPUs are shown all the same, and it is asked for again."""
    stand = bench()
    stand.fake.fails["nvmlEventSetCreate"] = nvml.Code.UNKNOWN
    stand.sample()
    without = stand.value(LAST), stand.value("DCGM_FI_DEV_POWER_USAGE")
    stand.fake.fails.clear()
    stand.sample()

    assert ((None, 311.5), 0) == (without, stand.value(LAST))
