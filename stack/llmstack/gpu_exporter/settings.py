"""Settings of the GPU exporter, from GPU_EXPORTER_… in the environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from llmstack.environment import ABOVE_0, HOST, PORT, TRUTH, check, one_of, read, setting, whole
from llmstack.gpu_exporter.names import Names


@dataclass(frozen=True)
class Settings:
    """How the exporter runs."""

    #: A GPU's load tells strangers of one's business, so only this host may ask unless told.
    host: str = setting("GPU_EXPORTER_HOST", "127.0.0.1", HOST)
    port: int = setting("GPU_EXPORTER_PORT", 9101, PORT)
    #: Seconds from one sample to the next.
    interval: float = setting("GPU_EXPORTER_INTERVAL_SECONDS", 2.0, ABOVE_0)
    names: Names = setting("GPU_EXPORTER_NAMES", Names.LEGACY, one_of(Names))
    #: Whether NVML is asked for PCIe traffic where GPM has none: each call blocks for 20 ms, and
    #: there are two a GPU.
    pcie_throughput: bool = setting("GPU_EXPORTER_PCIE_THROUGHPUT", False, TRUTH)
    #: How many GPUs are played, instead of asking the driver; 0 for none.
    simulate: int = setting("GPU_EXPORTER_SIMULATE", 0, whole(0))
    #: What the noise of played GPUs is made from.
    seed: int = setting("GPU_EXPORTER_SEED", 0, whole())

    def __post_init__(self) -> None:
        """Refuse what cannot be: options of the command come here without being read.

        Raises:
            SettingsError: it lists every one of them, by its variable.
        """
        check(self)

    @property
    def stale_after(self) -> float:
        """Seconds after which a snapshot is no answer: five samples, and some calls take long."""
        return max(5 * self.interval, 10.0)


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Return the settings that an environment says.

    Raises:
        SettingsError: it lists every variable that cannot be.
    """
    return read(Settings, environment)
