"""GPUs at their limits: heat, power, memory, and clocks that are held back."""

from __future__ import annotations

from collections.abc import Iterator

from llmdash.alerts.alert import Alert
from llmdash.alerts.gpus import GPU, HOUR, EveryGpu, gpus_of
from llmdash.alerts.questions import Questions, above, below
from llmdash.dashboards.dcgm.clock_events import MASK, is_set
from llmdash.dashboards.dcgm.clocks import CLOCK, WORK, at_work
from llmdash.dashboards.dcgm.memory import memory_share
from llmdash.dashboards.dcgm.page import BY_GPU, BY_GPU_AND_MODEL, MODEL
from llmdash.metrics.clock_events import CLOCK_EVENTS
from llmdash.promql.expressions import count, first_of, joined, median
from llmdash.promql.nodes import Binary, Expr, Number
from llmdash.promql.units import COUNT
from llmdash.promql.windows import Duration
from llmdash.slos.tiers import Severity

_FREE = "gpu_memory_free"
#: A line of this length tells growth from what an engine takes once, at its start.
_TREND = Duration.parse("15m")
#: For so long it must end below nothing. A step is out of it after a quarter of an hour; the rest
#: is for what takes a while: weights over a network, graphs, buffers of the first large batches.
_FILLS = Duration.parse("30m")


def gpu_limit_alerts(asked: Questions) -> Iterator[Alert]:
    """Yield what limits of GPUs are told by, for each source that watches GPUs."""
    for gpus in gpus_of(asked):
        if gpus.has("gpu_temperature"):
            yield _hot(asked, gpus)
        if gpus.has(MASK):
            yield from _held_back(gpus)
        if gpus.has("gpu_power") and gpus.has("gpu_power_limit"):
            yield _capped(asked, gpus)
        if gpus.has("gpu_memory_used") and gpus.has(_FREE):
            yield _filling(asked, gpus)
        if gpus.has(CLOCK) and gpus.has(WORK):
            yield _slow(asked, gpus)


def _hot(asked: Questions, gpus: EveryGpu) -> Alert:
    return gpus.alert(
        "GpuHot",
        Severity.TICKET,
        "temperature",
        expr=above(gpus.now("gpu_temperature"), asked.limits.gpu_temperature),
        wait=Duration.parse("2m"),
        summary=f"{GPU} is at {{{{ $value }}}} °C",
        description="A few degrees more, and it lowers its clocks by itself; then it switches off. "
        "One alone points at its place or its fan, all of a room at the room.",
    )


def _held_back(gpus: EveryGpu) -> Iterator[Alert]:
    mask = gpus.now(MASK)
    bit = {event.name: is_set(mask, event) for event in CLOCK_EVENTS}
    brake = bit["hw_power_brake"]
    yield _throttled(
        gpus,
        "GpuThrottledByHeat",
        # A power brake is a slowdown by hardware too, and sets both bits.
        first_of(
            Binary(">", bit["hw_slowdown"], brake),
            *(above(bit[name], 0) for name in ("sw_thermal", "hw_thermal")),
        ),
        "heat",
        "The GPU runs at lower clocks, down to a half, since it or its memory is too hot. "
        "Every engine that waits for it in each step is as slow.",
    )
    yield _throttled(
        gpus,
        "GpuThrottledByPowerSupply",
        above(brake, 0),
        "its power supply",
        "The node's power supply asks the GPU for less: it fails, or too much hangs on it. "
        "Clocks fall to a half.",
    )


def _throttled(gpus: EveryGpu, name: str, expr: Expr, by: str, text: str) -> Alert:
    return gpus.alert(
        name,
        Severity.TICKET,
        "held-back",
        expr=expr,
        wait=Duration.parse("5m"),
        summary=f"clocks of {GPU} are held back by {by}",
        description=text,
    )


def _capped(asked: Questions, gpus: EveryGpu) -> Alert:
    share = gpus.now("gpu_power") / gpus.now("gpu_power_limit")
    # To stand at one's limit is usual at work, and no harm where all of a kind have the same.
    limit = gpus.now("gpu_power_limit", BY_GPU_AND_MODEL)
    lower = joined(limit, "<", gpus.now("gpu_power_limit", (MODEL,)), on=(MODEL,), group_left=())
    return gpus.alert(
        "GpuPowerCapped",
        Severity.TICKET,
        "power-of-limit",
        expr=joined(above(share, asked.limits.gpu_power_share), "and", lower, on=BY_GPU),
        wait=Duration.parse("5m"),
        summary=f"{GPU} draws {{{{ $value | humanizePercentage }}}} of its power limit, which is "
        "lower than that of its equals",
        description="It would run faster with as much power as others of its kind may draw, and "
        "all GPUs that compute each token together wait for it. At work it is usual to stand at "
        "the limit; to have a lower one is not.",
    )


def _filling(asked: Questions, gpus: EveryGpu) -> Alert:
    # An engine takes its share once and stays there: near full and flat is healthy.
    ends = gpus.foretold(_FREE, _TREND, HOUR)
    return gpus.alert(
        "GpuMemoryFilling",
        Severity.TICKET,
        "memory-share",
        expr=joined(
            above(memory_share(gpus), asked.limits.gpu_memory_share),
            "and",
            below(ends, 0),
            on=BY_GPU,
        ),
        wait=_FILLS,
        summary=f"memory of {GPU} is {{{{ $value | humanizePercentage }}}} full, and will be full "
        f"within {HOUR}",
        description="It is nearly full and fills further: something takes more and more of it, and "
        "ends with out of memory. An engine takes its share once, at its start, and stays there.",
    )


def _slow(asked: Questions, gpus: EveryGpu) -> Alert:
    own = at_work(gpus, gpus.now(CLOCK, BY_GPU_AND_MODEL), BY_GPU_AND_MODEL)
    share = joined(own, "/", median(own, (MODEL,)), on=(MODEL,), group_left=())
    enough = Binary(">=", count(own, (MODEL,)), Number(asked.limits.slow_gpu_fewest, COUNT))
    slow = joined(below(share, asked.limits.slow_gpu), "and", enough, on=(MODEL,))
    return gpus.alert(
        "GpuSlow",
        Severity.TICKET,
        "clock-of-model",
        expr=slow,
        wait=Duration.parse("10m"),
        summary=f"{GPU} runs at {{{{ $value | humanizePercentage }}}} of the clock of its equals",
        description="All GPUs that compute each token together wait for the slowest. Look at its "
        "heat, its power limit and what holds its clocks back.",
    )
