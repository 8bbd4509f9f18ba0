"""GPUs that are cut into slices (MIG): memory of each slice, and the rest of the whole GPU."""

from __future__ import annotations

from llmstack.gpu_exporter import nvml
from tests.stack.gpu_exporter.fake_nvml import MIB, FakeGpu, FakeSlice, bench

SLICE = ("UUID", "GPU_I_ID", "GPU_I_PROFILE")


def cut(*parts: FakeSlice | None) -> FakeGpu:
    return FakeGpu(slices=list(parts))


def test_memory_is_that_of_slices() -> None:
    """Each slice has its own memory under the UUID of the whole, whose own is not added to it."""
    stand = bench(cut(FakeSlice(1, "3g.40gb"), None, FakeSlice(9, "1g.10gb", 700 * MIB)))
    stand.sample()

    assert {
        ("GPU-a", "1", "3g.40gb"): 1000,
        ("GPU-a", "9", "1g.10gb"): 700,
    } == stand.series("DCGM_FI_DEV_FB_USED", *SLICE)


def test_what_holds_for_the_whole_gpu_is_told_once() -> None:
    """Power, heat and errors are those of the GPU; its utilisation is not known, and no failure."""
    stand = bench(cut(FakeSlice(1, "3g.40gb")))
    stand.sample(2)

    assert {("GPU-a", "", ""): 311.5} == stand.series("DCGM_FI_DEV_POWER_USAGE", *SLICE)
    assert stand.value("DCGM_FI_DEV_GPU_UTIL") is None
    assert "gpu_exporter_call_failures_total" not in stand.families


def test_a_slice_is_as_busy_as_gpm_says() -> None:
    """GPM measures each slice, which stands in for the utilisation that it lacks."""
    stand = bench(cut(FakeSlice(1, "3g.40gb"), FakeSlice(2, "3g.40gb")))
    stand.sample(2)

    assert {
        ("GPU-a", "1", "3g.40gb"): 0.52,
        ("GPU-a", "2", "3g.40gb"): 0.53,
    } == stand.series("DCGM_FI_PROF_GR_ENGINE_ACTIVE", *SLICE)


def test_compute_instances_share_the_memory_of_their_slice() -> None:
    """NVML lists them one by one, and each says what the whole slice uses: it is told once."""
    stand = bench(cut(FakeSlice(4, "1c.3g.40gb"), FakeSlice(4, "2c.3g.40gb")))
    stand.sample()

    assert {("GPU-a", "4", "3g.40gb"): 1000} == stand.series("DCGM_FI_DEV_FB_USED", *SLICE)


def test_a_gpu_is_cut_and_made_whole_while_the_exporter_runs() -> None:
    """Slices come and go; what the cut GPU did not support is asked of the whole one again."""
    gpu = cut(FakeSlice(1, "3g.40gb"), FakeSlice(2, "3g.40gb"))
    stand = bench(gpu)
    stand.sample(2)
    gpu.slices = [FakeSlice(2, "3g.40gb")]
    stand.sample()
    fewer = stand.series("DCGM_FI_DEV_FB_USED", *SLICE)
    held = stand.fake.samples_held
    gpu.slices = None
    stand.sample()

    assert ({("GPU-a", "2", "3g.40gb"): 1000}, 1) == (fewer, held)
    assert {("GPU-a", "", ""): 69_960} == stand.series("DCGM_FI_DEV_FB_USED", *SLICE)
    assert 37 == stand.value("DCGM_FI_DEV_GPU_UTIL")


def test_slices_that_cannot_be_listed_leave_their_memory_out() -> None:
    """The memory of the whole would jump to where that of its slices stood; all else stays."""
    gpu = cut(FakeSlice(1, "3g.40gb"))
    gpu.fails["nvmlDeviceGetMigDeviceHandleByIndex"] = nvml.Code.UNKNOWN
    stand = bench(gpu)
    stand.sample()

    assert stand.value("DCGM_FI_DEV_FB_USED") is None
    assert 311.5 == stand.value("DCGM_FI_DEV_POWER_USAGE")
    assert {("nvmlDeviceGetMigDeviceHandleByIndex", "unknown"): 1} == stand.series("gpu_exporter_call_failures_total", "call", "error")  # fmt: skip
