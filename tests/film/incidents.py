"""All incidents, the ordinary day first: what does not change in another is written there."""

from __future__ import annotations

from tests.film.changes import IDLE_NIGHT, MODEL_SWAP, ORDINARY_DAY, TRAFFIC_TIMES_TEN
from tests.film.gpu_failures import BAD_GPU, GPU_OFF_THE_BUS, PROGRAM_FAULT
from tests.film.outages import (
    ALL_TARGETS_GONE,
    NETWORK_CUT,
    ROLLING_RESTART,
    SCRAPE_GAP,
    TOTAL_OUTAGE,
)
from tests.film.slowness import KV_EXHAUSTION, LIVELOCK, SLOW_PREFILL

INCIDENTS = (
    ORDINARY_DAY,
    TOTAL_OUTAGE,
    SLOW_PREFILL,
    KV_EXHAUSTION,
    LIVELOCK,
    BAD_GPU,
    GPU_OFF_THE_BUS,
    PROGRAM_FAULT,
    ALL_TARGETS_GONE,
    NETWORK_CUT,
    SCRAPE_GAP,
    MODEL_SWAP,
    ROLLING_RESTART,
    TRAFFIC_TIMES_TEN,
    IDLE_NIGHT,
)
