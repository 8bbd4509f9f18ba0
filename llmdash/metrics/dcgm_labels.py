"""Labels and units that the families of the DCGM exporter share, with those of older releases.

A GPU is its UUID: `gpu` is an index within one node, and may change at a reboot.
"""

from __future__ import annotations

from llmdash.metrics.metric import labels
from llmdash.promql.labels import LabelSet
from llmdash.promql.units import BYTES, Unit, base

# Everywhere, then what came with a release or goes with a flag: the bus since 3.3.7, a lower-case
# hostname since 4.6.0, and the driver's version under a new name since 4.7.0 (its update makes new
# series of everything).
_ALWAYS = ("gpu", "UUID", "device", "modelName")
_NEWER = ("pci_bus_id", "hostname", "DCGM_FI_DRIVER_VERSION", "DCGM_FI_SYSTEM_DRIVER_VERSION")
# Kubernetes: empty on a GPU without a pod, and exported_* where Prometheus does not honour labels.
# MIG: the instance, with the UUID of its parent. Virtual GPUs and jobs give one GPU several
# series: take the maximum by UUID before adding up.
_WORKLOAD = (
    *("container", "namespace", "pod", "pod_uid"),
    *("exported_container", "exported_namespace", "exported_pod"),
    *("GPU_I_ID", "GPU_I_PROFILE", "vgpu", "hpc_job"),
)

#: What some releases, some flags or some GPUs do not show.
OPTIONAL = frozenset({"Hostname", *_NEWER, *_WORKLOAD})
OPTIONAL_SINCE_4_6 = OPTIONAL - {"Hostname"}


def gpu(*names: str, **closed: tuple[str, ...]) -> LabelSet:
    """Return the labels of a GPU, and those that a family adds."""
    return labels(*_ALWAYS, "Hostname", *_NEWER, *_WORKLOAD, *names, is_open=False, **closed)


GPU = gpu()
#: No release that knows the new names says Hostname.
GPU_SINCE_4_6 = labels(*_ALWAYS, *_NEWER, *_WORKLOAD)

ERRORS = base("errors")
PAGES = base("pages")
ROWS = base("rows")
#: The code of an XID error: a name in digits.
XID = base("xid")
#: A number that stands for a state: the least is the best.
STATUS = base("status")
# NVML samples KiB/s, which DCGM divides by 1000 and calls MB/s.
NVLINK_MEGABYTES = Unit(BYTES.per_second.factors, 1_024_000.0)
