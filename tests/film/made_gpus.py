"""GPUs, as the DCGM exporters of their nodes would show them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from llmdash.metrics import dcgm, dcgm_fields, dcgm_opt_in, prometheus
from tests.film.fleet import Gpu, State
from tests.film.reading import Labels, Reading, Target, gauge

#: Watts, and mebibytes that an engine has taken and left.
_LIMIT = 700
_USED, _FREE = 73_000, 6_900


def gpu_targets(gpus: Sequence[Gpu], state: State) -> Iterator[Target]:
    """Yield the exporter of each node."""
    for instance in dict.fromkeys(gpu.instance for gpu in gpus):
        target = {"job": "dcgm", "instance": instance}
        own = [gpu for gpu in gpus if gpu.instance == instance]
        shown = [reading for gpu in own for reading in _readings(gpu, target)]
        scrape = gauge(prometheus.SCRAPE_DURATION_SECONDS.name, target, "0.02")
        yield Target(target["job"], target["instance"], state, (scrape, *shown))


def _readings(gpu: Gpu, target: Labels) -> Iterator[Reading]:
    node = gpu.instance.partition(":")[0]
    labels = {**target, "gpu": str(gpu.index), "UUID": f"GPU-{node}-{gpu.index}"}
    labels |= {"modelName": "NVIDIA H100 80GB HBM3", "Hostname": node}
    # An XID is an event of the driver: it is told of a GPU that answers no more.
    yield gauge(dcgm.DCGM_FI_DEV_XID_ERRORS.name, labels, gpu.xid)
    if gpu.is_gone:
        return
    for metric, value in (
        (dcgm.DCGM_FI_DEV_GPU_TEMP, gpu.temperature),
        (dcgm.DCGM_FI_DEV_POWER_USAGE, gpu.power),
        (dcgm_fields.DCGM_FI_DEV_ENFORCED_POWER_LIMIT, _LIMIT),
        (dcgm.DCGM_FI_DEV_GPU_UTIL, gpu.use),
        (dcgm.DCGM_FI_DEV_SM_CLOCK, gpu.clock),
        (dcgm.DCGM_FI_DEV_FB_USED, _USED),
        (dcgm.DCGM_FI_DEV_FB_FREE, _FREE),
        (dcgm_fields.DCGM_FI_DEV_CLOCK_THROTTLE_REASONS, gpu.held_back),
        (dcgm_opt_in.DCGM_FI_DEV_ECC_SBE_VOL_TOTAL, gpu.corrected),
        (dcgm_opt_in.DCGM_FI_DEV_ECC_DBE_VOL_TOTAL, gpu.uncorrected),
        (dcgm_fields.DCGM_FI_DEV_ROW_REMAP_PENDING, gpu.rows_pending),
        (dcgm.DCGM_FI_DEV_ROW_REMAP_FAILURE, gpu.rows_failed),
        (dcgm_opt_in.DCGM_FI_DEV_NVLINK_REPLAY_ERROR_COUNT_TOTAL, gpu.link_errors),
        (dcgm_opt_in.DCGM_FI_DEV_NVLINK_RECOVERY_ERROR_COUNT_TOTAL, gpu.links_retrained),
    ):
        yield gauge(metric.name, labels, value)
