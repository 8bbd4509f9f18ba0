"""Settings of the GPU exporter, from GPU_EXPORTER_… in the environment."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from llmstack.errors import SettingsError
from llmstack.gpu_exporter.names import Names

T = TypeVar("T")

_TRUE, _FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off")
_LARGEST_PORT = 65535


@dataclass(frozen=True)
class Settings:
    """How the exporter runs."""

    #: A GPU's load tells strangers of one's business, so only this host may ask unless told.
    host: str = "127.0.0.1"
    port: int = 9101
    #: Seconds from one sample to the next.
    interval: float = 2.0
    names: Names = Names.LEGACY
    #: Whether NVML is asked for PCIe traffic where GPM has none: each call blocks for 20 ms, and
    #: there are two a GPU.
    pcie_throughput: bool = False
    #: How many GPUs are played, instead of asking the driver; 0 for none.
    simulate: int = 0
    #: What the noise of played GPUs is made from.
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be.

        Raises:
            SettingsError: a port, an interval or a number of GPUs that cannot be.
        """
        if not 0 <= self.port <= _LARGEST_PORT:
            raise SettingsError(f"GPU_EXPORTER_PORT: expected 0 to 65535, got {self.port}")
        if not (math.isfinite(self.interval) and self.interval > 0):
            raise SettingsError(
                f"GPU_EXPORTER_INTERVAL_SECONDS: expected seconds above 0, got {self.interval:g}"
            )
        if self.simulate < 0:
            raise SettingsError(
                f"GPU_EXPORTER_SIMULATE: expected a number of GPUs, got {self.simulate}"
            )

    @property
    def stale_after(self) -> float:
        """Seconds after which a snapshot is no answer: five samples, and some calls take long."""
        return max(5 * self.interval, 10.0)


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Return the settings that an environment names; an empty variable is one that is not set.

    Raises:
        SettingsError: a variable is not what it should be.
    """

    def of(name: str, read: Callable[[str], T], expected: str, default: T) -> T:
        text = environment.get(name, "").strip()
        if not text:
            return default
        try:
            return read(text)
        except ValueError:
            raise SettingsError(f"{name}: expected {expected}, got {text!r}") from None

    default = Settings()
    kinds = " or ".join(each.value for each in Names)
    return Settings(
        host=of("GPU_EXPORTER_HOST", str, "an address", default.host),
        port=of("GPU_EXPORTER_PORT", int, "0 to 65535", default.port),
        interval=of("GPU_EXPORTER_INTERVAL_SECONDS", float, "seconds", default.interval),
        names=of("GPU_EXPORTER_NAMES", Names, kinds, default.names),
        pcie_throughput=of(
            "GPU_EXPORTER_PCIE_THROUGHPUT", _truth, "true or false", default.pcie_throughput
        ),
        simulate=of("GPU_EXPORTER_SIMULATE", int, "a number of GPUs", default.simulate),
        seed=of("GPU_EXPORTER_SEED", int, "a whole number", default.seed),
    )


def _truth(text: str) -> bool:
    if text.lower() in _TRUE:
        return True
    if text.lower() in _FALSE:
        return False
    raise ValueError(text)
