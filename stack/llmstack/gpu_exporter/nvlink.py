"""Traffic of NVLinks: NVML counts KiB since the driver was loaded, DCGM shows what flows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llmdash.metrics import dcgm, dcgm_fields
from llmstack.gpu_exporter import nvml
from llmstack.gpu_exporter.probes import Answer, Probe

_KIBIBYTE = 1024


class NvlinkTraffic:
    """What one GPU sent and received over all its links since it was asked the last time."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._before: tuple[float, float, float] | None = None
        self.probe = Probe(
            "nvmlDeviceGetFieldValues",
            (
                dcgm.DCGM_FI_DEV_NVLINK_BANDWIDTH_TOTAL,
                dcgm_fields.DCGM_FI_PROF_NVLINK_TX_BYTES,
                dcgm_fields.DCGM_FI_PROF_NVLINK_RX_BYTES,
            ),
            self._read,
        )

    def _read(self, library: Any, gpu: Any) -> Answer:
        sent, received = (
            nvml.field(library, gpu, number, nvml.ALL_LINKS)
            for number in (nvml.FIELD_NVLINK_SENT, nvml.FIELD_NVLINK_RECEIVED)
        )
        now = self._clock()
        before, self._before = self._before, (now, sent, received)
        if before is None or now <= before[0] or sent < before[1] or received < before[2]:
            # The first time, or the counters began anew.
            return None, None, None
        elapsed = now - before[0]
        out, back = (sent - before[1]) / elapsed, (received - before[2]) / elapsed
        # DCGM divides KiB/s by 1000 and calls it MB/s; the catalogue's unit says so.
        return (out + back) / 1000, out * _KIBIBYTE, back * _KIBIBYTE
