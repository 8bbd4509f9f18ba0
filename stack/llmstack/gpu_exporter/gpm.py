"""GPU performance monitoring (GPM): how busy each part of a GPU is, on Hopper and newer.

It answers what DCGM's profiling module does, for slices of a GPU too, and needs neither DCGM nor
special rights. NVML compares two samples, so the first question has no answer.
"""

from __future__ import annotations

import math
from contextlib import suppress
from typing import Any

from llmdash.metrics import dcgm, dcgm_opt_in
from llmdash.metrics.metric import Metric
from llmstack.gpu_exporter import nvml
from llmstack.gpu_exporter.probes import MEBIBYTE, Answer, Probe

_VERSION = 1
#: nvmlGpmMetricId_t, the family that it answers, and what its value is divided by: shares are in
#: percent, traffic is in MiB/s.
_METRICS: tuple[tuple[int, Metric, float], ...] = (
    (1, dcgm.DCGM_FI_PROF_GR_ENGINE_ACTIVE, 100),
    (2, dcgm_opt_in.DCGM_FI_PROF_SM_ACTIVE, 100),
    (3, dcgm_opt_in.DCGM_FI_PROF_SM_OCCUPANCY, 100),
    (5, dcgm.DCGM_FI_PROF_PIPE_TENSOR_ACTIVE, 100),
    (10, dcgm.DCGM_FI_PROF_DRAM_ACTIVE, 100),
    (11, dcgm_opt_in.DCGM_FI_PROF_PIPE_FP64_ACTIVE, 100),
    (12, dcgm_opt_in.DCGM_FI_PROF_PIPE_FP32_ACTIVE, 100),
    (13, dcgm_opt_in.DCGM_FI_PROF_PIPE_FP16_ACTIVE, 100),
    (20, dcgm.DCGM_FI_PROF_PCIE_TX_BYTES, 1 / MEBIBYTE),
    (21, dcgm.DCGM_FI_PROF_PCIE_RX_BYTES, 1 / MEBIBYTE),
)


class Gpm:
    """Samples of one GPU, or of one of its slices, each compared with the one before."""

    def __init__(self, library: Any, slice_id: int | None = None) -> None:
        """Name a slice by the id of its GPU instance."""
        self._library = library
        self._slice_id = slice_id
        self._before: Any = None
        self.probe = Probe(
            "nvmlGpmMetricsGet", tuple(family for _, family, _ in _METRICS), self._read
        )

    def close(self) -> None:
        """Free what is held, also where the GPU is gone by now."""
        before, self._before = self._before, None
        self._free(before)

    def _read(self, library: Any, gpu: Any) -> Answer:
        if not library.nvmlGpmQueryDeviceSupport(gpu).isSupportedDevice:
            raise library.NVMLError(nvml.Code.NOT_SUPPORTED)
        sample = library.nvmlGpmSampleAlloc()
        try:
            if self._slice_id is None:
                library.nvmlGpmSampleGet(gpu, sample)
            else:
                library.nvmlGpmMigSampleGet(gpu, self._slice_id, sample)
        except library.NVMLError:
            self._free(sample)
            raise
        before, self._before = self._before, sample
        if before is None:
            return (None,) * len(_METRICS)
        try:
            return self._compared(before, sample)
        finally:
            self._free(before)

    def _compared(self, before: Any, sample: Any) -> Answer:
        asked = self._library.c_nvmlGpmMetricsGet_t()
        asked.version, asked.numMetrics = _VERSION, len(_METRICS)
        asked.sample1, asked.sample2 = before, sample
        for place, (number, _, _) in enumerate(_METRICS):
            asked.metrics[place].metricId = number
        self._library.nvmlGpmMetricsGet(asked)
        return tuple(
            None
            if asked.metrics[place].nvmlReturn or not math.isfinite(asked.metrics[place].value)
            else asked.metrics[place].value / divisor
            for place, (_, _, divisor) in enumerate(_METRICS)
        )

    def _free(self, sample: Any) -> None:
        if sample is not None:
            with suppress(self._library.NVMLError):
                self._library.nvmlGpmSampleFree(sample)
