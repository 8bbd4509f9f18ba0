"""How a played GPU behaves: one of 80 GB that serves a model whose traffic swells and ebbs."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field

from llmdash.metrics.clock_events import CLOCK_EVENTS

MEBIBYTE = 2**20
_BIT = {event.name: event.bit for event in CLOCK_EVENTS}

#: Sizes and limits are those of an H100 SXM: `nvidia-smi -q` on such a node.
MEMORY_TOTAL = 81_559 * MEBIBYTE
MEMORY_RESERVED = 551 * MEBIBYTE
#: An engine takes its share at the start and keeps it.
MEMORY_USED = 73_728 * MEBIBYTE
POWER_LIMIT_WATTS = 700.0
_IDLE_WATTS = 95.0
SM_CLOCK, SM_CLOCK_CAPPED, SM_CLOCK_IDLE, MEMORY_CLOCK = 1980, 1755, 345, 2619

#: Traffic comes and goes in ten minutes, so that a demo sees both.
_PERIOD_SECONDS = 600.0
#: Load is drawn anew so often.
_STEP_SECONDS = 2.0
#: How fast a heat sink follows.
_HEAT_SECONDS = 25.0
_ROOM_CELSIUS, _CELSIUS_OF_WATT = 30.0, 0.058


@dataclass
class SimulatedGpu:
    """One GPU, as far as time has brought it."""

    number: int
    seed: int
    now: float = 0.0
    temperature: float = _ROOM_CELSIUS
    energy_millijoules: float = 0.0
    capped_nanoseconds: float = 0.0
    nvlink_kibibytes: float = 0.0
    load: float = field(init=False)

    def __post_init__(self) -> None:
        """Begin under load."""
        self.load = self._load_at(self.now)

    def advance(self, now: float) -> None:
        """Go on to a time, in seconds since the start; load, and what it adds up to, follow."""
        elapsed = now - self.now
        if elapsed <= 0:
            return
        self.now, self.load = now, self._load_at(now)
        target = _ROOM_CELSIUS + _CELSIUS_OF_WATT * self.watts
        self.temperature += (target - self.temperature) * (1 - math.exp(-elapsed / _HEAT_SECONDS))
        self.energy_millijoules += self.watts * elapsed * 1e3
        self.capped_nanoseconds += elapsed * 1e9 if self.is_capped else 0
        # Two all-reduces a layer: as much as it computes, up to some 90 GB/s each way.
        self.nvlink_kibibytes += self.load * 90e9 / 1024 * elapsed

    @property
    def is_idle(self) -> bool:
        """Whether no request is there."""
        return self.load == 0

    @property
    def is_capped(self) -> bool:
        """Whether it would draw more than it may."""
        return self.watts >= POWER_LIMIT_WATTS

    @property
    def watts(self) -> float:
        """What it draws: most of its limit as soon as it works, and its limit at full load."""
        if self.is_idle:
            return _IDLE_WATTS
        return min(POWER_LIMIT_WATTS, _IDLE_WATTS + (0.35 + 0.7 * self.load) * 605)

    @property
    def utilisation(self) -> int:
        """Percent of time in which a kernel ran: near all of it, for few requests too."""
        return 0 if self.is_idle else round(82 + 18 * self.load)

    @property
    def tensor_activity(self) -> float:
        """Share of cycles of the tensor cores: low, for most of the time tokens are decoded."""
        return 0.42 * self.load

    @property
    def memory_activity(self) -> float:
        """Share of the memory's bandwidth, which limits decoding."""
        return 0 if self.is_idle else 0.25 + 0.55 * self.load

    @property
    def sm_clock(self) -> int:
        """MHz."""
        if self.is_idle:
            return SM_CLOCK_IDLE
        return SM_CLOCK_CAPPED if self.is_capped else SM_CLOCK

    @property
    def clock_events(self) -> int:
        """The mask of what holds clocks back."""
        if self.is_idle:
            return _BIT["gpu_idle"]
        return _BIT["power_cap"] if self.is_capped else 0

    def _load_at(self, now: float) -> float:
        # Ranks of one engine work in step, so GPUs differ by a little noise alone.
        wave = 0.5 + 0.62 * math.sin(2 * math.pi * now / _PERIOD_SECONDS)
        step = int(now / _STEP_SECONDS)
        noise = random.Random(f"{self.seed}/{self.number}/{step}").gauss(0, 0.03)
        return 0.0 if wave <= 0 else min(1.0, max(0.02, wave + noise))
