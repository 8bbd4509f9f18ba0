"""Why a GPU does not run at full clock: the bits of DCGM's mask of clock events.

The older word is throttle reasons. A GPU at work is held back by its power limit most of the
time, which is no harm; heat and a failing power supply are.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ClockEvent:
    """One bit of the mask, by the name that the exporter's label `clock_event` gives it."""

    bit: int
    name: str
    meaning: str
    is_harm: bool = False


#: In the order of their bits.
CLOCK_EVENTS = (
    ClockEvent(1, "gpu_idle", "Nothing runs, so clocks fall."),
    ClockEvent(2, "clocks_setting", "Clocks are set lower (application clocks)."),
    ClockEvent(4, "power_cap", "The power limit is reached."),
    ClockEvent(8, "hw_slowdown", "Heat, power draw or a power brake halves clocks.", is_harm=True),
    ClockEvent(16, "sync_boost", "Another GPU of its sync boost group is held back."),
    ClockEvent(32, "sw_thermal", "GPU or memory is above its operating temperature.", is_harm=True),
    ClockEvent(64, "hw_thermal", "The GPU is too hot and halves its clocks.", is_harm=True),
    ClockEvent(128, "hw_power_brake", "The power supply asks for less.", is_harm=True),
    ClockEvent(256, "display_clocks", "Clocks are set by a display."),
)
