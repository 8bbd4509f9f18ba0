"""The two generations of DCGM's names: facts are held under the old one, and shown under either.

What an old name became stands in the catalogue, and so does the unit of each: NVML measures in the
units of the old names, and what takes another unit with its new name is converted.
"""

from __future__ import annotations

from enum import Enum
from functools import cache

from llmdash.metrics import dcgm
from llmdash.metrics.metric import Metric


class Names(Enum):
    """Which names are shown; the value is said by people."""

    LEGACY = "legacy"
    RENAMED = "4.6"

    def family(self, metric: Metric) -> Metric:
        """Return the family under which a fact is shown."""
        return newest(metric) if self is Names.RENAMED else metric

    @property
    def host_label(self) -> str:
        """The label with the name of the host."""
        return "hostname" if self is Names.RENAMED else "Hostname"

    @property
    def driver_label(self) -> str:
        """The label with the version of the driver."""
        renamed = self is Names.RENAMED
        return "DCGM_FI_SYSTEM_DRIVER_VERSION" if renamed else "DCGM_FI_DRIVER_VERSION"


_BY_NAME = {metric.name: metric for metric in dcgm.METRICS}


@cache
def newest(metric: Metric) -> Metric:
    """Return the family that took another's place, or the place of that; else itself."""
    while metric.successor is not None:
        metric = _BY_NAME[metric.successor]
    return metric
