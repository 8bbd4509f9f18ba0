"""What DCGM calls power and energy: its names since 4.6 first, then those of old."""

from __future__ import annotations

from llmdash.metrics import dcgm, dcgm_plain_units, dcgm_renamed
from llmstack.scraping.families import families

POWER = families(dcgm_renamed.DCGM_FI_DEV_BOARD_POWER_WATTS, dcgm.DCGM_FI_DEV_POWER_USAGE)
ENERGY = families(
    dcgm_plain_units.DCGM_FI_DEV_GPU_ENERGY_JOULES_TOTAL, dcgm.DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION
)
