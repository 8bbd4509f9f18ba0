"""The GPUs of a made evening, as the DCGM exporter would show them; two of them are not well."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from llmdash.metrics import dcgm, dcgm_fields, dcgm_opt_in
from llmdash.metrics.metric import Metric
from tests.pictures.evening import Replica, Values, noise
from tests.pictures.made_vllm import pod_of
from tests.pictures.written_series import WrittenSeries, counter, gauge, scraped

GPUS_PER_REPLICA = 2
GPUS_PER_NODE = 8
#: One whose cooling fails, and one with an error of a program half an hour before the end.
HOT_GPU, FAULTY_GPU = 10, 19
_GIB = 2.0**30


def gpu_series(number: int, replica: Replica) -> Iterator[WrittenSeries]:
    """Yield what the DCGM exporter shows of one GPU of a replica."""
    size = len(replica.arrived)
    node, index = divmod(number, GPUS_PER_NODE)
    target = {"job": "dcgm", "instance": f"node-{node}:9400"}
    if index == 0:
        yield from scraped(target, size, 260)
    labels = {**target, "gpu": str(index), "device": f"nvidia{index}", **pod_of(replica)}
    labels |= {"UUID": f"GPU-{number:08d}", "pci_bus_id": f"00000000:{index + 1:02X}:00.0"}
    labels |= {"modelName": "NVIDIA H100 80GB HBM3", "Hostname": f"node-{node}"}
    hot = np.linspace(0, 1, size) ** 3 if number == HOT_GPU else np.zeros(size)
    shake = noise(f"gpu {number}", size, 3)
    power = np.clip(210 + 420 * replica.load**0.6 + 9 * shake - 150 * hot, 90, 700)
    heat = 34 + 0.047 * _lagged(power, 40) + index % 4 + 43 * hot
    values: tuple[tuple[Metric, Values | float], ...] = (
        (dcgm.DCGM_FI_DEV_SM_CLOCK, 1.98e9 - 6.5e8 * hot - 1.5e7 * np.abs(shake)),
        (dcgm.DCGM_FI_DEV_MEM_CLOCK, 2.619e9),
        (dcgm.DCGM_FI_DEV_GPU_TEMP, np.round(heat)),
        (dcgm.DCGM_FI_DEV_MEMORY_TEMP, np.round(heat + 9)),
        (dcgm.DCGM_FI_DEV_POWER_USAGE, power),
        (dcgm_fields.DCGM_FI_DEV_ENFORCED_POWER_LIMIT, 700.0),
        (dcgm.DCGM_FI_DEV_GPU_UTIL, np.clip(0.7 + 0.28 * replica.load + 0.02 * shake, 0, 1)),
        (dcgm.DCGM_FI_DEV_MEM_COPY_UTIL, np.clip(0.25 + 0.4 * replica.load, 0, 1)),
        (dcgm.DCGM_FI_DEV_ENC_UTIL, 0.0),
        (dcgm.DCGM_FI_DEV_DEC_UTIL, 0.0),
        (dcgm.DCGM_FI_DEV_FB_USED, 73.4 * _GIB),
        (dcgm.DCGM_FI_DEV_FB_FREE, 5.7 * _GIB),
        (dcgm.DCGM_FI_DEV_FB_RESERVED, 0.9 * _GIB),
        (dcgm.DCGM_FI_PROF_GR_ENGINE_ACTIVE, np.clip(0.66 + 0.3 * replica.load, 0, 1)),
        (dcgm.DCGM_FI_PROF_PIPE_TENSOR_ACTIVE, 0.06 + 0.2 * replica.load + 0.006 * shake),
        (dcgm.DCGM_FI_PROF_DRAM_ACTIVE, np.clip(0.3 + 0.42 * replica.load, 0, 1)),
        (dcgm.DCGM_FI_PROF_PCIE_TX_BYTES, 4e7 + 1.2e8 * replica.load),
        (dcgm.DCGM_FI_PROF_PCIE_RX_BYTES, 9e7 + 2.6e8 * replica.load),
        (dcgm.DCGM_FI_DEV_NVLINK_BANDWIDTH_TOTAL, 6e9 + 3.1e10 * replica.load),
        (dcgm.DCGM_FI_DEV_ROW_REMAP_FAILURE, 0.0),
        (dcgm_fields.DCGM_FI_DEV_CLOCK_THROTTLE_REASONS, _held_back(power, hot)),
    )
    for metric, value in values:
        yield gauge(metric, labels, value, size)
    for family, rate in (
        (dcgm.DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION, power),
        (dcgm.DCGM_FI_DEV_PCIE_REPLAY_COUNTER, 0.0),
        (dcgm.DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS, 0.0),
        (dcgm.DCGM_FI_DEV_CORRECTABLE_REMAPPED_ROWS, 0.0),
        (dcgm_opt_in.DCGM_FI_DEV_ECC_SBE_VOL_TOTAL, 0.0002 if number == FAULTY_GPU else 0.0),
        (dcgm_opt_in.DCGM_FI_DEV_ECC_DBE_VOL_TOTAL, 0.0),
        (dcgm_opt_in.DCGM_FI_DEV_POWER_VIOLATION, np.clip((power - 590) / 500, 0, 1)),
        (dcgm_opt_in.DCGM_FI_DEV_THERMAL_VIOLATION, 0.4 * hot),
    ):
        yield counter(family, labels, rate, size)
    xid = np.where(np.arange(size) > 0.8 * size, 31.0, 0.0) if number == FAULTY_GPU else 0.0
    yield gauge(dcgm.DCGM_FI_DEV_XID_ERRORS, labels, xid, size)


def _held_back(power: Values, hot: Values) -> Values:
    """Return the mask of clock events: the power cap, and heat told by software."""
    return np.where(hot > 0.45, 0x20, 0.0) + np.where(power > 615, 0x4, 0.0)


def _lagged(values: Values, steps: int) -> Values:
    """Return values that follow others as heat follows power."""
    weights = np.exp(-np.arange(4 * steps) / steps)
    padded = np.concatenate((np.full(4 * steps - 1, values[0]), values))
    return np.convolve(padded, weights / weights.sum(), "valid")
