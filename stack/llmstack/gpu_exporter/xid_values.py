"""XID errors as series: the last code of each GPU, and a count of each code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from llmdash.metrics import dcgm, dcgm_exporter
from llmdash.metrics.xid import XIDS
from llmstack.gpu_exporter.identity import Remembered
from llmstack.gpu_exporter.snapshot import Value
from llmstack.gpu_exporter.xid_events import XidLog

_NAMES = {xid.code: xid.name for xid in XIDS}
#: As the DCGM exporter says it.
_NONE, _UNKNOWN = "No Error", "Unknown Error"


def xid_values(gpu: Remembered, log: XidLog, *, is_watched: bool) -> Iterator[Value]:
    """Yield what happened to a GPU, lost or not; one that nobody watches has no 0."""
    if not gpu.uuid:
        return
    last = dict(log.last(gpu.uuid))
    if is_watched:
        # 0 before the first, so that the first is a change.
        last.setdefault(None, 0)
    for instance, code in last.items():
        said = _NAMES.get(code, _UNKNOWN) if code else _NONE
        labels = {**_labels(gpu, instance), "err_code": str(code), "err_msg": said}
        yield Value(dcgm.DCGM_FI_DEV_XID_ERRORS, labels, code)
    for (instance, code), count in log.counts(gpu.uuid).items():
        labels = {**_labels(gpu, instance), "xid": str(code)}
        yield Value(dcgm_exporter.DCGM_EXP_XID_ERRORS_TOTAL, labels, count)


def _labels(gpu: Remembered, instance: int | None) -> Mapping[str, str]:
    return gpu.labels if instance is None else gpu.slice_labels(instance)
